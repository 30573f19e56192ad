"""What it means that the server did not answer a question of presync's own in time."""

from __future__ import annotations

from datetime import timedelta

from hook.core.sessions.census import Census, how_to_end
from hook.core.span import describe_span
from hook.errors import DatabaseUnreachable, DeadlineExceeded, HookError, LockContention

_HANGS = "Find who locks the table that is read, or why the server hangs."
_HANGS_ALONE = "Find why the server hangs; no session is in the way of the query."


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
    if census is not None and census.accuses:
        # Who is in the way comes first: a verdict is cut at the end.
        message = f"{over}waited {span} for {census.describe_blockers()}; asked by {where}"
        hint = how_to_end(census)
        error: HookError
        error = DeadlineExceeded(message, hint) if over else LockContention(message, hint)
        error.facts = _facts(census)
        return error
    unknown = "" if census is None else census.describe_unseen()
    message = f"{over}{where}: no answer to a query within {span}{unknown}"
    hint = _HANGS if census is None or census.unseen else _HANGS_ALONE
    return DeadlineExceeded(message, hint) if over else DatabaseUnreachable(message, hint)


def lock_not_had(refusal: LockContention, census: Census | None) -> LockContention:
    """Return *refusal*, by which the server ended a wait for a lock, with whom it was for.

    Args:
        refusal: What the server said.
        census: Who was in the way shortly before, none where nobody has looked.
    """
    if census is None:
        return refusal
    if not census.accuses:
        return LockContention(f"{refusal.message}{census.describe_unseen()}", refusal.hint)
    message = f"waited for {census.describe_blockers()}; {refusal.message}"
    error = LockContention(message, how_to_end(census))
    error.facts = _facts(census)
    return error


def _facts(census: Census) -> dict[str, object]:
    return {
        "blockers": [item.facts() for item in census.blockers],
        "prepared_transactions": list(census.prepared),
    }
