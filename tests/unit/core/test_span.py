"""Spans of time as readers see them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.span import describe_span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"), (0, "0s"), (0.26, "0.3s"), (0.97, "0.9s"), (1.9, "1s"), (59, "59s"), (60, "1m"),
        (725, "12m 5s"), (3600, "1h"), (111_900, "31h 5m"), (3_600_000, "1000h"),
    ],
)  # fmt: skip
def test_describe_span_tells_the_two_largest_units(seconds: float, text: str) -> None:
    """Enough to act on, short enough for a verdict line."""
    assert describe_span(timedelta(seconds=seconds)) == text
