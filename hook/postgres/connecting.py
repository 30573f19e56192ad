"""Open the sessions of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from hook import __version__
from hook.postgres.dial import open_connection
from hook.postgres.link import Link, Peer
from hook.postgres.patience import Patience
from hook.postgres.session import Session

if TYPE_CHECKING:
    from hook.clock import Bounds
    from hook.core.sessions.census import Census
    from hook.settings.target import ConnectionTarget

# NAMEDATALEN - 1: the server cuts longer names, and we look for our own.
_NAME_LENGTH = 63
_ONLOOK_SECONDS = 2.0


class Connect(Protocol):
    """How a stage gets a session; `connect` in production."""

    def __call__(
        self,
        target: ConnectionTarget,
        purpose: str,
        run_id: str,
        bounds: Bounds,
        connect_timeout: timedelta,
    ) -> Session:
        """Open a session, see `connect`."""


def connect(
    target: ConnectionTarget,
    purpose: str,
    run_id: str,
    bounds: Bounds,
    connect_timeout: timedelta,
) -> Session:
    """Open a session in autocommit; nothing is asked of the server after the login.

    Args:
        target: Where to, and as whom.
        purpose: What the session is for, for messages: ``"lock"``; empty for the main one.
        run_id: Shown in ``application_name``, so that an operator can find the run.
        bounds: End every wait of the session.
        connect_timeout: For each address of the host.

    Raises:
        DatabaseUnreachable: Worth another attempt.
        DatabaseRejected: Credentials, rights or TLS.
        ConfigError: Wrong parameters, or no such database.
        Interrupted: A stop was requested.
    """
    name = f"presync/{__version__} run={run_id}"[:_NAME_LENGTH]
    link = Link(open_connection(target, name, bounds, connect_timeout))
    link.autocommit = True
    # A prepared statement would outlive a change of the tables it reads.
    link.prepare_threshold = None
    peer = Peer(
        f"{target.describe()} ({purpose})" if purpose else target.describe(),
        link.pgconn.backend_pid,
        link.pgconn.host.decode(),
        int(link.pgconn.port),
        link.keepalives(),
    )

    def onlook() -> Census:
        return _look_at(peer.pid, target, run_id, bounds.without_deadline())

    return Session(link, peer, Patience(bounds, onlook=onlook))


def _look_at(pid: int, target: ConnectionTarget, run_id: str, bounds: Bounds) -> Census:
    """Return who is in the way of backend *pid*, or why that cannot be found out."""
    from hook.core.sessions.census import Census  # noqa: PLC0415 - only for whoever waits for too long
    from hook.errors import HookError  # noqa: PLC0415 - likewise
    from hook.postgres.contention import fetch_census, fetch_look  # noqa: PLC0415 - likewise

    timeout = timedelta(seconds=_ONLOOK_SECONDS)
    try:
        with connect(target, "look", run_id, bounds, timeout) as opened:
            session = opened.hasty(_ONLOOK_SECONDS)
            look = fetch_look(session, pid)
            if not look.is_found:
                return Census(unseen=f"{session.peer.name}: backend {pid} is not there")
            return fetch_census(session, look) if look.is_waiting else Census()
    except HookError as error:
        return Census(unseen=error.message)
