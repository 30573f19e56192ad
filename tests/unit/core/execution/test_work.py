"""How far a statement has come, in words."""

from __future__ import annotations

import pytest

from hook.core.execution.work import Underway, WorkProgress, tell_progress


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(0, 0, None), (5, 0, None), (0, 10, 0), (42, 100, 42), (999, 1000, 99), (12, 10, 100)],
)
def test_percent_is_known_when_the_total_is(done: int, total: int, percent: int | None) -> None:
    """A hundred only at the end; an estimate that was too low does not exceed it."""
    assert WorkProgress("VACUUM", "scanning heap", done, total).percent == percent


def test_progress_is_told_in_the_words_of_the_server() -> None:
    """What is not known is left out."""
    bare = WorkProgress("VACUUM", "initializing")
    assert bare.describe() == "VACUUM: initializing"
    assert bare.facts() == {"command": "VACUUM", "phase": "initializing"}
    waiting = WorkProgress("CREATE INDEX CONCURRENTLY", "waiting for old snapshots", 1, 4, 77)
    assert waiting.describe() == (
        "CREATE INDEX CONCURRENTLY: waiting for old snapshots, 25 %, waiting for pid 77"
    )
    assert waiting.facts()["percent"] == 25
    assert waiting.facts()["waits_for"] == 77


def test_attempt_is_told_with_all_that_is_known() -> None:
    """Time, statement, how far it is, and who is in the way."""
    assert tell_progress(Underway(12.4), None, "") == ("running for 12s", {"elapsed_ms": 12_400})
    work = WorkProgress("VACUUM", "scanning heap", 1, 4)
    message, facts = tell_progress(Underway(3, 7, "VACUUM t"), work, "pid 8 (user app)")
    assert message == (
        "running for 3s in line 7, VACUUM t: VACUUM: scanning heap, 25 %; in the way: pid 8"
        " (user app)"
    )
    assert facts == {
        "elapsed_ms": 3000,
        "line": 7,
        "statement": "VACUUM t",
        "command": "VACUUM",
        "phase": "scanning heap",
        "percent": 25,
        "in_the_way": "pid 8 (user app)",
    }
