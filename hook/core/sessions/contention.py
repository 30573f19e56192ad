"""Who waits for whom on the server, at one look, seen from a backend of ours."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

# The server's name for whatever holds locks without a session: a prepared transaction.
PREPARED = 0


class LockWait(NamedTuple):
    """A session that waits for a lock.

    Attributes:
        blockers: Whom it waits for, as ``pg_blocking_pids()`` tells: those that hold a
            conflicting lock, and those in front of it in the queue.
        seconds: How long it has waited at most, none when nobody can tell.
        is_spared: What it does may wait: maintenance of the server's, or a session of our run.
    """

    pid: int
    blockers: tuple[int, ...]
    seconds: float | None = None
    is_spared: bool = False


class Look(NamedTuple):
    """One look at the locks of a server.

    Attributes:
        pid: Of our backend.
        is_found: Our backend is among the server's sessions. If not, this is another server.
        sessions: How many others use the database.
    """

    pid: int
    is_found: bool
    sessions: int = 0
    waits: tuple[LockWait, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Tell whether our backend waits for a lock."""
        return any(item.pid == self.pid for item in self.waits)

    @property
    def blockers(self) -> tuple[int, ...]:
        """Return whom our backend waits for, and whom those wait for, nearest first."""
        edges = {item.pid: item.blockers for item in self.waits}
        return _reached(self.pid, lambda pid: edges.get(pid, ()))

    @property
    def queue(self) -> tuple[LockWait, ...]:
        """Return who waits for our backend, directly or behind somebody who does."""

        def behind(pid: int) -> Iterable[int]:
            return (item.pid for item in self.waits if pid in item.blockers)

        reached = set(_reached(self.pid, behind))
        return tuple(item for item in self.waits if item.pid in reached)

    @property
    def harmed(self) -> tuple[LockWait, ...]:
        """Return those of the queue whose waiting counts as damage."""
        return tuple(item for item in self.queue if not item.is_spared)


def _reached(start: int, following: Callable[[int], Iterable[int]]) -> tuple[int, ...]:
    """Return everybody reached from *start*, nearest first, without *start* itself."""
    found = {start: None}
    pending = deque([start])
    while pending:
        for pid in following(pending.popleft()):
            if pid not in found:
                found[pid] = None
                pending.append(pid)
    return tuple(found)[1:]
