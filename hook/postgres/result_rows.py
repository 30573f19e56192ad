"""Keeps the first rows of the results that the log is to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.execution.query_result import (
    COLUMNS_KEPT,
    RESULTS_KEPT,
    ROWS_KEPT,
    QueryResult,
    cell_text,
)

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult


class ResultRows:
    """Results under way, within bounds: a query may return millions of rows.

    Attributes:
        kept: The first ones.
        dropped: How many more there were.
    """

    def __init__(self, wanted: range) -> None:
        """Keep those of the statements *wanted*, by their index in the message."""
        self._wanted = wanted
        self._rows: list[tuple[str | None, ...]] = []
        self._count = 0
        self.kept: list[QueryResult] = []
        self.dropped = 0

    def add_row(self, result: PGresult, index: int) -> None:
        """Take one row of the statement with *index*."""
        if index not in self._wanted:
            return
        self._count += 1
        if len(self._rows) < ROWS_KEPT and len(self.kept) < RESULTS_KEPT:
            columns = range(min(result.nfields, COLUMNS_KEPT))
            self._rows.append(tuple(cell_text(result.get_value(0, at)) for at in columns))

    def end(self, result: PGresult, index: int) -> None:
        """Take the end of the rows of the statement with *index*."""
        if index not in self._wanted:
            return
        if len(self.kept) < RESULTS_KEPT:
            names = (result.fname(at) for at in range(min(result.nfields, COLUMNS_KEPT)))
            columns = tuple(cell_text(name) or "" for name in names)
            self.kept.append(QueryResult(index, columns, tuple(self._rows), self._count))
        else:
            self.dropped += 1
        self._rows, self._count = [], 0
