"""How a backup that is being made is looked at: how often in vain, how long, and what is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from hook.clock import Deadline, Interrupt
from hook.core.outcome import Finding, Status
from hook.errors import BackupUnknown, ExitCode, HookError
from hook.stages import Context
from hook.stages.trigger import TriggerStage
from hook.triggers import Begun, Phase, Standing
from tests.fakes import NOON, FakeClock, FakeEvents
from tests.unit.stages.test_trigger import ENDED, RUNNING, FakeTrigger, Run

AWAY: HookError = BackupUnknown("the API does not answer")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def started() -> Iterator[Run]:
    """Return a run that nothing stops, and that began long after its clock."""
    interrupt = Interrupt()
    yield Run(FakeClock(NOON + timedelta(hours=1)), FakeEvents(), interrupt)
    interrupt.close()


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Return what ends the requests that hang, at the latest with the test."""
    event = threading.Event()
    yield event
    event.set()


def _make(started: Run, trigger: FakeTrigger, deadline: timedelta) -> Finding:
    """Return what is found when no request may take longer than a moment."""
    whole = Deadline.after(started.clock, deadline, "PRESYNC_DEADLINE")
    ctx = Context(started.clock, whole, started.interrupt, started.events, "r1")
    stage = TriggerStage(lambda: trigger, MINUTE, request_timeout=timedelta(milliseconds=20))
    (finding,) = stage.run(ctx, None, lambda: None).findings
    return finding


def test_fifth_look_in_vain_in_a_row_is_the_last(started: Run) -> None:
    """One that succeeds begins the count anew."""
    four = [AWAY] * 4
    assert started.make(FakeTrigger([*four, RUNNING, *four, ENDED])).status is Status.PASSED
    trigger = FakeTrigger([*four, RUNNING, *four, AWAY, ENDED])
    finding = started.make(trigger)
    assert "could not be watched any longer: the API does not answer" in finding.message
    assert trigger.looks == [ENDED]


def test_wait_ends_with_its_last_second_and_not_before(started: Run) -> None:
    """However little is left."""
    started.make(FakeTrigger([RUNNING]), timeout=timedelta(seconds=31))
    assert started.clock.slept == [10, 10, 10, 1]


def test_look_that_hangs_is_one_more_that_tells_nothing(
    started: Run, released: threading.Event
) -> None:
    """The backup may go on all the same, and is looked at again."""

    class Hanging(FakeTrigger):
        def look(self) -> Standing:
            """Say nothing for ever."""
            released.wait()
            return ENDED

    finding = _make(started, Hanging([]), timedelta(minutes=5))
    assert finding.message.startswith("snapshot s has not ended after 1m (PRESYNC_BACKUP_TRIGGER")


def test_deadline_that_ends_while_a_backup_is_asked_for_is_told(
    started: Run, released: threading.Event
) -> None:
    """It is not the maker that is too slow."""

    def begin() -> Begun:
        started.clock.advance(120)
        released.wait()
        return Begun("late", is_adopted=False)

    finding = _make(started, FakeTrigger([], begin), timedelta(minutes=1))
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.BUDGET)
    assert finding.message == (
        "PRESYNC_DEADLINE is used up while a backup was asked for, which may have begun (the"
        " fake trigger)"
    )


@pytest.mark.parametrize(("is_adopted", "verb"), [(True, "taken up"), (False, "begun")])
def test_log_tells_what_is_made_and_how_far_it_is(
    started: Run,
    is_adopted: bool,  # noqa: FBT001 - a case
    verb: str,
) -> None:
    """With what the maker says of it, if it says something."""
    looks: list[Standing | HookError] = [Standing(Phase.RUNNING), RUNNING, AWAY, ENDED]
    started.make(FakeTrigger(looks, lambda: Begun("Job a/b", is_adopted=is_adopted)))
    assert [message for _, message, _ in started.events.told] == [
        f"Job a/b {verb}",
        "Job a/b is being made",
        "Job a/b is being made: 40%",
        "Job a/b is being made: the API does not answer",
    ]
