"""Time and interruption: the two things a stage may ask the process for."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Generic, NamedTuple, Protocol, TypeVar

from hook.errors import DeadlineReached, Interrupted

T = TypeVar("T")

# The promise is to be gone within twenty seconds.
ABANDON_SECONDS = 18.0
# No signal has this number.
_OTHER_DEADLINE = b"\0"
# The system's own limit is beyond that, and before eternity.
_LONGEST_WAIT = 86_400.0


class Clock(Protocol):
    """The time, and a sleep that an interruption ends."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Sleep; raise `Interrupted` as soon as a stop signal has arrived."""


class Interrupt:
    """A stop request that wakes every wait of the main thread.

    The signal handler only records the signal and makes `fileno` readable; code
    that waits selects on it and calls `raise_if_set` where stopping is safe. An
    exception thrown from the handler itself could land between COMMIT and the
    line that notes it.

    Attributes:
        abandon: What to do, in another thread, when a stop was requested, or the deadline
            has passed, and the main thread does not come to an end: it hangs in a call
            that nothing wakes, such as one of a file system.
        stage: What the main thread is at, for whoever tells that it hangs there.
        deadline: When it is to have come to an end, none when nobody has said.
    """

    def __init__(self) -> None:
        """Create the wake-up channel; nothing is installed yet."""
        self.abandon: Callable[[], None] | None = None
        self.stage = "settings"
        self.deadline: Deadline | None = None
        self._signal_name: str | None = None
        self._reader, self._writer = socket.socketpair()
        self._told, self._teller = socket.socketpair()
        for end in (self._reader, self._writer, self._told, self._teller):
            end.settimeout(0)

    def install(self, abandon_after: float = ABANDON_SECONDS) -> None:
        """Handle SIGTERM and SIGINT from now on. Only the main thread may call this.

        Args:
            abandon_after: Seconds between a stop request, or the deadline, and `abandon`.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        # Python runs a handler between two instructions of the main thread. A signal that
        # comes just before a call that hangs would wait there with it; this byte does not.
        signal.set_wakeup_fd(self._teller.fileno(), warn_on_full_buffer=False)
        # Started now: a signal handler cannot, it may have interrupted another start.
        threading.Thread(target=self._watch, args=(abandon_after,), daemon=True).start()

    def end_by(self, deadline: Deadline) -> None:
        """Take *deadline* for that of the main thread from now on."""
        self.deadline = deadline
        with contextlib.suppress(BlockingIOError):  # then there is enough to wake the watch
            self._teller.send(_OTHER_DEADLINE)

    def _watch(self, abandon_after: float) -> None:
        stopped_at: float | None = None
        try:
            while (left := self._left(stopped_at) + abandon_after) > 0:
                self._await_news(min(left, _LONGEST_WAIT), is_stopped=stopped_at is not None)
                if self.is_set and stopped_at is None:
                    stopped_at = time.monotonic()
        except (OSError, ValueError):
            return  # the channel was given back: nobody can ask for a stop any more
        if self.abandon is not None:
            self.abandon()

    def _left(self, stopped_at: float | None) -> float:
        """Return the seconds until the main thread is to end, below zero when it was to."""
        ends_at = math.inf if self.deadline is None else self.deadline.ends_at
        return min(ends_at, math.inf if stopped_at is None else stopped_at) - time.monotonic()

    def _await_news(self, seconds: float, *, is_stopped: bool) -> None:
        """Wait for a stop request, unless there was one, or for another deadline."""
        awaited = [self._told] if is_stopped else [self._told, self._reader]
        readable, _, _ = select.select(awaited, [], [], seconds)
        if self._told not in readable:
            return
        said = self._told.recv(1)
        if said != _OTHER_DEADLINE:
            self.set(signal.Signals(said[0]).name)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.set(signal.Signals(number).name)

    def set(self, signal_name: str) -> None:
        """Request a stop on behalf of *signal_name*; the first one is kept."""
        if self._signal_name is None:
            self._signal_name = signal_name
            self._writer.send(b"\0")

    def retire(self) -> None:
        """Ignore signals from now on: the end is told, and the exit code may not differ.

        At its end Python hands signals with a handler back to the system, which kills.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def close(self) -> None:
        """Give the wake-up channel back; the process's own is kept to the end."""
        for end in (self._reader, self._writer, self._told, self._teller):
            end.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable once a stop is requested."""
        return self._reader.fileno()

    @property
    def is_set(self) -> bool:
        """Tell whether a stop was requested."""
        return self._signal_name is not None

    @property
    def signal_name(self) -> str:
        """Return the name of the signal that requested the stop, empty without one."""
        return self._signal_name or ""

    def raise_if_set(self) -> None:
        """Raise `Interrupted` when a stop was requested."""
        if self._signal_name is not None:
            raise Interrupted(self._signal_name)


class SystemClock:
    """The machine's clocks and an interruptible sleep."""

    def __init__(self, interrupt: Interrupt) -> None:
        """Let *interrupt* end sleeps."""
        self._interrupt = interrupt

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep *seconds*; raise `Interrupted` as soon as a stop was requested."""
        self._interrupt.raise_if_set()
        select.select([self._interrupt], [], [], max(0.0, seconds))
        self._interrupt.raise_if_set()


class Deadline:
    """The end of a run or a window, on the monotonic clock.

    Attributes:
        name: Of the setting that it came from.
        label: The same with its value, where that is to be told: ``PRESYNC_DEADLINE (25m)``.
    """

    def __init__(self, clock: Clock, ends_at: float, name: str, label: str = "") -> None:
        self.clock = clock
        self.ends_at = ends_at
        self.name = name
        self.label = label or name

    @classmethod
    def after(cls, clock: Clock, span: timedelta, name: str) -> Deadline:
        """Return the deadline *span* from now; *name* is the setting it came from."""
        return cls(clock, clock.monotonic() + span.total_seconds(), name)

    def remaining(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.ends_at - self.clock.monotonic())

    def within(self, span: timedelta, name: str) -> Deadline:
        """Return the earlier of this deadline and *span* from now."""
        other = Deadline.after(self.clock, span, name)
        return other if other.ends_at < self.ends_at else self

    def raise_if_over(self) -> None:
        """Raise `DeadlineReached` when no time is left."""
        if self.remaining() <= 0:
            hint = f"Raise {self.name}, or find which stage used the time."
            raise DeadlineReached(f"{self.label} is used up", hint)


class Bounds(NamedTuple):
    """What ends a wait from outside.

    Attributes:
        deadline: Of the whole run, none for what has to be done when that is over.
    """

    interrupt: Interrupt
    deadline: Deadline | None = None

    def remaining(self, at_least: float) -> float:
        """Return the seconds left to a wait that begins now, or *at_least* so many."""
        return math.inf if self.deadline is None else max(self.deadline.remaining(), at_least)

    def raise_if_over(self) -> None:
        """Raise `DeadlineExceeded` when the deadline, if there is one, has passed."""
        if self.deadline is not None:
            self.deadline.raise_if_over()

    def without_deadline(self) -> Bounds:
        """Return the stop request alone."""
        return Bounds(self.interrupt)


class Background(Generic[T]):
    """Work in a daemon thread, while the caller does something else.

    The thread is abandoned, not killed: it must hold nothing that outlives the process.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        """Start *work* at once."""
        self._work = work
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        # Bare descriptors, as nobody may come for the result of an interrupted run.
        self._done, self._writer = os.pipe()
        threading.Thread(target=self._run, daemon=True).start()

    def result(self, deadline: Deadline, interrupt: Interrupt) -> T | None:
        """Return what the work returned, or none when *deadline* passes first.

        Raises:
            Interrupted: A stop was requested meanwhile.
            Exception: Whatever the work raised.
        """
        try:
            select.select([self._done, interrupt.fileno()], [], [], deadline.remaining())
            interrupt.raise_if_set()
        finally:
            os.close(self._done)
        return self._told()

    def wait(self) -> T | None:
        """Return what the work returned or raise what it raised, whenever that is.

        Only for work within work that is bounded.
        """
        try:
            select.select([self._done], [], [])
        finally:
            os.close(self._done)
        return self._told()

    def leave(self) -> None:
        """Give up on the result, which nobody comes for; the work goes on."""
        os.close(self._done)

    def _told(self) -> T | None:
        if self._errors:
            raise self._errors[0]
        return self._results[0] if self._results else None

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread
            self._errors.append(error)
        finally:
            os.close(self._writer)


def run_bounded(work: Callable[[], T], deadline: Deadline, interrupt: Interrupt) -> T | None:
    """Run *work* until it ends, *deadline* passes or a stop comes, see `Background`."""
    return Background(work).result(deadline, interrupt)
