"""What others pay for a migration, in blocked-backend-seconds, and when that is too much.

One session that waits for one second behind a backend of ours is one blocked-backend-second.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from hook.core.sessions.contention import LockWait, Look
from hook.core.sessions.damage_budget import DamageBudget

_SHARE = 0.4
_FEWEST, _MOST = 2, 20
# Without sight for longer than this, nobody knows whom we harm.
SIGHT_SECONDS = 2.0
# While there is plenty of the budget left.
LOOK_SECONDS = 0.25
# What a cancel takes on a machine that is not busy, and the shortest time between two looks.
CANCEL_SECONDS = 0.05
# Looking takes no more than a tenth of the time or, while somebody waits, half of it.
_LOOKS_BETWEEN = 9
_LOOKS_BETWEEN_IN_NEED = 1


class Damage(NamedTuple):
    """The damage done so far; times are seconds on one monotonic clock.

    Attributes:
        attempt: By the attempt under way, or the one that ended last.
        run: By all attempts.
        seen_at: When it was looked last, or the attempt began.
        waiting: Who waited then.
        crowd: The most that ever waited at one look, in this attempt or before.
        due_at: When the next look was to have ended, or the attempt that is given up.
        late: How many seconds later, all in all, that happened while somebody waited.
    """

    attempt: float = 0.0
    run: float = 0.0
    seen_at: float = 0.0
    waiting: frozenset[int] = frozenset()
    crowd: int = 0
    due_at: float = 0.0
    late: float = 0.0

    def begin(self, now: float) -> Damage:
        """Return the damage when an attempt begins *now*."""
        return self._replace(attempt=0.0, seen_at=now, waiting=frozenset(), due_at=now)

    def due(self, moment: float) -> Damage:
        """Return the same when the next thing is to have happened at *moment*."""
        return self._replace(due_at=moment)

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
        return self._replace(
            attempt=self.attempt + more,
            run=self.run + more,
            seen_at=now,
            waiting=waiting,
            crowd=max(len(waiting), self.crowd),
            late=self.late + (max(0.0, now - self.due_at) if more else 0.0),
        )


def expected_queue(damage: Damage, look: Look) -> int:
    """Return how many may wait by the next look.

    Behind a lock that is waited for, everybody may; those who once waited may be on their way.
    """
    if look.harmed:
        return max(len(look.harmed), damage.crowd)
    return max(look.sessions, damage.crowd) if look.is_waiting else 0


def left_of(budget: DamageBudget, damage: Damage) -> float:
    """Return how much more damage the attempt under way may do."""
    return min(budget.attempt - damage.attempt, budget.run - damage.run)


def first_look(lock_timeout_ms: int, number: int, rungs: int) -> float:
    """Return after how many seconds the 1-based attempt *number* of so many is looked at.

    SQL that meets no lock seldom lasts long enough to be looked at. What has met a lock, or
    gets no other chance, is looked at before the server gives up.
    """
    is_quick = number == 1 and rungs > 1
    return LOOK_SECONDS if is_quick else min(LOOK_SECONDS, lock_timeout_ms / 2000)


def least_pause(look: Look, took: float) -> float:
    """Return the seconds that have to be between *look*, which *took* so many, and the next."""
    return took * (_LOOKS_BETWEEN_IN_NEED if look.harmed else _LOOKS_BETWEEN)


def pause_before_look(left: float, crowd: int, least: float = 0.0) -> float:
    """Return the seconds until the next look.

    It comes when half of what is left is used up, and so in time even if twice as many wait
    by then.

    Args:
        left: Of the budget.
        crowd: How many wait, or may begin to at any moment.
        least: Seconds that have to be in between, see `least_pause`.
    """
    soon = left / crowd / 2 if crowd else LOOK_SECONDS
    return max(min(LOOK_SECONDS, soon), CANCEL_SECONDS, least)


def is_spent(damage: Damage, budget: DamageBudget) -> bool:
    """Tell whether one more attempt would cost too much, if it meets as many as ever waited.

    It takes one look to see them and one cancel.
    """
    return damage.run + damage.crowd * 2 * CANCEL_SECONDS >= budget.run


class Reason(Enum):
    """Why an attempt was given up before the server ended it."""

    ATTEMPT = "damage budget of an attempt"
    RUN = "damage budget of the run"
    SHARE = "share of waiting sessions"
    SIGHT = "loss of sight"


class Withdrawal(NamedTuple):
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
    damage: Damage, budget: DamageBudget, look: Look, took: float = 0.0, *, yields: bool
) -> Withdrawal | None:
    """Judge whether the attempt goes on; nothing is given up while nobody waits.

    It is given up before the budget is used up: what those who wait now cost until the next
    look has ended, and until a cancel after it has arrived, has to be left.

    Args:
        damage: Including *look*.
        budget: What it may be.
        look: The latest look.
        took: Seconds of the latest look.
        yields: Whom we wait for is known to give way to us within a second or so, so that
            only the budget counts.
    """
    waiting = len(look.harmed)
    if not waiting:
        return None
    pause = pause_before_look(left_of(budget, damage), waiting, least_pause(look, took))
    to_stop = waiting * (took + CANCEL_SECONDS)
    ahead = waiting * pause + to_stop
    reason: Reason | None = None
    if damage.run + to_stop >= budget.run:
        reason = Reason.RUN
    elif damage.attempt + ahead >= budget.attempt:
        reason = Reason.ATTEMPT
    elif damage.run + ahead >= budget.run:
        reason = Reason.RUN
    elif waiting >= most_waiting(look.sessions) and not yields:
        reason = Reason.SHARE
    return None if reason is None else Withdrawal(reason, look.is_waiting, waiting)


def settled(
    withdrawal: Withdrawal | None, damage: Damage, budget: DamageBudget
) -> Withdrawal | None:
    """Return *withdrawal* of an attempt that has ended, with *damage*.

    Where it has left nothing for another one, it is the budget of the run that counts.
    """
    if withdrawal is None or withdrawal.reason is Reason.SIGHT or not is_spent(damage, budget):
        return withdrawal
    return withdrawal._replace(reason=Reason.RUN)


class Blindness(NamedTuple):
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
