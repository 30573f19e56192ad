"""What it means that the server did not answer a question of presync's own in time."""

from __future__ import annotations

from datetime import timedelta

from hook.core.sessions.census import Census, how_to_end
from hook.core.span import describe_span
from hook.errors import DatabaseUnreachable, DeadlineExceeded, HookError, LockContention

_HANGS = "Find who locks the table that is read, or why the server hangs."


def unanswered(where: str, waited: float, census: Census | None, used_up: str = "") -> HookError:
    """Return the error for a question that was given up.

    Args:
        where: The target and the purpose of the session.
        waited: Seconds until it was given up.
        census: Who was in the way then, none where nobody has looked.
        used_up: The setting whose time is over, empty where the wait had a limit of its own.
    """
    span = describe_span(timedelta(seconds=waited))
    over = f"{used_up} is used up: " if used_up else ""
    blockers = "" if census is None else census.describe_blockers()
    if census is None or not blockers:
        message = f"{over}{where}: no answer to a query within {span}"
        return DeadlineExceeded(message, _HANGS) if over else DatabaseUnreachable(message, _HANGS)
    # Who is in the way comes first: a verdict is cut at the end.
    message = f"{over}waited {span} for {blockers}; asked by {where}"
    hint = how_to_end(census)
    error: HookError = DeadlineExceeded(message, hint) if over else LockContention(message, hint)
    error.facts = {
        "blockers": [item.facts() for item in census.blockers],
        "prepared_transactions": list(census.prepared),
    }
    return error
