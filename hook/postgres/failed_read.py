"""What it means when a read of presync's own has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from hook.core.execution.refusal import refused_query
from hook.core.text import one_line
from hook.errors import ConnectionLost, HookError, LockContention
from hook.postgres.link import Link, NoAnswer, message_of
from hook.postgres.patience import OneLook, Wake

if TYPE_CHECKING:
    from hook.clock import Bounds
    from hook.core.sessions.census import Census


def refusal_of(
    error: psycopg.Error | NoAnswer, link: Link, name: str, bounds: Bounds | None
) -> HookError | None:
    """Return what *error* of the last read of *link* means.

    Args:
        error: What was raised.
        link: The connection.
        name: Of the other end, for the message.
        bounds: What was to end the wait.

    Returns:
        None when the connection is lost, or the caller made a mistake.
    """
    if link.stopped in {Wake.LIMIT, Wake.LOOKOUT}:
        return _unanswered(link, name, bounds)
    if not isinstance(error, psycopg.Error) or not error.sqlstate:
        return None
    refusal = refused_query(message_of(error.diag), name)
    return _contended(refusal, link) if isinstance(refusal, LockContention) else refusal


def lost(error: psycopg.Error | NoAnswer, name: str) -> ConnectionLost:
    """Return what *error* means when the connection to *name* is lost."""
    reason = one_line(str(error).split("\n", 1)[0])
    return ConnectionLost(f"{name}: connection lost: {reason}", "Run again.")


def census_of(link: Link) -> Census | None:
    """Return who was in the way of what was asked last, none when nobody has looked."""
    last = link.patience.lookout
    return last.census if isinstance(last, OneLook) else None


def _contended(refusal: LockContention, link: Link) -> HookError:
    from hook.core.sessions.unanswered import lock_not_had  # noqa: PLC0415 - only who waits for too long

    return lock_not_had(refusal, census_of(link))


def _unanswered(link: Link, name: str, bounds: Bounds | None) -> HookError:
    from hook.core.sessions.unanswered import unanswered  # noqa: PLC0415 - only who waits for too long

    deadline = None if bounds is None else bounds.deadline
    used_up = deadline.label if deadline is not None and deadline.remaining() <= 0 else ""
    last, waited = link.patience.lookout, link.patience.limit
    if link.stopped is Wake.LOOKOUT and isinstance(last, OneLook):
        waited = last.seconds
    return unanswered(name, waited, census_of(link), used_up)
