"""The archive gate on a real server: what it makes of a catalog that answers, fails or hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from hook.clock import Interrupt
from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence, RestoreWindow
from hook.core.backups.backup_table import WalFound, Way
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.restore_window import WindowJudgement
from hook.core.backups.wal import Recovery, Run, Stretch
from hook.core.outcome import Finding, Status
from hook.errors import BackupSourceMissing, BackupUnknown, ExitCode, HookError, Interrupted
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.archive import ArchiveStage
from tests.testbed.backup_gate import ignore
from tests.testbed.database import Database
from tests.testbed.run_context import open_session, target_of

CLUSTER = "42"
ORIGIN = Origin(CLUSTER)
LIMIT = timedelta(minutes=15)
NOW = datetime.now(UTC)
BACKUP = Backup(
    "full",
    BackupType.FULL,
    NOW,
    NOW,
    error=False,
    wal_start="000000010000000000000001",
    wal_stop="000000010000000000000001",
    lsn_stop="0/1000100",
    presence=Presence.COMPLETE,
)


def _empty_archive(recovery: Recovery) -> ArchiveEvidence:
    return ArchiveEvidence("the fake catalog", recovery, CLUSTER)


@dataclass(frozen=True, slots=True)
class FakeCatalog:
    """A `WalCatalog` with the *backups* of a test, which does as told with the archive."""

    backups: tuple[Backup, ...] = (BACKUP,)
    read: Callable[[Recovery], ArchiveEvidence] = _empty_archive
    window: RestoreWindow | None = None
    origin: Origin = ORIGIN

    def describe(self) -> str:
        """Name the fake."""
        return "the fake catalog"

    def read_evidence(self) -> Evidence:
        """Return the backups."""
        place = self.describe()
        told = Evidence(place, self.backups, "mark", "command", "full", self.origin)
        return replace(told, window=self.window)

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Do what the test says."""
        return self.read(recovery)

    def has_segment(self, name: str) -> bool:
        """Nothing is there; this gate does not ask."""
        return not name


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session of the run."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


Ask = Callable[..., Finding]


@pytest.fixture
def ask(ctx: Context, session: Session) -> Ask:
    """Return ``ask(catalog, identifier="42") -> Finding`` about the archive.

    The server under test archives nothing, which is told first whatever the catalog says.
    """

    def ask(catalog: FakeCatalog, identifier: str | None = CLUSTER) -> Finding:
        stage = ArchiveStage(catalog, LIMIT, timedelta(seconds=5))
        archiver, finding = stage.start(ctx, session, ServerIdentity(identifier), ignore)()
        assert (archiver.rule, archiver.code) == ("archiver", ExitCode.NO_WAY_BACK)
        return finding

    return ask


def _raising(error: HookError) -> FakeCatalog:
    def read(_recovery: Recovery) -> ArchiveEvidence:
        raise error

    return FakeCatalog(read=read)


def test_gate_looks_from_the_backup_to_the_servers_position(ask: Ask, session: Session) -> None:
    """The catalog is told what to look for, and what it finds is judged."""
    asked: list[Recovery] = []

    def read(recovery: Recovery) -> ArchiveEvidence:
        asked.append(recovery)
        return _empty_archive(recovery)

    assert ask(FakeCatalog(read=read)).rule == "wal-timeline"
    (recovery,) = asked
    ((name,),) = session.fetch("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    assert recovery.start.name(recovery.segment_size) == BACKUP.wal_start
    assert recovery.end.name(recovery.segment_size) == name


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BackupSourceMissing("there is no archive", "Create it."), Status.FAILED),
        (BackupUnknown("no answer", "Look."), Status.UNKNOWN),
    ],
)
def test_gate_keeps_missing_and_unknown_apart(error: HookError, status: Status, ask: Ask) -> None:
    """What could not be read is not what is not there."""
    finding = ask(_raising(error))
    assert (finding.status, finding.code) == (status, error.exit_code)


def test_gate_without_a_usable_backup_refuses(ask: Ask) -> None:
    """WAL alone restores nothing, also where the backup gate is set aside."""
    finding = ask(FakeCatalog((replace(BACKUP, error=True),)))
    assert finding.code is ExitCode.NO_WAY_BACK
    assert "no usable backup in the fake catalog to replay WAL on" in finding.message


def test_gate_judges_from_a_stale_backup_as_well(ask: Ask) -> None:
    """Its age is another gate's."""
    old = NOW - timedelta(days=99)
    assert ask(FakeCatalog((replace(BACKUP, stopped_at=old),))).rule == "wal-timeline"


@pytest.mark.parametrize(("goes_on", "rule"), [(False, "wal-cluster"), (True, "wal-archive")])
def test_segment_that_the_server_has_not_finished_is_of_another_server(
    ctx: Context, session: Session, *, goes_on: bool, rule: str
) -> None:
    """One that it finished while the archive was looked through is its own."""
    # At the very beginning of a segment there is nothing to finish.
    session.fetch("SELECT pg_logical_emit_message(false, 'presync', 'something')")

    def read(recovery: Recovery) -> ArchiveEvidence:
        if goes_on:
            session.fetch("SELECT pg_switch_wal()")
        whole = Stretch(recovery.end.timeline, recovery.start.number, recovery.end.number)
        covered = Covered(whole, (Run(whole.first, whole.last),))
        return _empty_archive(recovery)._replace(covered=(covered,))

    stage = ArchiveStage(FakeCatalog(read=read), LIMIT)
    _, way, *_ = stage.start(ctx, session, ServerIdentity(CLUSTER), ignore)()
    assert way.rule == rule


@pytest.mark.parametrize(
    "backup",
    [
        replace(BACKUP, wal_start=None),
        replace(BACKUP, lsn_stop=None),
        replace(BACKUP, wal_start="00000001000000000000FFFF"),
    ],
)
def test_backup_without_a_position_is_unknown(backup: Backup, ask: Ask) -> None:
    """An offline backup, or one of a server with smaller segments."""
    finding = ask(FakeCatalog((backup,)))
    assert finding.code is ExitCode.UNKNOWN_BACKUP
    assert "does not tell where in the WAL" in finding.message


def test_server_without_an_identifier_is_unknown(ask: Ask) -> None:
    """The WAL may be of any cluster."""
    finding = ask(FakeCatalog(), identifier=None)
    assert (finding.code, finding.rule) == (ExitCode.UNKNOWN_BACKUP, "wal-cluster")


def test_what_is_found_is_noted_with_the_backup(ctx: Context, session: Session) -> None:
    """For the table: of which backup it is, and none where it came to none."""
    noted: list[Way] = []

    def ask(catalog: FakeCatalog) -> Way:
        ArchiveStage(catalog, LIMIT).start(ctx, session, ServerIdentity(CLUSTER), noted.append)()
        return noted[-1]

    found = ask(FakeCatalog())
    assert isinstance(found, WalFound)
    assert (found.label, found.judgement.way.rule) == ("full", "wal-timeline")
    offline = ask(FakeCatalog((replace(BACKUP, wal_start=None),)))
    assert isinstance(offline, WalFound)
    assert (offline.label, offline.judgement.way.status) == ("full", Status.UNKNOWN)
    nothing = ask(FakeCatalog(()))
    assert isinstance(nothing, WalFound)
    assert nothing.label is None


def test_service_that_tells_a_window_is_judged_by_it(ctx: Context, session: Session) -> None:
    """Neither the server's archiver nor its cluster matters, as there are none to be seen."""
    noted: list[Way] = []
    window = RestoreWindow(None, datetime.now(UTC) - timedelta(minutes=4))
    catalog = FakeCatalog((), window=window, origin=Origin(hosts=("db.example",)))
    server = ServerIdentity(None, "db.example", "shop")
    (finding,) = ArchiveStage(catalog, LIMIT).start(ctx, session, server, noted.append)()
    assert (finding.status, finding.rule) == (Status.PASSED, "restore-window")
    (found,) = noted
    assert isinstance(found, WindowJudgement)
    assert found.window == window


def test_server_that_tells_nothing_of_its_wal_matters_without_a_window_only(
    ctx: Context, database: Database, interrupt: Interrupt
) -> None:
    """A managed server may refuse the functions that tell where it stands."""
    window = RestoreWindow(None, datetime.now(UTC))
    origin = Origin(hosts=("db.example",))
    server = ServerIdentity(CLUSTER, "db.example", "shop")
    with open_session(target_of(database), interrupt) as closed:
        pass
    told = ArchiveStage(FakeCatalog((), window=window, origin=origin), LIMIT)
    (finding,) = told.start(ctx, closed, server, ignore)()
    assert finding.rule == "restore-window"
    finish = ArchiveStage(FakeCatalog(), LIMIT).start(ctx, closed, server, ignore)
    with pytest.raises(HookError):
        finish()


@pytest.fixture
def hanging() -> Iterator[FakeCatalog]:
    """Return a catalog whose archive never answers."""
    release = threading.Event()

    def read(recovery: Recovery) -> ArchiveEvidence:
        release.wait(60)
        return _empty_archive(recovery)

    yield FakeCatalog(read=read)
    release.set()


def test_gate_leaves_an_archive_that_hangs(
    hanging: FakeCatalog, ctx: Context, session: Session
) -> None:
    """The time runs from the start, while other gates are at work."""
    stage = ArchiveStage(hanging, LIMIT, timedelta(milliseconds=50))
    _, finding = stage.start(ctx, session, ServerIdentity(CLUSTER), ignore)()
    assert finding.code is ExitCode.UNKNOWN_BACKUP
    assert finding.message == "the fake catalog did not tell its WAL within 0.05s"


def test_gate_ends_with_a_stop_request(
    hanging: FakeCatalog, ctx: Context, session: Session
) -> None:
    """SIGTERM does not wait for a storage that hangs."""
    finish = ArchiveStage(hanging, LIMIT).start(ctx, session, ServerIdentity(CLUSTER), ignore)
    ctx.interrupt.set("SIGTERM")
    with pytest.raises(Interrupted):
        finish()
