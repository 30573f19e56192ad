"""Partitions that are on their way out of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.core.execution.detachment import Detachment
    from hook.postgres.indexes import Fetches


def fetch_pending(session: Fetches, detachment: Detachment) -> Detachment | None:
    """Return *detachment* if it was begun and is not finished, else none.

    Raises:
        HookError: The query failed.
    """
    # An empty name is an error to the server, no name at all is not.
    names = (detachment.table or None, detachment.partition or None)
    return detachment if session.fetch(load_query("pending_detach"), names) else None


def is_detached(session: Fetches, detachment: Detachment) -> bool:
    """Tell whether both tables of *detachment* are there, and its partition is nobody's.

    Raises:
        HookError: The query failed.
    """
    names = (detachment.table or None, detachment.partition or None)
    ((is_so,),) = session.fetch(load_query("is_detached"), names)
    return bool(is_so)
