"""What it means that a script or callback lost against other sessions; it was rolled back."""

from __future__ import annotations

from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.sessions.census import Toll, how_to_end
from hook.errors import BudgetExceeded, HookError, LockContention


def lost_to_others(what: str, toll: Toll | None) -> HookError:
    """Return the error of *what* that the server ended for others, *toll* telling of them."""
    if toll is not None and toll.describe_blockers():
        return LockContention(f"{what}{toll.describe_involved()}", how_to_end(toll.census))
    unseen = "" if toll is None else toll.census.describe_unseen()
    hint = "Try again when the sessions in the way have ended; `presync check` names them."
    return LockContention(f"{what}{unseen}", hint)


def given_up_for_others(what: str, toll: Toll, doing: str, advice: str) -> HookError:
    """Return the error of *what* that we have given up ourselves.

    Who waited for a lock may find it free the next time. Who had its locks and made others
    wait with them will do so again.

    Args:
        what: Was given up.
        toll: What it had cost others by then.
        doing: What presync does, for a sentence.
        advice: How it would cost others less, the beginning of one.
    """
    who = f"{what}{toll.describe_involved()}"
    if toll.is_blind:
        hint = (
            f"Let the role open one more connection; PRESYNC_DAMAGE_BUDGET=off {doing} without"
            " looking at who waits."
        )
        return LockContention(who, hint)
    if toll.was_waiting:
        return LockContention(who, how_to_end(toll.census))
    hint = f"{advice}, run it when less is going on, or raise PRESYNC_DAMAGE_BUDGET. {TRIED_AGAIN}"
    return BudgetExceeded(who, hint)
