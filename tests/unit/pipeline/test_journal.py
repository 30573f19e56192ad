"""The record of a run: what is told while it goes on, and the report at its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from hook.clock import Deadline, Interrupt
from hook.core.backups.marker import Marker
from hook.core.backups.restore_commands import RestoreCommand
from hook.core.execution.progress import Progress
from hook.core.outcome import Finding, Policy, Status, failed, passed, warned
from hook.core.reporting.override import Override
from hook.core.reporting.report import AppliedMigration, SetSummary
from hook.errors import ConfigError, DatabaseUnreachable, ExitCode, Interrupted
from hook.pipeline.journal import Gate, Journal, Stopped
from hook.stages import Context, Outcome
from tests.fakes import NOON, FakeClock, FakeEvents

REFUSED = failed(ExitCode.NO_WAY_BACK, "backup-age", "too old", "Make one.", age_s=7)


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Return a stop request that has not come."""
    request = Interrupt()
    yield request
    request.close()


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def events() -> FakeEvents:
    """Return what the run tells."""
    return FakeEvents()


@pytest.fixture
def journal(interrupt: Interrupt, clock: FakeClock, events: FakeEvents) -> Journal:
    """Return the journal of a run that has just begun."""
    deadline = Deadline.after(clock, timedelta(minutes=25), "PRESYNC_DEADLINE")
    ctx = Context(clock, deadline, interrupt, events, "r1")
    return Journal.begin("run", ctx, (Override("backup", "restored"),))


def gate(name: str, *findings: Finding, policy: Policy = Policy.ENFORCE) -> Gate:
    """Return a gate that finds *findings*."""
    return Gate(name, policy, lambda: findings)


def raising(error: Exception) -> Gate:
    """Return a gate that cannot look."""

    def look() -> tuple[Finding, ...]:
        raise error

    return Gate("blockers", Policy.ENFORCE, look)


def test_stage_returns_its_value_and_is_timed(
    journal: Journal, clock: FakeClock, events: FakeEvents
) -> None:
    """What it found is told, and how long it took."""

    def work() -> Outcome[int]:
        clock.advance(1.5)
        return Outcome((passed("rule", "fine", count=3), warned("rule", "hm", "Look.")), 42)

    assert journal.stage("resolve", work) == 42
    (result,) = journal.results
    assert (result.name, result.status, result.duration_ms) == ("resolve", Status.WARNED, 1500)
    assert [name for name, _, _ in events.told] == [
        "run.started",
        "gate.overridden",
        "stage.started",
        "finding",
        "finding",
        "stage.finished",
    ]
    finished = events.named("stage.finished")[0]
    assert (finished["stage"], finished["status"], finished["duration_ms"]) == (
        "resolve",
        Status.WARNED,
        1500,
    )
    good, bad = events.named("finding")
    assert good == {"level": "debug", "stage": "resolve", "rule": "rule", "status": "passed"}
    assert (bad["level"], bad["hint"]) == ("warning", "Look.")


def test_failed_finding_stops_the_run_with_its_facts(journal: Journal, events: FakeEvents) -> None:
    """The event names code and hint, and what the finding knows besides."""
    with pytest.raises(Stopped):
        journal.stage("backup", lambda: Outcome((REFUSED,), None))
    (told,) = events.named("finding")
    assert told == {
        "age_s": 7,
        "level": "error",
        "stage": "backup",
        "rule": "backup-age",
        "status": "failed",
        "code": "NO_WAY_BACK",
        "exit_code": 18,
        "hint": "Make one.",
    }
    report = journal.report()
    assert report.exit_code is ExitCode.NO_WAY_BACK
    assert report.verdict == "REFUSED 18 NO_WAY_BACK: too old; database untouched"


def test_error_of_a_stage_becomes_a_finding(journal: Journal) -> None:
    """What could not be done has a code too."""

    def work() -> Outcome[None]:
        raise DatabaseUnreachable("nobody answers", "Look.")

    with pytest.raises(Stopped):
        journal.stage("wait", work)
    assert journal.results[0].findings[0].code is ExitCode.UNREACHABLE


def test_outcome_with_bad_findings_can_be_used(journal: Journal) -> None:
    """Some stages have something to hand over although they stop the run."""
    outcome = journal.attempt("migrate", lambda: Outcome((REFUSED,), 42))
    assert outcome.value == 42
    with pytest.raises(Stopped):
        journal.stop_if_decided(outcome.findings)


def test_stop_request_ends_the_run_before_the_next_stage(
    journal: Journal, interrupt: Interrupt
) -> None:
    """The stage does not begin."""
    interrupt.set("SIGTERM")
    with pytest.raises(Stopped):
        journal.stage("lock", lambda: pytest.fail("the stage ran"))
    report = journal.report()
    assert (
        report.verdict
        == "FAILED 40 INTERRUPTED: SIGTERM received at stage lock; database untouched"
    )


def test_quiet_work_is_recorded_only_when_it_fails(journal: Journal) -> None:
    """Building objects is no stage, but wrong settings must be told."""

    def build() -> int:
        raise ConfigError(("PRESYNC_X is not set",), "Set it.")

    assert journal.quietly("settings", lambda: 42) == 42
    assert journal.results == []
    with pytest.raises(Stopped):
        journal.quietly("settings", build)
    assert journal.report().verdict.startswith("REFUSED 10 CONFIG: PRESYNC_X is not set")


def test_every_gate_is_asked_and_the_worst_decides(journal: Journal) -> None:
    """A refusal that waiting may clear does not hide one that a human must resolve."""
    blocked = failed(ExitCode.BLOCKED, "blockers", "pid 7")
    with pytest.raises(Stopped):
        journal.gates((gate("blockers", blocked), gate("backup", REFUSED)))
    assert [item.name for item in journal.results] == ["blockers", "backup"]
    assert journal.report().exit_code is ExitCode.NO_WAY_BACK


def test_policy_turns_a_refusal_into_a_warning(journal: Journal) -> None:
    """It is told and does not count; a gate that is off is not asked."""
    off = Gate("blockers", Policy.OFF, lambda: pytest.fail("the gate was asked"))
    journal.gates((gate("backup", REFUSED, policy=Policy.WARN), off))
    assert [item.status for item in journal.results] == [Status.WARNED, Status.SKIPPED]
    assert journal.report().exit_code is ExitCode.OK


def test_gate_that_cannot_look_counts_as_unknown(journal: Journal) -> None:
    """Under enforce it stops the run."""
    with pytest.raises(Stopped):
        journal.gates((raising(DatabaseUnreachable("no answer")), gate("backup")))
    assert [item.status for item in journal.results] == [Status.UNKNOWN, Status.PASSED]


def test_stop_request_in_a_gate_is_no_finding_of_the_gate(journal: Journal) -> None:
    """No policy turns it into a warning, and the other gates are not asked."""
    first = raising(Interrupted("SIGTERM"))
    with pytest.raises(Stopped):
        journal.gates((Gate("backup", Policy.WARN, first.run), gate("blockers", REFUSED)))
    assert [item.name for item in journal.results] == ["backup"]
    assert journal.report().exit_code is ExitCode.INTERRUPTED


def test_bug_is_not_swallowed(journal: Journal) -> None:
    """Only what presync foresaw becomes a finding."""

    def work() -> Outcome[None]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.stage("wait", work)
    with pytest.raises(ZeroDivisionError):
        journal.gates((raising(ZeroDivisionError()),))


def test_report_holds_everything(journal: Journal, clock: FakeClock) -> None:
    """What is told of the run is made of it alone."""
    journal.migrations = (AppliedMigration("5", "x", "V5__x.sql", 12, 1, transactional=True),)
    journal.before, journal.after = {"version": "4"}, {"version": "5"}
    journal.migration_set = SetSummary("sha256:1a2b3c4d", 5, "5")
    journal.database, journal.pending = {"name": "shop"}, ("R__v.sql",)
    journal.progress = Progress.COMMITTED
    clock.advance(2.1)
    report = journal.report()
    assert report.verdict == "PASSED 0 OK: 1 applied (V5), at 5, in 2.1s"
    assert (report.command, report.run_id, report.exit_code) == ("run", "r1", ExitCode.OK)
    assert (report.started_at, report.finished_at) == (NOON, NOON + timedelta(seconds=2.1))
    assert report.duration_ms == 2100
    assert (report.database, report.pending) == ({"name": "shop"}, ("R__v.sql",))
    assert report.overrides == (Override("backup", "restored"),)


def test_verdict_of_another_command_is_its_own(
    interrupt: Interrupt, clock: FakeClock, events: FakeEvents
) -> None:
    """A plan says how many are pending, not that the schema is up to date."""
    deadline = Deadline.after(clock, timedelta(minutes=25), "PRESYNC_DEADLINE")
    journal = Journal.begin("plan", Context(clock, deadline, interrupt, events, "r1"))
    journal.before, journal.pending = {"version": "4"}, ("V5__x.sql", "V6__y.sql")
    assert journal.report().verdict.startswith("PASSED 0 OK: 2 pending")


def test_next_steps_follow_the_code(journal: Journal) -> None:
    """A report that failed names commands that tell more."""
    with pytest.raises(Stopped):
        journal.stage("backup", lambda: Outcome((REFUSED,), None))
    assert journal.report().next_steps == ("presync check",)
    journal.command = "check"
    assert journal.report().next_steps == ()


MARKER = Marker("presync-shop", "0/38025F60", NOON, 1, "000000010000000000000038")
WAY = RestoreCommand("in place", "pgbackrest restore")


@pytest.mark.parametrize("progress", [Progress.COMMITTED, Progress.UNKNOWN])
def test_failed_run_that_changed_something_tells_the_way_back_before_its_verdict(
    journal: Journal, events: FakeEvents, progress: Progress
) -> None:
    """Whoever reads only the log finds the command there."""
    journal.note_marker(MARKER._replace(restore=(WAY,)))
    journal.progress = progress
    journal.attempt("migrate", lambda: Outcome((REFUSED,), None))
    journal.report()
    way, message, fields = events.told[-1]
    assert way == "marker.restore"
    assert message == "to go back to before this run, in place: pgbackrest restore"
    assert fields["restore"] == [{"purpose": "in place", "command": "pgbackrest restore"}]


@pytest.mark.parametrize(
    ("progress", "marker"),
    [
        (Progress.UNTOUCHED, MARKER._replace(restore=(WAY,))),
        (Progress.ROLLED_BACK, MARKER._replace(restore=(WAY,))),
        (Progress.COMMITTED, MARKER),
        (Progress.COMMITTED, None),
    ],
)
def test_way_back_is_not_told_without_one_or_without_need(
    journal: Journal, events: FakeEvents, progress: Progress, marker: Marker | None
) -> None:
    """Nobody is tempted to restore what was rolled back anyway."""
    journal.marker, journal.progress = marker, progress
    journal.attempt("migrate", lambda: Outcome((REFUSED,), None))
    assert journal.report().has_way_back is False
    assert events.named("marker.restore") == []


def test_stage_within_another_gives_its_name_back(journal: Journal, interrupt: Interrupt) -> None:
    """What hangs afterwards hangs in the one that goes on."""

    def work() -> Outcome[str]:
        inner = journal.stage("ledger", lambda: Outcome((), interrupt.stage))
        return Outcome((), f"{inner} in {interrupt.stage}")

    assert journal.stage("migrate", work) == "ledger in migrate"
