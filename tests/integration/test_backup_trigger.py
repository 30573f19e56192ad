"""A whole run that has a backup made: when, when not, and what is judged afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from hook.bootstrap import writing
from hook.catalogs.opening import Access, Catalogs
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.backup_made import Rest
from hook.core.backups.origin import Origin
from hook.core.outcome import Policy, Status
from hook.core.reporting.report import Report
from hook.errors import BackupUnknown, ExitCode
from hook.settings.backup_source import BackupSource, parse_backup_source
from hook.settings.backup_trigger import JobTrigger
from hook.settings.migrations import DEFAULT_LEDGER
from hook.stages.trigger import TriggerStage
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from tests.testbed.database import Database
from tests.testbed.gate import Gate, deciding
from tests.testbed.run_context import eventually

RELEASE = {"V1__a.sql": "CREATE TABLE a (id int)"}
BASE = {"V0_1__base.sql": "CREATE TABLE base ()"}


@dataclass(slots=True)
class Storage:
    """Backups by age, and the maker that may add one. Both are fakes; the database is real."""

    identifier: str
    ages: list[timedelta] = field(default_factory=lambda: [timedelta(hours=31)])
    made: list[Wanted] = field(default_factory=list)
    end: Callable[[], Standing] = lambda: Standing(Phase.ENDED)
    adds: bool = True
    poll: timedelta = timedelta(milliseconds=20)
    readable: bool = True

    def describe(self) -> str:
        """Name the fake."""
        return "the fake storage"

    def read_evidence(self) -> Evidence:
        """Return the backups that are there."""
        if not self.readable:
            raise BackupUnknown("access denied", "Allow it.")
        now = datetime.now(UTC)
        backups = tuple(
            Backup(
                f"b{number}",
                BackupType.FULL,
                now - age,
                now - age,
                error=False,
                presence=Presence.COMPLETE,
            )
            for number, age in enumerate(self.ages)
        )
        return Evidence("the fake storage", backups, "mark", "cmd", "cmd", Origin(self.identifier))

    def begin(self, wanted: Wanted) -> Begun:
        """Note that a backup is wanted."""
        self.made.append(wanted)
        return Begun("backup n", is_adopted=False)

    def look(self) -> Standing:
        """Tell what the test says; a backup that ended is in the storage."""
        standing = self.end()
        if standing.phase is not Phase.RUNNING and self.adds:
            self.ages.append(timedelta(seconds=1))
        return standing

    def close(self) -> Left:
        """Leave it."""
        return Left(Rest.GOES_ON)


@pytest.fixture
def storage(database: Database, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Return what the gate looks at, and what makes a backup when none is fresh."""
    ((identifier,),) = database.query("SELECT system_identifier::text FROM pg_control_system()")
    made = Storage(identifier)

    def open_catalogs(source: BackupSource, access: Access) -> Catalogs:
        del source, access
        return Catalogs(made, None)

    monkeypatch.setattr(writing, "open_catalogs", open_catalogs)
    monkeypatch.setattr(
        writing, "_build_trigger", lambda settings: _stage(made, settings.backup.trigger_timeout)
    )
    backup = gate.settings.backup._replace(
        source=parse_backup_source("pgbackrest:/nowhere"), trigger=JobTrigger("ops", "x")
    )
    gate.settings = gate.settings._replace(backup=backup)
    gate.release(RELEASE)
    return made


def _stage(storage: Storage, timeout: timedelta) -> TriggerStage:
    return TriggerStage(lambda: storage, timeout)


def _stages(report: Report) -> list[str]:
    return [result.name for result in report.results]


def test_run_with_a_fresh_backup_makes_none(gate: Gate, storage: Storage) -> None:
    """Off is off, and so is not needed."""
    storage.ages = [timedelta(hours=1)]
    assert gate.run().exit_code is ExitCode.OK
    assert storage.made == []


def test_run_makes_a_backup_and_judges_it_from_the_storage(
    gate: Gate, storage: Storage, database: Database
) -> None:
    """The stale one is told as a warning; the new one lets the run pass, under one lock."""
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    (wanted,) = storage.made
    assert wanted.size is not None
    assert wanted.size > 0
    begin = _stages(report).index("blockers")
    assert _stages(report)[begin:] == [
        "blockers", "backup", "archive", "trigger", "history",
        "blockers", "backup", "archive", "marker", "ledger", "migrate", "verify",
    ]  # fmt: skip
    stale, fresh = (result for result in report.results if result.name == "backup")
    assert [item.status for item in stale.findings] == [Status.WARNED]
    assert "stopped 31h" in stale.findings[0].message
    assert "stopped 1s ago" in fresh.findings[-1].message
    assert _stages(report).count("lock") == 1
    ((told,),) = database.query(f"SELECT report::text FROM {DEFAULT_LEDGER}")
    assert '"backup n was begun, and ended after' in str(told).replace("\\", "")


@pytest.mark.parametrize("word", [Phase.ENDED, Phase.FAILED])
def test_run_does_not_take_the_makers_word(gate: Gate, storage: Storage, word: Phase) -> None:
    """A Job that ended well and left nothing is refused; one that failed and did is not."""
    gate.run({**BASE, **RELEASE})
    gate.release({"V2__b.sql": "CREATE TABLE b ()"})
    storage.ages = [timedelta(hours=31)]
    storage.adds = word is Phase.FAILED
    storage.end = lambda: Standing(word, "as it says")
    report = gate.run()
    expected = ExitCode.OK if storage.adds else ExitCode.NO_WAY_BACK
    assert report.exit_code is expected, report.verdict
    if not storage.adds:
        assert deciding(report).rule == "backup-age"
        assert "stopped 31h" in report.verdict


def test_run_that_is_refused_all_the_same_leaves_the_database_untouched(
    gate: Gate, storage: Storage, database: Database
) -> None:
    """The ledger too; what was made stands in the report."""
    storage.adds = False
    report = gate.run()
    assert report.exit_code is ExitCode.NO_WAY_BACK
    assert report.verdict.endswith("database untouched")
    assert "trigger" in _stages(report)
    assert database.query("SELECT relname FROM pg_class WHERE relnamespace = 2200") == []


def test_run_makes_no_backup_when_it_cannot_tell(gate: Gate, storage: Storage) -> None:
    """There may be a fresh one: somebody has to see why it cannot be read."""
    storage.readable = False
    report = gate.run()
    assert report.exit_code is ExitCode.UNKNOWN_BACKUP
    assert storage.made == []


@pytest.mark.parametrize("policy", [Policy.WARN, Policy.OFF])
def test_run_makes_no_backup_when_nobody_insists_on_one(
    gate: Gate, storage: Storage, policy: Policy
) -> None:
    """Who does not insist on a fresh backup does not wait for one."""
    backup = gate.settings.backup
    gate.settings = gate.settings._replace(backup=backup._replace(policy=policy))
    assert gate.run().exit_code is ExitCode.OK
    assert storage.made == []


def test_run_that_cannot_begin_a_backup_ends_with_the_reason(
    gate: Gate, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is the right to make one."""

    def begin(_: Storage, wanted: Wanted) -> Begun:
        del wanted
        raise BackupUnknown("the service account may not create Jobs", "Bind the Role.")

    monkeypatch.setattr(Storage, "begin", begin)
    report = gate.run()
    assert report.exit_code is ExitCode.UNKNOWN_BACKUP
    assert "may not create Jobs" in report.verdict
    assert storage.made == []


def test_stop_request_ends_the_wait(gate: Gate, storage: Storage) -> None:
    """Within the wait, the run ends with 40 and has migrated nothing."""
    storage.end = lambda: Standing(Phase.RUNNING)
    running = gate.start()
    eventually(lambda: bool(gate.events.named("backup.started")))
    gate.interrupt.set("SIGTERM")
    report = running.report()
    assert report.exit_code is ExitCode.INTERRUPTED
    assert "while backup n was made, which is left to go on" in report.verdict
    assert gate.database.query("SELECT to_regclass('a')") == [(None,)]


def test_history_that_changes_meanwhile_stops_the_run(
    gate: Gate, storage: Storage, database: Database
) -> None:
    """Only who does not take the lock can do that, and the gates judged another plan."""
    gate.run(BASE)
    storage.ages = [timedelta(hours=31)]
    gate.release({"V2__b.sql": "CREATE TABLE b ()", "V3__c.sql": "CREATE TABLE c ()"})

    def migrate_past_the_lock() -> Standing:
        database.execute(
            "INSERT INTO flyway_schema_history SELECT installed_rank + 100, '2', 'b', 'SQL',"
            " 'V2__b.sql', NULL, 'x', now(), 1, true FROM flyway_schema_history LIMIT 1"
        )
        return Standing(Phase.ENDED)

    storage.end = migrate_past_the_lock
    report = gate.run()
    assert report.exit_code is ExitCode.LOCKED, report.verdict
    assert "past the migration lock" in report.verdict


END_LOCK = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'ExclusiveLock'"
    " AND locktype = 'advisory' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def test_lock_that_is_lost_meanwhile_is_had_again(
    gate: Gate, storage: Storage, database: Database
) -> None:
    """The server was restarted, or an administrator ended the session; one backup is made."""
    looks: list[int] = []

    def lose() -> Standing:
        looks.append(1)
        if len(looks) > 1:
            return Standing(Phase.ENDED)
        database.query(END_LOCK)
        return Standing(Phase.RUNNING)

    storage.end = lose
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert len(storage.made) == 1
    assert len(gate.events.named("lock.retaken")) == 1


def test_lock_that_is_lost_time_and_again_stops_the_run(
    gate: Gate, storage: Storage, database: Database
) -> None:
    """Whatever cuts the connection will cut the next one."""

    def lose() -> Standing:
        if len(storage.made) == 1:
            database.query(END_LOCK)
        return Standing(Phase.RUNNING)

    storage.end = lose
    report = gate.run()
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert len(gate.events.named("lock.retaken")) == 3
    assert database.query("SELECT to_regclass('a')") == [(None,)]
