"""The deadline of a run, which ends also what hangs while the settings are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from hook.clock import Deadline, Interrupt, SystemClock
from hook.core.span import describe_span
from hook.settings.load_output import read_spoken
from hook.settings.specification import DEADLINE


def begin_deadline(span: timedelta, interrupt: Interrupt) -> Deadline:
    """Return the deadline of a run that begins now; *interrupt* ends what hangs beyond it."""
    clock, name = SystemClock(interrupt), DEADLINE.environment[0]
    label = f"{name} ({describe_span(span)})"
    deadline = Deadline(clock, clock.monotonic() + span.total_seconds(), name, label)
    interrupt.end_by(deadline)
    return deadline


def find_deadline(arguments: Sequence[str], environment: Mapping[str, str]) -> timedelta:
    """Return what flags and variables alone say, or the default: a file may hang."""
    return read_spoken(arguments, environment, (DEADLINE,)).of(DEADLINE)
