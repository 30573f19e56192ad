"""What a script without transaction takes down of itself."""

from __future__ import annotations

from hook.core.execution.step_note import StepNote


def test_note_says_how_many_statements_are_done() -> None:
    """It travels within a message, which has no parameters."""
    note = StepNote("SET '{cut_off,done}' = '{done}', {found}", "SELECT 1")
    assert note.setting(12) == "SET '{cut_off,done}' = '12', false"
    assert note.setting(12, found=True) == "SET '{cut_off,done}' = '12', true"
    assert note.forgetting == "SET '{cut_off,done}' = 'null', false"
