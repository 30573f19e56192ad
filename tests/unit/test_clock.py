"""Time, the end of a run, and stop requests."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from hook.clock import Deadline, Interrupt, SystemClock, run_bounded
from hook.errors import BudgetExceeded, Interrupted
from tests.fakes import FakeClock
from tests.testbed.run_context import meanwhile

LONG = 60.0


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Return a stop request that has not come; the handlers of signals are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    request = Interrupt()
    yield request
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.set_wakeup_fd(-1)
    request.close()


def far_off() -> Deadline:
    """Return a deadline that no test reaches."""
    return Deadline.after(FakeClock(), timedelta(seconds=LONG), "PRESYNC_DEADLINE")


def test_stop_request_is_raised_where_it_is_asked_for(interrupt: Interrupt) -> None:
    """Never from the handler; the first signal gives the name."""
    interrupt.raise_if_set()
    assert (interrupt.is_set, interrupt.signal_name) == (False, "")
    interrupt.set("SIGTERM")
    interrupt.set("SIGINT")
    assert (interrupt.is_set, interrupt.signal_name) == (True, "SIGTERM")
    with pytest.raises(Interrupted, match=r"^SIGTERM received$"):
        interrupt.raise_if_set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_stop_requests(interrupt: Interrupt, number: signal.Signals) -> None:
    """Once installed, and not only the first time."""
    interrupt.install()
    for _ in range(3):
        os.kill(os.getpid(), number)
    assert interrupt.signal_name == number.name


def test_sleep_lasts_and_a_stop_request_ends_it(interrupt: Interrupt) -> None:
    """Also one that came before, and one from a signal."""
    clock = SystemClock(interrupt)
    began = clock.monotonic()
    clock.sleep(0.01)
    clock.sleep(-1)
    assert clock.monotonic() - began >= 0.01
    assert clock.now().tzinfo is UTC
    interrupt.install()
    with meanwhile(lambda: os.kill(os.getpid(), signal.SIGTERM)), pytest.raises(Interrupted):
        clock.sleep(LONG)
    with pytest.raises(Interrupted):
        clock.sleep(LONG)
    assert clock.monotonic() - began < LONG / 2


def test_deadline_counts_down_and_names_its_setting() -> None:
    """What is left is never negative."""
    clock = FakeClock()
    deadline = Deadline.after(clock, timedelta(seconds=10), "PRESYNC_DEADLINE")
    clock.advance(4)
    assert deadline.remaining() == 6
    deadline.raise_if_over()
    clock.advance(7)
    assert deadline.remaining() == 0
    with pytest.raises(BudgetExceeded, match="PRESYNC_DEADLINE is used up"):
        deadline.raise_if_over()
    labelled = Deadline(clock, clock.monotonic(), "PRESYNC_DEADLINE", "PRESYNC_DEADLINE (10s)")
    with pytest.raises(BudgetExceeded, match=r"PRESYNC_DEADLINE \(10s\) is used up"):
        labelled.raise_if_over()


def test_window_ends_with_the_run_at_the_latest() -> None:
    """The earlier end counts, and keeps its name."""
    deadline = far_off()
    assert deadline.within(timedelta(seconds=5), "PRESYNC_LOCK_WAIT").name == "PRESYNC_LOCK_WAIT"
    assert deadline.within(timedelta(hours=5), "PRESYNC_LOCK_WAIT") is deadline


def test_bounded_work_returns_what_it_returns(interrupt: Interrupt) -> None:
    """Or raises what it raises."""
    assert run_bounded(lambda: 42, far_off(), interrupt) == 42

    def fails() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_bounded(fails, far_off(), interrupt)


def test_bounded_work_is_left_at_its_deadline(interrupt: Interrupt) -> None:
    """The thread goes on, nobody waits for it."""
    release = threading.Event()
    deadline = Deadline.after(SystemClock(interrupt), timedelta(seconds=0.01), "time")
    began = time.monotonic()
    assert run_bounded(lambda: release.wait(LONG), deadline, interrupt) is None
    release.set()
    assert time.monotonic() - began < LONG / 2


def test_bounded_work_is_left_at_a_stop_request(interrupt: Interrupt) -> None:
    """At once."""
    release = threading.Event()
    with meanwhile(lambda: interrupt.set("SIGTERM")), pytest.raises(Interrupted):
        run_bounded(lambda: release.wait(LONG), far_off(), interrupt)
    release.set()


def test_main_thread_that_hangs_is_abandoned_after_a_stop_request(interrupt: Interrupt) -> None:
    """From another thread; without a stop request never."""
    abandoned = threading.Event()
    interrupt.abandon = abandoned.set
    interrupt.install(abandon_after=0)
    assert not abandoned.wait(0.05)
    interrupt.set("SIGTERM")
    assert abandoned.wait(LONG)


def test_main_thread_that_hangs_is_abandoned_after_the_deadline(interrupt: Interrupt) -> None:
    """The latest one that was told counts, and a stop request only adds a reason."""
    abandoned = threading.Event()
    interrupt.abandon = abandoned.set
    interrupt.install(abandon_after=0)
    clock = SystemClock(interrupt)
    # So far off that the other one is told before it passes.
    first = Deadline.after(clock, timedelta(seconds=3), "PRESYNC_DEADLINE")
    interrupt.end_by(first)
    interrupt.end_by(Deadline.after(clock, timedelta(seconds=LONG), "PRESYNC_DEADLINE"))
    assert not abandoned.wait(first.remaining() + 0.1)
    interrupt.end_by(Deadline.after(clock, timedelta(), "PRESYNC_DEADLINE"))
    assert abandoned.wait(LONG)
    assert not interrupt.is_set


def test_main_thread_that_never_runs_the_handler_is_abandoned(interrupt: Interrupt) -> None:
    """The signal came just before the call that hangs: here, to another thread."""
    abandoned = threading.Event()
    interrupt.abandon = abandoned.set
    interrupt.install(abandon_after=0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert abandoned.wait(LONG)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    assert interrupt.signal_name == "SIGTERM"
