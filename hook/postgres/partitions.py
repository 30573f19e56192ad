"""Partitioned relations, and partitions that are on their way out of their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.core.execution.detachment import Detachment
    from hook.core.sql.creations import Name
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


def fetch_partitioned(session: Fetches, schema: str, names: Sequence[Name]) -> frozenset[Name]:
    """Return those of *names* that are partitioned.

    Args:
        session: As it is after the login.
        schema: Of the schema history, in which a name without schema is looked for first.
        names: Of relations, with or without schema; the database in front of it is ignored.

    Raises:
        HookError: The query failed.
    """
    schemas = [name[-2] if len(name) > 1 else None for name in names]
    relations = [name[-1] for name in names]
    rows = session.fetch(load_query("partitioned"), (schemas, relations, schema))
    return frozenset(names[number - 1] for (number,) in rows)
