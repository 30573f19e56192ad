"""How long each attempt waits for a lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.core.outcome import Finding, warned

if TYPE_CHECKING:
    from hook.core.sessions.server import ServerFacts


class BeyondDeadlock(NamedTuple):
    """A wait that is longer than the server's ``deadlock_timeout``, by *margin*."""

    margin: timedelta


Ladder = tuple[timedelta | BeyondDeadlock, ...]


def rungs_on(server: ServerFacts, ladder: Ladder) -> tuple[timedelta, ...]:
    """Return the ``lock_timeout`` of each attempt on *server*."""
    deadlock_timeout = timedelta(milliseconds=server.deadlock_timeout_ms)
    return tuple(
        deadlock_timeout + rung.margin if isinstance(rung, BeyondDeadlock) else rung
        for rung in ladder
    )


def judge_ladder(ladder: Sequence[timedelta], server: ServerFacts) -> tuple[Finding, ...]:
    """Judge whether some attempt waits long enough to make autovacuum give way.

    It is told to only when somebody has waited for ``deadlock_timeout``.
    """
    longest_ms = max(ladder) // timedelta(milliseconds=1)
    if longest_ms > server.deadlock_timeout_ms:
        return ()
    message = (
        f"no rung of PRESYNC_LOCK_LADDER is longer than the server's deadlock_timeout"
        f" ({server.deadlock_timeout_ms} ms)"
    )
    hint = (
        "Add the rung deadlock+500ms: without one that long autovacuum does not give way to a"
        " migration."
    )
    return (warned("lock-ladder", message, hint),)
