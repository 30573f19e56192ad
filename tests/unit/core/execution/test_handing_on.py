"""Which part of a script without transaction is left to the next run, and how that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place, progress_after
from hook.core.execution.mending import (
    for_human,
    handed_on,
    is_left_to_note,
    who_clears_up,
    with_doubt,
    without_session_of,
)
from hook.core.execution.progress import Progress
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.errors import Interrupted

INDEX = "invalid index public.i on t"
MENDED = f"{INDEX}, more (the next run mends that)"
STOPPED = Attempt(
    AttemptEnd.INTERRUPTED,
    1,
    Place(Moment.SCRIPT, 3, "INSERT INTO t"),
    ServerMessage("ERROR", "57014", "it is so"),
    done=2,
    done_line=2,
    is_noted=True,
)


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (STOPPED, True),
        (replace(STOPPED, is_noted=False), False),
        (replace(STOPPED, done_line=0), False),
        (replace(STOPPED, left_behind=("what line 3 may have done",)), False),
        (replace(STOPPED, done_callbacks=("beforeEachMigrate.sql",)), False),
        (replace(STOPPED, end=AttemptEnd.FAILED, failure=ServerMessage("", "42P01", "")), False),
        (replace(STOPPED, end=AttemptEnd.FAILED, failure=ServerMessage("", "53100", "")), True),
        (
            replace(
                STOPPED,
                end=AttemptEnd.FAILED,
                failure=ServerMessage("", "42501", ""),
                place=Place(Moment.NOTING),
            ),
            True,
        ),
    ],
    ids=[
        "noted",
        "not noted",
        "nothing",
        "for a human",
        "callback",
        "mistake",
        "disk full",
        "refused note",
    ],
)
def test_what_is_noted_is_left_to_the_next_run(attempt: Attempt, *, expected: bool) -> None:
    """Unless something else is for a human, or the script would only fail again."""
    assert is_left_to_note(attempt) is expected


def test_what_the_next_run_mends_is_no_human_s_where_it_goes_on() -> None:
    """It is until the ledger has said so."""
    attempt = replace(STOPPED, for_next_run=(INDEX,))
    assert who_clears_up(attempt, may_repeat=False) == attempt
    told = for_human(attempt)
    assert told.leftovers == ("everything up to line 2", INDEX)
    assert told.for_next_run == ()


def test_script_whose_session_had_something_is_for_a_human() -> None:
    """What that was is named behind what is done."""
    assert without_session_of(STOPPED, ()) is STOPPED
    told = without_session_of(STOPPED, ("cursor a", "cursor b"))
    assert told.leftovers == (
        "everything up to line 2",
        "gone with its session: cursor a, cursor b",
    )


def test_script_that_is_handed_on_leaves_nothing_to_a_human() -> None:
    """And it is not rolled back all the same."""
    attempt = handed_on(STOPPED)
    assert attempt.leftovers == ()
    assert progress_after(attempt, Progress.UNTOUCHED) is Progress.UNKNOWN


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (handed_on(STOPPED), "everything up to line 2 (the next run goes on behind that)"),
        (handed_on(STOPPED, "what there is"), "what there is (the next run goes on behind that)"),
        (
            replace(handed_on(STOPPED), for_next_run=(INDEX, "more")),
            f"everything up to line 2 (the next run goes on behind that), {MENDED}",
        ),
        (
            replace(handed_on(STOPPED), in_doubt="an index"),
            "everything up to line 2 (the next run goes on behind that), maybe an index",
        ),
    ],
    ids=["line", "words", "index", "doubt"],
)
def test_verdict_says_behind_what_the_next_run_goes_on(attempt: Attempt, told: str) -> None:
    """The rest of a long one is cut."""
    error = with_doubt(Interrupted("SIGTERM", "in V2__x.sql:3"), attempt)
    assert error.message == f"SIGTERM received in V2__x.sql:3; left behind: {told}"
