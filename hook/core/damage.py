"""What others pay for a migration, in blocked-backend-seconds, and when that is too much.

One session that waits for one second behind a backend of ours is one blocked-backend-second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from hook.core.contention import LockWait, Look
from hook.core.damage_budget import DamageBudget

_SHARE = 0.4
_FEWEST, _MOST = 2, 20
# Without sight for longer than this, nobody knows whom we harm.
SIGHT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Damage:
    """The damage done so far; times are seconds on one monotonic clock.

    Attributes:
        attempt: By the attempt under way, or the one that ended last.
        run: By all attempts.
        seen_at: When it was looked last, or the attempt began.
        waiting: Who waited then.
    """

    attempt: float = 0.0
    run: float = 0.0
    seen_at: float = 0.0
    waiting: frozenset[int] = frozenset()

    def begin(self, now: float) -> Damage:
        """Return the damage when an attempt begins *now*."""
        return replace(self, attempt=0.0, seen_at=now, waiting=frozenset())

    def look(self, harmed: Iterable[LockWait], now: float) -> Damage:
        """Return the damage when *harmed* are seen to wait *now*.

        Whoever waited at the look before has waited all the time for all we know, whoever
        did not for no longer than since then.
        """
        span = self._since(now)
        seconds = {
            item.pid: span if item.seconds is None else min(max(item.seconds, 0.0), span)
            for item in harmed
        }
        waited = seconds | dict.fromkeys(self.waiting, span)
        return self._with(sum(waited.values()), now, frozenset(seconds))

    def end(self, now: float) -> Damage:
        """Return the damage when the attempt has ended *now*: who waited, did until then."""
        return self._with(len(self.waiting) * self._since(now), now, frozenset())

    def _since(self, now: float) -> float:
        return max(0.0, now - self.seen_at)

    def _with(self, more: float, now: float, waiting: frozenset[int]) -> Damage:
        return Damage(self.attempt + more, self.run + more, now, waiting)


class Reason(Enum):
    """Why an attempt was given up before the server ended it."""

    ATTEMPT = "damage budget of an attempt"
    RUN = "damage budget of the run"
    SHARE = "share of waiting sessions"
    SIGHT = "loss of sight"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An attempt that was given up for the sake of others.

    Attributes:
        was_waiting: Our backend waited for a lock itself, and did not only hold some.
        waiting: How many sessions waited behind it.
        detail: What took our sight.
    """

    reason: Reason
    was_waiting: bool
    waiting: int = 0
    detail: str = ""


def most_waiting(sessions: int) -> int:
    """Return how many waiting sessions are too many, of so many that use the database."""
    return min(max(round(_SHARE * sessions), _FEWEST), _MOST)


def judge_damage(
    damage: Damage, budget: DamageBudget, look: Look, *, yields: bool
) -> Withdrawal | None:
    """Judge whether the attempt goes on; nothing is given up while nobody waits.

    Args:
        damage: Including *look*.
        budget: What it may be.
        look: The latest look.
        yields: Whom we wait for is known to give way to us within a second or so, so that
            only the budget counts.
    """
    waiting = len(look.harmed)
    if not waiting:
        return None
    if damage.run >= budget.run:
        return Withdrawal(Reason.RUN, look.is_waiting, waiting)
    if damage.attempt >= budget.attempt:
        return Withdrawal(Reason.ATTEMPT, look.is_waiting, waiting)
    if waiting >= most_waiting(look.sessions) and not yields:
        return Withdrawal(Reason.SHARE, look.is_waiting, waiting)
    return None


@dataclass(frozen=True, slots=True)
class Blindness:
    """What is known when nobody can see whom an attempt harms.

    Attributes:
        latest: The look before sight was lost, none when there was none in this attempt.
        seconds: Since then.
        detail: What took our sight.
    """

    latest: Look | None
    seconds: float
    detail: str


def judge_blindness(blindness: Blindness, *, is_undone: bool) -> Withdrawal | None:
    """Judge whether the attempt goes on although nobody can see whom it harms.

    Where somebody may queue behind us any moment, at once. What leaves work behind when it
    is cancelled goes on until somebody was seen to wait: an index that is built concurrently
    harms nobody, and half of it is of no use.

    Args:
        blindness: What is known.
        is_undone: The attempt is in one transaction, so that nothing is left of it.
    """
    latest = blindness.latest
    was_waiting = latest is not None and latest.is_waiting
    waiting = 0 if latest is None else len(latest.harmed)
    is_risky = was_waiting or blindness.seconds >= SIGHT_SECONDS
    if waiting or (is_undone and is_risky):
        return Withdrawal(Reason.SIGHT, was_waiting, waiting, blindness.detail)
    return None
