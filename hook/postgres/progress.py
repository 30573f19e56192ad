"""Read how far a long statement of ours has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.execution.work import WorkProgress
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Session

_COPY_SINCE = 14


def fetch_progress(session: Session, pid: int) -> WorkProgress | None:
    """Return how far backend *pid* has come, none for what the server has no view of.

    Raises:
        HookError: As `Session.fetch`.
    """
    rows = session.fetch(load_query("progress"), (pid,) * 4)
    # The number comes first, be it that of a beta.
    major = session.reported("server_version")[:2]
    if not rows and major.isdigit() and int(major) >= _COPY_SINCE:
        rows = session.fetch(load_query("copy_progress"), (pid,))
    return WorkProgress(*rows[0]) if rows else None
