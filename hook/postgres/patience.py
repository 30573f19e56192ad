"""How long a session waits for the server, and what ends the wait early."""

from __future__ import annotations

import math
import select
import time
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.clock import Bounds, Interrupt
    from hook.core.sessions.census import Census

HEARTBEAT_SECONDS = 1.0
# What presync asks takes milliseconds; what takes a minute waits for somebody.
_ANSWER_SECONDS = 60.0
# So long may an answer take that is asked for when the deadline has passed: what is over
# is told in the end by the stages, which ask how far they have come.
_LATE_ANSWER_SECONDS = 2.0


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
        bounds: End the wait: a stop request, the deadline of the run; none for cleaning
            up, which must go on after them.
        seconds: The limit for one answer, none for no limit.
        on_wait: Told the seconds waited so far, every second.
        lookout: Asked now and then whether to give up.
        is_graceful: When the wait ends early, the server is asked to cancel, and its answer
            is awaited; otherwise the connection is closed.
        onlook: Finds out whom the session waits for, from another one; none where nobody
            wants to know.
    """

    bounds: Bounds | None = None
    seconds: float | None = None
    on_wait: Callable[[float], None] | None = None
    lookout: Lookout | None = None
    is_graceful: bool = True
    onlook: Callable[[], Census] | None = None

    @property
    def interrupt(self) -> Interrupt | None:
        """Return the stop request that ends a wait, if one does."""
        return None if self.bounds is None else self.bounds.interrupt

    @property
    def limit(self) -> float:
        """Return the seconds that a wait may last which begins now."""
        own = math.inf if self.seconds is None else self.seconds
        return own if self.bounds is None else min(own, self.bounds.remaining(0.0))

    def for_an_answer(self) -> Patience:
        """Return how the answer to a question of presync's own is waited for."""
        if self.bounds is None:
            return self.at_most(_ANSWER_SECONDS)
        left = self.bounds.remaining(_LATE_ANSWER_SECONDS)
        # A read of ours does no harm that is worth looking at.
        patience = self._replace(bounds=self.bounds.without_deadline(), lookout=None)
        patience = patience.at_most(min(left, _ANSWER_SECONDS))
        if self.onlook is None:
            return patience
        return patience._replace(seconds=None, lookout=LastLook(patience.limit, self.onlook))

    def for_another_look(self, after: float) -> Patience | None:
        """Return how the same is asked once more, to see after so long whom it waits for.

        None where nobody wants to know.
        """
        if self.onlook is None:
            return None
        patience = self._replace(onlook=None).for_an_answer()
        return patience._replace(lookout=OneLook(after, self.onlook))

    def at_most(self, seconds: float | None) -> Patience:
        """Return this patience, limited to *seconds* as well."""
        if seconds is None or (self.seconds is not None and self.seconds <= seconds):
            return self
        return self._replace(seconds=seconds)


class OneLook:
    """Looks once whom a wait is for, after *seconds*, and waits on.

    Attributes:
        census: Who was in the way, none as long as nobody has looked.
    """

    def __init__(self, seconds: float, onlook: Callable[[], Census]) -> None:
        """Begin now."""
        self.seconds = seconds
        self.census: Census | None = None
        self._onlook = onlook
        self._began = time.monotonic()

    def due_in(self) -> float:
        """Return the seconds until the look, see `Lookout`."""
        if self.census is not None:
            return math.inf
        return self._began + self.seconds - time.monotonic()

    def gives_up(self) -> bool:
        """Look, which takes no more than a few seconds."""
        self.census = self._onlook()
        return False


class LastLook(OneLook):
    """Gives a wait up after *seconds*, once it has looked whom it was for."""

    def gives_up(self) -> bool:
        """Look, which takes no more than a few seconds."""
        super().gives_up()
        return True


class BlockerLook(OneLook):
    """Gives a wait up that has lasted *seconds* once somebody is found in its way.

    Attributes:
        seconds: How long it had lasted at the latest look.
    """

    def __init__(self, seconds: float, onlook: Callable[[], Census]) -> None:
        """Begin now."""
        super().__init__(seconds, onlook)
        self._next = self._began + seconds

    def due_in(self) -> float:
        """Return the seconds until the next look, see `Lookout`."""
        return self._next - time.monotonic()

    def gives_up(self) -> bool:
        """Look, which takes no more than a few seconds."""
        self.seconds = time.monotonic() - self._began
        self.census = self._onlook()
        self._next = time.monotonic() + HEARTBEAT_SECONDS
        return self.census.accuses


class Wait:
    """One wait for one answer; it may wake many times."""

    def __init__(self, patience: Patience) -> None:
        """Begin now."""
        self._interrupt = patience.interrupt
        self._on_wait = patience.on_wait
        self._lookout = patience.lookout
        self._began = time.monotonic()
        self._ends = self._began + patience.limit
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
            if self._is_given_up():
                return Wake.LOOKOUT
            now = time.monotonic()
            read: list[int | Interrupt] = [descriptor] if reading else []
            write = [descriptor] if writing else []
            if self._interrupt is not None:
                read.append(self._interrupt)
            readable, writable, _ = select.select(read, write, [], self._pause(now))
            if self._interrupt is not None and self._interrupt in readable:
                return Wake.INTERRUPT
            now = time.monotonic()
            is_ready = bool(readable or writable)
            if now >= self._ends and not is_ready:
                return Wake.LIMIT
            # Many quick answers are no silence of the server, but would be one of ours.
            self._beat(now)
            if is_ready:
                return Wake.SOCKET

    def look(self) -> Wake | None:
        """Return what ends the wait by now, whether or not the socket is ready."""
        if self._is_given_up():
            return Wake.LOOKOUT
        if self._interrupt is not None and self._interrupt.is_set:
            return Wake.INTERRUPT
        now = time.monotonic()
        if now >= self._ends:
            return Wake.LIMIT
        self._beat(now)
        return None

    def _is_given_up(self) -> bool:
        lookout = self._lookout
        return lookout is not None and lookout.due_in() <= 0 and lookout.gives_up()

    def _pause(self, now: float) -> float:
        ends = min(self._ends, self._next_beat)
        pause = ends - now if self._lookout is None else min(ends - now, self._lookout.due_in())
        return max(0.0, pause)

    def _beat(self, now: float) -> None:
        if now < self._next_beat:
            return
        self._next_beat = now + HEARTBEAT_SECONDS
        if self._on_wait is not None:
            self._on_wait(now - self._began)
