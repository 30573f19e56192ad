"""Partitioned relations, and partitions that are on their way out of their table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hook.core.sql.partition_refusals import PARTITIONED_TABLE, relations_in_doubt
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.core.execution.detachment import Detachment
    from hook.core.sql.creations import Creations, Name
    from hook.core.sql.statement_list import StatementList
    from hook.postgres.indexes import Fetches

_FIRST_TO_REINDEX_PARTITIONS = 140000


class Catalog(NamedTuple):
    """Where the relations that scripts name are looked for.

    Attributes:
        version_num: Of the server, 0 when none was asked.
        schema: Of the schema history, empty when no server was asked.
    """

    version_num: int = 0
    schema: str = ""

    def partitioned_in(
        self, statements: StatementList, made: Creations, session: Fetches | None
    ) -> Collection[Name]:
        """Return the partitioned relations on which it depends how *statements* can run.

        Older servers pass over them, in whatever transaction.

        Args:
            statements: Of a script.
            made: What the scripts in front of it create.
            session: As it is after the login; none offline.

        Raises:
            HookError: The query failed.
        """
        if 0 < self.version_num < _FIRST_TO_REINDEX_PARTITIONS:
            return ()
        names = relations_in_doubt(statements)
        created = frozenset(name for name in names if made.has(PARTITIONED_TABLE, name))
        asked = [name for name in names if not made.has("TABLE", name)]
        if session is None or not asked:
            return created
        return created | fetch_partitioned(session, self.schema, asked)


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
