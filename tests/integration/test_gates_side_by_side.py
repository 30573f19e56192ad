"""The gates at work at the same time: the slowest one decides how long they take, not the sum."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.bootstrap.locking import build_lock
from hook.bootstrap.reading import build_engine, build_reading
from hook.bootstrap.writing import build_gates
from hook.catalogs import WalCatalog
from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.origin import Origin
from hook.core.backups.wal import Recovery
from hook.core.outcome import Policy
from hook.demo.repository import STANZA
from hook.errors import ExitCode
from hook.pipeline import inspection
from hook.pipeline.journal import Journal
from hook.settings import BlockerSettings
from hook.settings.backup_source import S3Settings, parse_backup_source
from hook.stages.archive import ArchiveStage
from hook.stages.backup import BackupStage
from tests.testbed.backup_gate import fresh_repository
from tests.testbed.canned_http import Answer, answering
from tests.testbed.directory_s3 import DirectoryS3
from tests.testbed.gate import Gate
from tests.testbed.run_context import eventually, meanwhile

DAY = timedelta(days=1)
# Nobody waits so long unless the gates do wait for each other.
PATIENCE = timedelta(seconds=180)
SLOW = 60


@dataclass(frozen=True, slots=True)
class SlowCatalog:
    """A `WalCatalog` that goes on only when the others are at work as well."""

    meet: Callable[[], object]
    system_identifier: str

    def describe(self) -> str:
        """Name the fake."""
        return "the slow catalog"

    def read_evidence(self) -> Evidence:
        """Return one backup, after the meeting."""
        self.meet()
        now = datetime.now(UTC)
        backup = Backup(
            *("full", BackupType.FULL, now, now),
            error=False,
            wal_start="000000010000000000000001",
            lsn_stop="0/1000100",
            presence=Presence.COMPLETE,
        )
        origin = Origin(self.system_identifier)
        return Evidence(self.describe(), (backup,), "mark", "command", "full", origin)

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Return an archive that no way leads through."""
        return ArchiveEvidence(self.describe(), recovery, self.system_identifier)

    def has_segment(self, name: str) -> bool:
        """Nothing is there; these gates do not ask."""
        return not name


def test_storage_is_read_while_blockers_are_waited_for(gate: Gate) -> None:
    """There is a moment at which all three are at work, so their times do not add up.

    None of them goes on before the others have begun: one after the other, they would not
    come to an end.
    """
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    gate.settings = gate.settings._replace(
        blockers=BlockerSettings(Policy.ENFORCE, timedelta(minutes=30), PATIENCE)
    )
    meeting = threading.Barrier(3)

    def meet() -> None:
        meeting.wait(PATIENCE.total_seconds())

    ((identifier,),) = gate.database.query(
        "SELECT system_identifier::text FROM pg_control_system()"
    )
    catalog = SlowCatalog(meet, str(identifier))
    gate.events.told.clear()
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM t")

        def leave() -> None:
            eventually(lambda: bool(gate.events.named("retry.scheduled")))
            meet()
            reader.rollback()

        with meanwhile(leave):
            told = _told_by_gates(gate, catalog, catalog)
    assert told["blockers"] == ["blockers"]
    assert told["backup"] == ["backup-age"]
    assert told["archive"] == ["archiver", "wal-timeline"]
    assert not meeting.broken


def _told_by_gates(gate: Gate, backups: WalCatalog, wal: WalCatalog) -> dict[str, list[str]]:
    """Return the rules that each gate finds something by, where each asks a source of its own."""
    ctx = gate.context()
    engine = build_engine(gate.settings, ctx)
    gates = replace(
        build_gates(gate.settings, engine),
        backup=BackupStage(backups, DAY, PATIENCE),
        archive=ArchiveStage(wal, DAY, PATIENCE),
    )
    report = inspection.check(
        Journal.begin("check", ctx),
        lambda: build_reading(gate.settings, engine),
        lambda: gates,
        build_lock(gate.settings),
    )
    return {result.name: [item.rule for item in result.findings] for result in report.results}


@dataclass(slots=True)
class SlowStorage:
    """A storage that keeps whoever asks first waiting, until another is asked as well."""

    files: DirectoryS3
    is_asked: threading.Event = field(default_factory=threading.Event)
    others: list[SlowStorage] = field(default_factory=list)
    met: list[bool] = field(default_factory=list)

    def __call__(self, path: str) -> Answer:
        """Answer; the first time only once the others have a request open, too."""
        if not self.is_asked.is_set():
            self.is_asked.set()
            self.met += [other.is_asked.wait(SLOW) for other in self.others]
        return self.files(path)


def test_two_slow_storages_are_asked_at_the_same_time(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each still has the first request open when the other gets its own: they see that.

    So the slower one decides how long both take. One gate after the other, the first storage
    would wait in vain, and say so.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    ((identifier,),) = gate.database.query(
        "SELECT system_identifier::text FROM pg_control_system()"
    )
    fresh_repository(tmp_path / "repo").belong_to(int(str(identifier)))
    storages = [SlowStorage(DirectoryS3(tmp_path)) for _ in range(2)]
    for storage, other in zip(storages, storages[::-1], strict=True):
        storage.others.append(other)
    with ExitStack() as stack:
        endpoints = [stack.enter_context(answering(item)).endpoint for item in storages]
        told = _told_by_gates(gate, *map(_repository_at, endpoints))
    assert [storage.met for storage in storages] == [[True], [True]]
    assert told["backup"] == ["backup-age"]
    assert told["archive"][0] == "archiver"


def _repository_at(endpoint: str) -> WalCatalog:
    settings = S3Settings(endpoint=endpoint, read_timeout=2 * timedelta(seconds=SLOW))
    source = parse_backup_source("pgbackrest:s3://shop/repo")
    catalog = open_catalogs(source, Access(settings, STANZA)).wal
    assert catalog is not None
    return catalog
