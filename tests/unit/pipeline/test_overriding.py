"""What a command says of gates that are set aside, as it begins."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

from hook.clock import Deadline, Interrupt
from hook.core.reporting.override import Override
from hook.pipeline.overriding import tell_overrides
from hook.stages import Context
from tests.fakes import NOON, FakeClock, FakeEvents

HOUR = timedelta(hours=1)


def test_override_that_is_over_is_told_and_does_not_hold() -> None:
    """Whether a run needs its gates at all is not known yet."""
    clock, events = FakeClock(), FakeEvents()
    over = Override("backup", "incident 7", NOON)
    to_come = Override("archive", "incident 7", NOON + HOUR)
    with closing(Interrupt()) as interrupt:
        deadline = Deadline.after(clock, HOUR, "PRESYNC_DEADLINE")
        ctx = Context(clock, deadline, interrupt, events, "r1")
        assert tell_overrides(ctx, (over, to_come)) == (to_come,)
    assert [(event, message) for event, message, _ in events.told] == [
        (
            "override.ended",
            "the override of gate backup ended at 2026-03-01T12:00:00Z: incident 7",
        ),
        (
            "gate.overridden",
            "gate archive is overridden until 2026-03-01T13:00:00Z: incident 7",
        ),
    ]
