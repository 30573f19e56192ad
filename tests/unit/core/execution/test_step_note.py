"""What a script without transaction takes down of itself."""

from __future__ import annotations

from hook.core.execution.step_note import SessionLook, StepNote
from hook.core.sessions.lock_key import lock_address

LOOK = SessionLook("{done} {found} {told} {classid} {objid}", "{told} {objid}", "", "", "", "")
NOTE = StepNote("SET '{cut_off,done}' = '{done}', {found}", "SELECT 1", LOOK)
MARK = 2**40 + 7


def test_note_says_how_many_statements_are_done() -> None:
    """It travels within a message, which has no parameters."""
    assert NOTE.setting(12) == "SET '{cut_off,done}' = '12', false"
    assert NOTE.setting(12, found=True) == "SET '{cut_off,done}' = '12', true"
    assert NOTE.forgetting == "SET '{cut_off,done}' = 'null', false"


def test_note_of_a_session_says_what_is_known_of_it() -> None:
    """A name with a quote in it is no end of the text; our own lock is nothing that it holds."""
    high, low, _ = lock_address(MARK)
    told = """'["what o''clock"]'"""
    writing, correcting = NOTE.looking(3, ("what o'clock",), MARK, found=True)
    assert writing == f"3 true {told} {high} {low}"
    assert correcting == f"{told} {low}"
