"""The gates at work at the same time: the slowest one decides how long they take, not the sum."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hook.bootstrap.locking import build_lock
from hook.bootstrap.reading import build_engine, build_reading
from hook.bootstrap.writing import build_gates
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.origin import Origin
from hook.core.backups.wal import Recovery
from hook.core.outcome import Policy
from hook.errors import ExitCode
from hook.pipeline import inspection
from hook.pipeline.journal import Journal
from hook.settings import BlockerSettings
from hook.stages.archive import ArchiveStage
from hook.stages.backup import BackupStage
from tests.testbed.gate import Gate
from tests.testbed.run_context import eventually, meanwhile

DAY = timedelta(days=1)
PATIENCE = timedelta(seconds=60)


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
    ctx = gate.context()
    engine = build_engine(gate.settings, ctx)
    gates = replace(
        build_gates(gate.settings, engine),
        backup=BackupStage(catalog, DAY, PATIENCE),
        archive=ArchiveStage(catalog, DAY, PATIENCE),
    )
    gate.events.told.clear()
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM t")

        def leave() -> None:
            eventually(lambda: bool(gate.events.named("retry.scheduled")))
            meet()
            reader.rollback()

        with meanwhile(leave):
            report = inspection.check(
                Journal.begin("check", ctx),
                lambda: build_reading(gate.settings, engine),
                lambda: gates,
                build_lock(gate.settings),
            )
    told = {result.name: [item.rule for item in result.findings] for result in report.results}
    assert told["blockers"] == ["blockers"]
    assert told["backup"] == ["backup-age"]
    assert told["archive"] == ["archiver", "wal-timeline"]
    assert not meeting.broken
