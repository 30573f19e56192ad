"""What it means that the migration lock was lost, or somebody did not care for it."""

from __future__ import annotations

from hook.core.execution.attempt import Attempt
from hook.core.execution.script_message import Moment
from hook.core.schema_history.history import History, HistoryRow
from hook.core.sessions.lock_owner import Succession
from hook.errors import MigrationLocked

OTHER_MIGRATOR = "Find out who migrates this database besides presync, then run again."


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


def written_meanwhile(row: HistoryRow, *, was_lost: bool) -> MigrationLocked:
    """Return the error for a *row* of somebody else's, where the next one of ours was to be.

    Unless our lock *was_lost* for a while, nobody was to write it.
    """
    who = f"row {row.installed_rank} ({row.script}) was written by somebody else meanwhile"
    if was_lost:
        return MigrationLocked(
            f"{who}, while the migration lock was lost",
            "Run again; what was applied so far is recorded.",
        )
    return MigrationLocked(
        f"{who}, without the lock",
        OTHER_MIGRATOR,
    )


def refuse_other_history(before: History, now: History) -> None:
    """Make sure that nobody has written to the schema history while a connection was lost.

    Raises:
        MigrationLocked: Somebody has.
    """
    if before.rows != now.rows:
        raise MigrationLocked(
            f"{now.schema}.{now.table} was changed by somebody else while the connection was lost",
            "Run again, which plans anew.",
        )
