"""The backend that a lost connection left running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.errors import DatabaseUnreachable
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.clock import Clock
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.session import Session

_POLL_SECONDS = 0.25
_PATIENCE_SECONDS = 2.0
_GIVE_UP_SECONDS = 30.0


def await_backend_end(session: Session, lost: ServerFacts, clock: Clock) -> None:
    """Return once the backend of *lost* is gone; then what it did is decided.

    A server whose peer vanished notices only when it writes to it, so after a short
    while the backend, which is our own, is ended.

    Args:
        session: A new session of the same run, under the same application name.
        lost: The facts of the lost session.
        clock: Sleeps between the looks.

    Raises:
        DatabaseUnreachable: It would not go.
        HookError: As `Session.fetch` says.
    """
    await_end_of(session, lost.backend_pid, lost.backend_start, clock)


def await_end_of(session: Session, pid: int, start: str | None, clock: Clock) -> None:
    """Do the same for the backend *pid*; *start* is that of `ServerFacts`, none if unknown."""
    began = clock.monotonic()
    query = load_query("lost_backend")
    is_ended = False
    while session.fetch(query, (start, is_ended, pid)):
        waited = clock.monotonic() - began
        if waited > _GIVE_UP_SECONDS:
            raise DatabaseUnreachable(
                f"backend {pid} of the lost connection is still running",
                f"End it: SELECT pg_terminate_backend({pid});",
            )
        is_ended = waited > _PATIENCE_SECONDS
        clock.sleep(_POLL_SECONDS)


def is_backend_known(session: Session) -> bool:
    """Tell whether the login of *session* has told its backend, and not a pooler a number.

    Raises:
        HookError: As `Session.fetch`.
    """
    return session.fetch("SELECT pg_catalog.pg_backend_pid()") == [(session.pid,)]
