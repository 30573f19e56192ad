"""Trying again: the one place that knows tenacity.

Import it where the first attempt has failed: a run with nothing to retry must not
pay for the library. So what that attempt came to is given to those who go on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING, TypeVar, cast

from tenacity import Future, RetryCallState, Retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.clock import Clock, Deadline
    from hook.errors import HookError

T = TypeVar("T")
_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to sleep between attempts: from *first*, doubled up to *longest*.

    Attributes:
        jitter: Each pause is varied by this share of itself, so that several hooks
            do not knock in step; 0.25 means ±25 %.
    """

    first: timedelta
    longest: timedelta
    jitter: float = 0.0

    def after(self, attempt: int) -> float:
        """Return the seconds to sleep after the 1-based *attempt*."""
        doubled = self.first.total_seconds() * 2.0 ** min(attempt - 1, _DOUBLINGS)
        pause = min(doubled, self.longest.total_seconds())
        return pause * (1 + random.uniform(-self.jitter, self.jitter))  # noqa: S311 - no secret


# Between two attempts at SQL of the release: whoever is in the way needs time to end.
OF_SCRIPTS = Pauses(timedelta(milliseconds=200), timedelta(seconds=30), jitter=0.25)


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """When to try again, and until when.

    Attributes:
        clock: Sleeps; a stop request ends its sleep with `Interrupted`.
        deadline: No attempt starts after it. The last pause is cut to end on it.
        announce: Told before each pause how many attempts were made, and what the
            last one raised, if it raised.
    """

    pauses: Pauses
    clock: Clock
    deadline: Deadline
    announce: Callable[[int, BaseException | None], None]


def retry_error(first: HookError, work: Callable[[], T], plan: RetryPlan) -> T:
    """Return what *work* returns; try again while it raises what is of the class of *first*.

    Args:
        first: What the attempt before this call raised; it counts.
        work: The attempts after it.
        plan: When and until when.

    Raises:
        HookError: Any other error at once, the last one of that class at the deadline.
    """

    def fail() -> T:
        raise first

    def is_transient(state: RetryCallState) -> bool:
        return isinstance(_outcome(state).exception(), type(first))

    return _retrying(plan, is_transient)(_calls(fail, work))


def retry_result(
    first: T, is_worth_retrying: Callable[[T], bool], work: Callable[[], T], plan: RetryPlan
) -> T:
    """Return the first result that is not worth retrying, or the last at the deadline.

    Args:
        first: The result of the attempt before this call; it counts.
        is_worth_retrying: Judges what *work* returned.
        work: The attempts after it. What it raises is not retried.
        plan: When and until when.
    """

    def is_worth(state: RetryCallState) -> bool:
        outcome = _outcome(state)
        return not outcome.failed and is_worth_retrying(outcome.result())

    return _retrying(plan, is_worth)(_calls(lambda: first, work))


def _calls(first: Callable[[], T], work: Callable[[], T]) -> Callable[[], T]:
    """Return what calls *first* once, and *work* from then on."""
    calls = chain((first,), repeat(work))

    def call() -> T:
        return next(calls)()

    return call


def _retrying(plan: RetryPlan, again: Callable[[RetryCallState], bool]) -> Retrying:
    def pause(state: RetryCallState) -> float:
        return min(plan.pauses.after(state.attempt_number), plan.deadline.remaining())

    return Retrying(
        sleep=plan.clock.sleep,
        stop=lambda _: plan.deadline.remaining() <= 0,
        wait=pause,
        retry=again,
        before_sleep=lambda state: plan.announce(state.attempt_number, _outcome(state).exception()),
        retry_error_callback=lambda state: _outcome(state).result(),
    )


def _outcome(state: RetryCallState) -> Future:
    """Return how the attempt ended, which tenacity sets before it asks anything."""
    return cast("Future", state.outcome)
