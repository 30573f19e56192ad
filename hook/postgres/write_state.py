"""Ask a session that has met a read-only transaction whether its server takes writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.sessions.server import WriteState
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Session


def fetch_write_state(session: Session) -> WriteState:
    """Return whether *session* could write if nothing that it was sent had kept it from that.

    Raises:
        HookError: As `Session.fetch`.
    """
    return WriteState(*session.fetch(load_query("write_state"))[0])
