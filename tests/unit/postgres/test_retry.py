"""Trying again, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.clock import Deadline
from hook.errors import ConfigError, DatabaseUnreachable
from hook.postgres.retry import Pauses, RetryPlan, retry_error, retry_result
from tests.fakes import FakeClock

PAUSES = Pauses(timedelta(seconds=1), timedelta(seconds=4))


def _plan(clock: FakeClock, seconds: float, told: list[str] | None = None) -> RetryPlan:
    def announce(attempts: int, error: BaseException | None) -> None:
        if told is not None:
            told.append(f"{attempts}: {error}")

    deadline = Deadline.after(clock, timedelta(seconds=seconds), "LIMIT")
    return RetryPlan(PAUSES, clock, deadline, announce)


def test_pauses_double_up_to_the_longest() -> None:
    """1, 2, 4, 4 …, also after a very long time."""
    assert [PAUSES.after(attempt) for attempt in (1, 2, 3, 4, 5000)] == [1, 2, 4, 4, 4]


def test_jitter_stays_within_its_share() -> None:
    """A quarter of jitter is a quarter either way, and does vary."""
    pauses = Pauses(timedelta(seconds=8), timedelta(seconds=8), 0.25)
    seen = {pauses.after(1) for _ in range(100)}
    assert len(seen) > 1
    assert all(6 <= pause <= 10 for pause in seen)


def test_retry_error_goes_on_until_it_works() -> None:
    """Transient errors are announced and slept on, the first one included."""
    clock, told = FakeClock(), list[str]()
    failures = [DatabaseUnreachable("second")]

    def work() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    assert retry_error(DatabaseUnreachable("first"), work, _plan(clock, 60, told)) == "done"
    assert clock.slept == [1, 2]
    assert told == ["1: first", "2: second"]


def test_retry_error_raises_the_last_one_at_the_deadline() -> None:
    """The last pause is cut so that one attempt is made at the very end."""
    clock = FakeClock()

    def work() -> None:
        raise DatabaseUnreachable(f"at {clock.monotonic():.0f}s")

    with pytest.raises(DatabaseUnreachable, match="at 10s"):
        retry_error(DatabaseUnreachable("first"), work, _plan(clock, 10))
    assert clock.slept == [1, 2, 4, 3]


def test_retry_error_raises_anything_else_at_once() -> None:
    """What waiting cannot mend is not waited for."""
    clock = FakeClock()

    def work() -> None:
        raise ConfigError(("wrong",))

    with pytest.raises(ConfigError):
        retry_error(DatabaseUnreachable("first"), work, _plan(clock, 60))
    assert clock.slept == [1]


def test_retry_result_goes_on_while_the_result_asks_for_it() -> None:
    """The first result counts, and is judged like the others."""
    clock, told, results = FakeClock(), list[str](), iter((2, 3, 4))
    plan = _plan(clock, 60, told)
    assert retry_result(1, lambda number: number < 3, lambda: next(results), plan) == 3
    assert told == ["1: None", "2: None"]
    assert clock.slept == [1, 2]


def test_retry_result_returns_the_last_one_at_the_deadline() -> None:
    """A bad result is still a result."""
    clock, results = FakeClock(), iter((2, 3, 4))
    assert retry_result(1, lambda _: True, lambda: next(results), _plan(clock, 3)) == 3


def test_retry_result_does_not_catch() -> None:
    """An error of the work is the caller's."""
    clock = FakeClock()

    def work() -> int:
        raise DatabaseUnreachable("gone")

    with pytest.raises(DatabaseUnreachable):
        retry_result(1, lambda _: True, work, _plan(clock, 60))
    assert clock.slept == [1]
