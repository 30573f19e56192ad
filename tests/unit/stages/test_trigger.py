"""The stage that has a backup made: once, bounded, and nothing half-done is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from hook.clock import Deadline, Interrupt
from hook.core.backups.backup_made import Rest
from hook.core.outcome import Finding, Status, warned
from hook.errors import (
    BackupSourceMissing,
    BackupUnknown,
    ExitCode,
    HookError,
    MigrationLocked,
)
from hook.stages import Context
from hook.stages.trigger import TriggerStage
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from tests.fakes import FakeClock, FakeEvents

RUNNING = Standing(Phase.RUNNING, "40%")
ENDED = Standing(Phase.ENDED)
Looks = list[Standing | HookError]


@dataclass(slots=True)
class FakeTrigger:
    """A `Trigger` that does what a test says; the last look is repeated."""

    looks: Looks
    begin_with: Callable[[], Begun] = lambda: Begun("snapshot s", is_adopted=False)
    poll: timedelta = timedelta(seconds=10)
    left: tuple[Finding, ...] = ()
    wanted: list[Wanted] = field(default_factory=list)
    closed: int = 0

    def describe(self) -> str:
        """Name the fake."""
        return "the fake trigger"

    def begin(self, wanted: Wanted) -> Begun:
        """Do what the test says."""
        self.wanted.append(wanted)
        return self.begin_with()

    def look(self) -> Standing:
        """Return the next standing, or raise it."""
        standing = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(standing, HookError):
            raise standing
        return standing

    def close(self) -> Left:
        """Count."""
        self.closed += 1
        return Left(Rest.GOES_ON, self.left)


@dataclass(slots=True)
class Run:
    """A run on a fake clock that has *minutes* left."""

    clock: FakeClock
    events: FakeEvents
    interrupt: Interrupt
    kept: list[float] = field(default_factory=list)
    minutes: float = 25
    keep_alive: Callable[[], None] | None = None

    def make(self, trigger: FakeTrigger, timeout: timedelta = timedelta(minutes=10)) -> Finding:
        """Return the one thing that the stage found."""
        (finding,) = self.make_all(trigger, timeout)
        return finding

    def make_all(
        self, trigger: FakeTrigger, timeout: timedelta = timedelta(minutes=10)
    ) -> tuple[Finding, ...]:
        """Return what the stage found."""
        span = timedelta(minutes=self.minutes)
        deadline = Deadline.after(self.clock, span, "PRESYNC_DEADLINE")
        ctx = Context(self.clock, deadline, self.interrupt, self.events, "r1")
        keep = self.keep_alive or (lambda: self.kept.append(self.clock.monotonic()))
        return TriggerStage(lambda: trigger, timeout).run(ctx, 7, keep).findings


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a run that nothing stops."""
    interrupt = Interrupt()
    yield Run(FakeClock(), FakeEvents(), interrupt)
    interrupt.close()


def test_stage_waits_for_the_backup_and_tells_how_long(run: Run) -> None:
    """The maker's word that it ended is told, and not more."""
    trigger = FakeTrigger([RUNNING, RUNNING, RUNNING, ENDED])
    finding = run.make(trigger)
    assert (finding.status, finding.rule) == (Status.PASSED, "backup-trigger")
    assert finding.message == "snapshot s was begun, and ended after 30s"
    assert finding.facts == {
        "backup": "snapshot s",
        "trigger": "the fake trigger",
        "adopted": False,
        "waited_ms": 30_000,
    }
    assert trigger.wanted == [Wanted("r1", 7)]
    assert trigger.closed == 1


def test_stage_keeps_the_sessions_alive_and_tells_its_progress(run: Run) -> None:
    """Between two looks, and never more than every ten seconds to the log."""
    run.make(FakeTrigger([*[RUNNING] * 5, ENDED], poll=timedelta(seconds=5)))
    assert run.kept == [0, 5, 10, 15, 20]
    assert [item["waited_ms"] for item in run.events.named("backup.progress")] == [
        0,
        10_000,
        20_000,
    ]
    assert run.events.named("backup.started") == [{"stage": "trigger", "backup": "snapshot s"}]


def test_stage_tells_that_it_took_a_backup_up(run: Run) -> None:
    """Somebody else's backup is as good."""
    trigger = FakeTrigger([ENDED], lambda: Begun("Job a/b", is_adopted=True))
    assert run.make(trigger).message == "Job a/b ran already, and ended after 0s"


def test_stage_tells_a_failure_as_a_warning(run: Run) -> None:
    """What the storage holds decides, not what the maker says, for good or for bad."""
    finding = run.make(FakeTrigger([RUNNING, Standing(Phase.FAILED, "no space")]))
    assert (finding.status, finding.code) == (Status.WARNED, ExitCode.OK)
    assert finding.message == "snapshot s failed after 10s: no space"
    silent = run.make(FakeTrigger([Standing(Phase.FAILED)]))
    assert silent.message.endswith("no reason given")


def test_stage_ends_its_wait(run: Run) -> None:
    """A backup that takes longer goes on without us."""
    trigger = FakeTrigger([RUNNING])
    finding = run.make(trigger, timeout=timedelta(seconds=35))
    assert finding.status is Status.WARNED
    assert finding.message == (
        "snapshot s has not ended after 35s (PRESYNC_BACKUP_TRIGGER_TIMEOUT), which is left to"
        " go on"
    )
    assert "The next run takes up snapshot s" in finding.hint
    assert run.clock.slept == [10, 10, 10, 5]
    assert trigger.closed == 1


def test_stage_gives_way_to_the_deadline_of_the_run(run: Run) -> None:
    """When the run's time ends first, that is what is told."""
    run.minutes = 1
    trigger = FakeTrigger([RUNNING])
    finding = run.make(trigger)
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.BUDGET)
    assert finding.message == (
        "PRESYNC_DEADLINE is used up while snapshot s was made, which is left to go on"
    )
    assert finding.facts["backup"] == "snapshot s"
    assert trigger.closed == 1


def test_stage_forgives_single_failures_to_look(run: Run) -> None:
    """An API server that restarts is back in a moment; one that stays away is told."""
    away: HookError = BackupUnknown("the API does not answer")
    gone: HookError = BackupSourceMissing("there is no Job")
    assert run.make(FakeTrigger([away, gone, away, RUNNING, ENDED])).status is Status.PASSED
    finding = run.make(FakeTrigger([away]))
    assert finding.status is Status.WARNED
    assert finding.message == (
        "snapshot s could not be watched any longer: the API does not answer, which is left to"
        " go on"
    )


@pytest.mark.parametrize(
    "error", [BackupUnknown("denied"), BackupSourceMissing("there is no CronJob")]
)
def test_stage_ends_when_nothing_could_be_begun(run: Run, error: HookError) -> None:
    """Then nothing is judged again."""

    def begin() -> Begun:
        raise error

    trigger = FakeTrigger([RUNNING], begin)
    finding = run.make(trigger)
    assert (finding.status, finding.code) == (Status.FAILED, error.exit_code)
    assert finding.message == error.message
    assert trigger.closed == 1


@pytest.mark.parametrize(
    ("last", "code"),
    [(ENDED, ExitCode.OK), (Standing(Phase.FAILED), ExitCode.OK), (RUNNING, ExitCode.BUDGET)],
)
def test_stage_tells_what_is_left_beside_whatever_ended_it(
    run: Run, last: Standing, code: ExitCode
) -> None:
    """What could not be taken back is no reason to stop, and never takes the reason's place."""
    run.minutes = 1
    left = warned("backup-leftover", "an upload stays")
    first, second = run.make_all(FakeTrigger([RUNNING, last], left=(left,)))
    assert first.code is code
    assert second is left


def test_stage_ends_when_the_run_loses_its_sessions(run: Run) -> None:
    """A lock that is lost is found while waiting, not minutes later."""

    def lost() -> None:
        raise MigrationLocked("the lock is lost")

    run.keep_alive = lost
    trigger = FakeTrigger([RUNNING])
    finding = run.make(trigger)
    assert (finding.code, finding.message) == (ExitCode.LOCKED, "the lock is lost")
    assert "The next run takes up snapshot s" in finding.hint
    assert trigger.closed == 1


# The interruption leaves a socket of the abandoned thread's to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_stage_ends_with_a_stop_request(run: Run) -> None:
    """SIGTERM waits for no maker that hangs, and closes what was begun."""
    trigger = FakeTrigger([RUNNING], _hang)
    run.interrupt.set("SIGTERM")
    finding = run.make(trigger)
    assert finding.code is ExitCode.INTERRUPTED
    assert finding.message == (
        "SIGTERM received while a backup was asked for, which may have begun (the fake trigger)"
    )
    assert trigger.closed == 1


def test_stage_that_is_stopped_tells_what_goes_on(run: Run) -> None:
    """Whoever reads that the run was stopped need not look for what it had begun."""

    def stop() -> None:
        run.interrupt.set("SIGTERM")

    run.keep_alive = stop
    finding = run.make(FakeTrigger([RUNNING], lambda: Begun("Job a/b", is_adopted=True)))
    assert finding.message == ("SIGTERM received while Job a/b was made, which is left to go on")
    assert finding.facts == {
        "backup": "Job a/b",
        "trigger": "the fake trigger",
        "adopted": True,
        "waited_ms": 10_000,
    }


def _hang() -> Begun:
    threading.Event().wait(60)
    return Begun("late", is_adopted=False)


def test_stage_leaves_a_maker_that_hangs(run: Run) -> None:
    """A request has a time of its own."""
    trigger = FakeTrigger([RUNNING], _hang)
    deadline = Deadline.after(run.clock, timedelta(minutes=5), "PRESYNC_DEADLINE")
    ctx = Context(run.clock, deadline, run.interrupt, run.events, "r1")
    stage = TriggerStage(
        lambda: trigger, timedelta(minutes=1), request_timeout=timedelta(milliseconds=50)
    )
    (finding,) = stage.run(ctx, None, lambda: None).findings
    assert finding.code is ExitCode.UNKNOWN_BACKUP
    assert "did not begin within 0.05s" in finding.message
