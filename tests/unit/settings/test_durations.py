"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.execution.ladder import BeyondDeadlock
from hook.settings.durations import (
    parse_duration,
    parse_ladder,
    parse_positive_duration,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100ms", timedelta(milliseconds=100)),
        ("30s", timedelta(seconds=30)),
        ("25m", timedelta(minutes=25)),
        (" 24h ", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta(0)),
    ],
)
def test_duration_has_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    """Each unit means what it says."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "30", "s", "1.5h", "-1s", "1h30m", "1 h", "1S", "٣s", "9" * 12]
)
def test_duration_without_clear_meaning_is_refused(text: str) -> None:
    """A bare number, a sum or another alphabet is not guessed at."""
    with pytest.raises(ValueError, match="not a duration such as"):
        parse_duration(text)


def test_positive_duration_is_more_than_zero() -> None:
    """A limit of zero would switch the server's own limit off."""
    with pytest.raises(ValueError, match="more than zero"):
        parse_positive_duration("0ms")


def test_ladder_is_a_list_of_durations() -> None:
    """The rungs keep their order."""
    assert parse_ladder("100ms, 2s") == (timedelta(milliseconds=100), timedelta(seconds=2))


def test_rung_may_count_from_the_deadlock_timeout() -> None:
    """Which only the server knows."""
    half = timedelta(milliseconds=500)
    assert parse_ladder("500ms, deadlock+500ms") == (half, BeyondDeadlock(half))


@pytest.mark.parametrize(
    "text", ["", "1s,", "1s,0s", "1s;2s", "deadlock", "deadlock+", "deadlock+0s"]
)
def test_ladder_with_a_bad_rung_is_refused(text: str) -> None:
    """One bad rung spoils the ladder."""
    with pytest.raises(ValueError, match=r"duration|zero"):
        parse_ladder(text)
