"""How long a session waits for the server, and what ends the wait early."""

from __future__ import annotations

import select
import time
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.clock import Interrupt

HEARTBEAT_SECONDS = 1.0


class Wake(Enum):
    """What ended a wait."""

    SOCKET = "the server"
    INTERRUPT = "a stop request"
    LIMIT = "the limit"
    LOOKOUT = "the lookout"


class Lookout(Protocol):
    """Looks around while a session waits, and may find that it has waited enough."""

    def due_in(self) -> float:
        """Return the seconds until the next look, none or less when it is due."""

    def gives_up(self) -> bool:
        """Look, which takes no more than a few seconds; tell whether to wait no longer."""


class Patience(NamedTuple):
    """How a session waits for an answer.

    Attributes:
        interrupt: Ends the wait when a stop is requested; none for cleaning up,
            which must go on after the stop.
        seconds: The limit for one answer, none for no limit.
        on_wait: Told the seconds waited so far, every second.
        lookout: Asked now and then whether to give up.
        is_graceful: When the wait ends early, the server is asked to cancel, and its answer
            is awaited; otherwise the connection is closed.
    """

    interrupt: Interrupt | None = None
    seconds: float | None = None
    on_wait: Callable[[float], None] | None = None
    lookout: Lookout | None = None
    is_graceful: bool = True

    def at_most(self, seconds: float | None) -> Patience:
        """Return this patience, limited to *seconds* as well."""
        if seconds is None or (self.seconds is not None and self.seconds <= seconds):
            return self
        return self._replace(seconds=seconds)


class Wait:
    """One wait for one answer; it may wake many times."""

    def __init__(self, patience: Patience) -> None:
        """Begin now."""
        self._interrupt = patience.interrupt
        self._on_wait = patience.on_wait
        self._lookout = patience.lookout
        self._began = time.monotonic()
        self._ends = None if patience.seconds is None else self._began + patience.seconds
        self._next_beat = self._began + HEARTBEAT_SECONDS

    def give_up_after(self, seconds: float) -> None:
        """From now on wait *seconds* more and for nothing but the socket."""
        self._interrupt = None
        self._lookout = None
        self._ends = time.monotonic() + seconds

    def until_ready(self, descriptor: int, *, reading: bool, writing: bool) -> Wake:
        """Wait until *descriptor* is ready in one of the wanted directions."""
        while True:
            # Also while the server sends one row after the other.
            if (
                self._lookout is not None
                and self._lookout.due_in() <= 0
                and self._lookout.gives_up()
            ):
                return Wake.LOOKOUT
            now = time.monotonic()
            read: list[int | Interrupt] = [descriptor] if reading else []
            write = [descriptor] if writing else []
            if self._interrupt is not None:
                read.append(self._interrupt)
            readable, writable, _ = select.select(read, write, [], self._pause(now))
            if self._interrupt is not None and self._interrupt in readable:
                return Wake.INTERRUPT
            if readable or writable:
                return Wake.SOCKET
            now = time.monotonic()
            if self._ends is not None and now >= self._ends:
                return Wake.LIMIT
            self._beat(now)

    def _pause(self, now: float) -> float:
        ends = self._next_beat if self._ends is None else min(self._ends, self._next_beat)
        pause = ends - now if self._lookout is None else min(ends - now, self._lookout.due_in())
        return max(0.0, pause)

    def _beat(self, now: float) -> None:
        if now < self._next_beat:
            return
        self._next_beat = now + HEARTBEAT_SECONDS
        if self._on_wait is not None:
            self._on_wait(now - self._began)
