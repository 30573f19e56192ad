"""Durations as people write them: ``100ms``, ``30s``, ``25m``, ``24h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.execution.ladder import BeyondDeadlock

if TYPE_CHECKING:
    from hook.core.execution.ladder import Ladder

_DEADLOCK = "deadlock+"
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SHORTEST_READING = timedelta(seconds=1)
_LONGEST_READING = timedelta(minutes=10)
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


def parse_duration(text: str) -> timedelta:
    """Return the duration that *text* names.

    A number without unit is refused: whether it meant seconds or milliseconds
    decides how long a lock is waited for.

    Raises:
        ValueError: It is not a whole number with one of the units.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 100ms, 30s, 25m, 24h or 7d")
    return int(match[1]) * _UNITS[match[2]]


def parse_positive_duration(text: str) -> timedelta:
    """Return the duration that *text* names, which is more than zero.

    Raises:
        ValueError: It is no duration, or zero.
    """
    duration = parse_duration(text)
    if not duration:
        raise ValueError(f"{text!r} is not more than zero")
    return duration


def parse_reading_time(text: str) -> timedelta:
    """Return how long a gate may read, as *text* says.

    Raises:
        ValueError: It is no duration, or out of reason: shorter than a look at a storage
            takes, or long enough to keep the migration lock from all others.
    """
    duration = parse_duration(text)
    if not _SHORTEST_READING <= duration <= _LONGEST_READING:
        raise ValueError(f"{text!r} is not between 1s and 10m")
    return duration


def parse_ladder(text: str) -> Ladder:
    """Return the waits that *text* lists, separated by commas.

    ``deadlock+500ms`` is the server's ``deadlock_timeout`` and half a second.

    Raises:
        ValueError: One of them is no duration or zero, or there is none.
    """
    return tuple(map(_parse_rung, text.split(",")))


def _parse_rung(text: str) -> timedelta | BeyondDeadlock:
    margin = text.strip().removeprefix(_DEADLOCK)
    duration = parse_positive_duration(margin)
    return duration if margin == text.strip() else BeyondDeadlock(duration)
