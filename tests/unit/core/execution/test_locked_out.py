"""An attempt that was lost together with the migration lock, in words."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.locked_out import locked_out
from hook.core.execution.script_message import Moment
from hook.core.sessions.lock_owner import Succession
from hook.errors import ExitCode

HEAD = "connection lost, and the migration lock with it; nobody has it now"
RECORDED = "what was applied so far is recorded."
IN_SCRIPT = Place(Moment.SCRIPT, 3)


@pytest.mark.parametrize(
    ("lost", "message", "hint"),
    [
        (
            Attempt(AttemptEnd.LOST, 1, IN_SCRIPT),
            f"V2__x.sql:3 {HEAD}",
            f"Run again; V2__x.sql was rolled back, and {RECORDED}",
        ),
        (
            Attempt(AttemptEnd.LOST, 1, IN_SCRIPT, in_doubt="an invalid index"),
            f"V2__x.sql:3 {HEAD}",
            f"Run again; {RECORDED}",
        ),
        (Attempt(AttemptEnd.LOST, 1), f"V2__x.sql {HEAD}", f"Run again; {RECORDED}"),
    ],
)
def test_attempt_lost_with_the_lock_tells_what_became_of_it(
    lost: Attempt, message: str, hint: str
) -> None:
    """Rolled back, unless something is left for the next run, or nothing was sent."""
    error = locked_out("V2__x.sql", lost, Succession())
    assert (error.exit_code, error.message, error.hint) == (ExitCode.LOCKED, message, hint)
