"""What it means that a script or callback lost against other sessions; it was rolled back."""

from __future__ import annotations

from typing import NamedTuple

from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.outcome import Finding
from hook.core.sessions.census import Toll, how_to_end
from hook.core.text import counted
from hook.errors import BudgetExceeded, HookError, LockContention

_NAMED = 2


class Tries(NamedTuple):
    """How often something was tried in vain.

    Attributes:
        withheld: How many more attempts would have been made if nobody had been in the way.
        in_the_way: Who was in the end, as the gate of the blockers tells it.
    """

    made: int
    withheld: int = 0
    in_the_way: tuple[Finding, ...] = ()

    def describe(self) -> str:
        """Return ``(1 attempt, 3 more withheld)``."""
        withheld = f", {self.withheld} more withheld" if self.withheld else ""
        return f"({counted(self.made, 'attempt')}{withheld})"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        told = [dict(item.facts) for item in self.in_the_way]
        return {"attempts": self.made, "withheld": self.withheld, "still_in_the_way": told}


def lost_to_others(what: str, tries: Tries, toll: Toll | None) -> HookError:
    """Return the error of *what* that the server ended for others, *toll* telling of them."""
    is_known = toll is not None and bool(toll.describe_blockers())
    # What the last attempt met is old by the time that further ones are withheld.
    what = f"{what} {tries.describe()}"
    if tries.in_the_way and (tries.withheld or not is_known):
        return _still_blocked(what, tries)
    if toll is not None and toll.describe_blockers():
        return LockContention(f"{what}{toll.describe_involved()}", how_to_end(toll.census))
    unseen = "" if toll is None else toll.census.describe_unseen()
    hint = (
        "Try again when the sessions in the way have ended; `presync check` names those that lock"
        " a relation which the script names."
    )
    return LockContention(f"{what}{unseen}", hint)


def _still_blocked(what: str, tries: Tries) -> HookError:
    who = "; ".join(item.message for item in tries.in_the_way[:_NAMED])
    return LockContention(f"{what}; still in the way: {who}", tries.in_the_way[0].hint)


def given_up_for_others(what: str, tries: Tries, toll: Toll, doing: str, advice: str) -> HookError:
    """Return the error of *what* that we have given up ourselves.

    Who waited for a lock may find it free the next time. Who had its locks and made others
    wait with them will do so again.

    Args:
        what: Was given up.
        tries: How often that was tried.
        toll: What it had cost others by then.
        doing: What presync does, for a sentence.
        advice: How it would cost others less, the beginning of one.
    """
    what = f"{what} {tries.describe()}"
    if toll.was_waiting and not toll.is_blind and tries.withheld and tries.in_the_way:
        return _still_blocked(what, tries)
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
