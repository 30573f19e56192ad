"""What it means that an attempt was lost together with the migration lock."""

from __future__ import annotations

from hook.core.execution.attempt import Attempt
from hook.core.execution.script_message import Moment
from hook.core.sessions.lock_owner import Succession
from hook.errors import MigrationLocked


def locked_out(script: str, lost: Attempt, successor: Succession) -> MigrationLocked:
    """Return the error of the attempt *lost* at *script*, as when a server restarts.

    It left nothing behind, unless it is something for the next run, and *successor* tells who
    may migrate now.
    """
    message = (
        f"{lost.place.describe(script)} connection lost, and the migration lock with it;"
        f" {successor.describe()}"
    )
    is_undone = lost.place.moment is not Moment.UNSENT and not lost.may_leave_more
    undone = f"{script} was rolled back, and " if is_undone else ""
    return MigrationLocked(message, successor.hint(f"{undone}what was applied so far is recorded."))
