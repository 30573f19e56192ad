"""DETACH PARTITION CONCURRENTLY, which commits on its way and then has to be finished.

Cut off behind that, the partition is pending: new queries of the table do not see it, and the
same command once more is refused.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.mending import Remains, is_cut_off
from hook.core.sql.token_cursor import TokenCursor
from hook.core.sql.transaction_refusals import refusing_command

if TYPE_CHECKING:
    from hook.core.execution.attempt import Attempt
    from hook.core.sql.statement_list import Statement


class Detachment(NamedTuple):
    """Which partition leaves which table; both names as written."""

    table: str
    partition: str

    def describe(self) -> str:
        """Return what is pending."""
        return f"partition {self.partition} of {self.table}, whose detach is pending"

    def finishing_statement(self) -> str:
        """Return what finishes it."""
        return f"ALTER TABLE {self.table} DETACH PARTITION {self.partition} FINALIZE"


def read_detachment(statement: Statement) -> Detachment | None:
    """Return what *statement* detaches without locking the table, none when nothing."""
    if refusing_command(statement) != "DETACH PARTITION CONCURRENTLY":
        return None
    cursor = TokenCursor(statement.tokens())
    cursor.accept("ALTER", "TABLE")
    cursor.accept("IF", "EXISTS")
    table = cursor.relation()
    cursor.seek("DETACH")
    cursor.accept("PARTITION")
    return Detachment(table, cursor.name())


def judge_pending(attempt: Attempt, pending: Detachment | None) -> Remains:
    """Return what is left of a detachment at which *attempt* ended, *pending* if it still is."""
    if pending is None:
        return Remains()
    told = (pending.describe(),)
    return Remains(for_next_run=told) if is_cut_off(attempt) else Remains(told)
