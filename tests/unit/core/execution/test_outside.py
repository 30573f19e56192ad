"""Limits as they are told to who may raise them."""

from __future__ import annotations

from datetime import timedelta

from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.execution.outside import Outside


def test_limits_are_told_with_their_values() -> None:
    """At three in the morning nobody knows what they are."""
    outside = Outside.of("PRESYNC_DEADLINE (25m)", timedelta(minutes=5), "SIGTERM")
    assert outside.after_deadline("do less") == (
        f"Raise PRESYNC_DEADLINE (25m), or do less. {TRIED_AGAIN}"
    )
    assert outside.after_cancel("do less", None, 300_000) == (
        "Raise PRESYNC_STATEMENT_TIMEOUT (5m), or do less; if the script sets a statement_timeout,"
        f" raise that; if it was cancelled by somebody, ask why. {TRIED_AGAIN}"
    )
    assert outside.signal_name == "SIGTERM"


def test_who_was_cancelled_long_before_the_limit_is_not_told_to_raise_it() -> None:
    """The server has one code for all who cancel, and the time tells that it was not the limit."""
    outside = Outside.of("PRESYNC_DEADLINE (25m)", timedelta(minutes=5), "")
    hint = outside.after_cancel("do less", None, 2_000)
    assert hint.startswith(
        "Ask who has cancelled it; if the script sets a statement_timeout, raise"
    )
    assert "PRESYNC_STATEMENT_TIMEOUT (5m) was not used up" in hint
