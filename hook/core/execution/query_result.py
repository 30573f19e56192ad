"""What a query of a script returned, as much of it as the log tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hook.core.text import clip, counted, one_line

RESULTS_KEPT = 20
ROWS_KEPT = 20
COLUMNS_KEPT = 20
_CELL = 100
_BYTES_LOOKED_AT = 4 * _CELL + 1
_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The first rows of one result.

    Attributes:
        index: Of the statement in its message.
        columns: The first of their names.
        rows: The first of them, as texts; none for NULL.
        count: How many rows there were.
        statement: Its head, one line.
    """

    index: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    count: int
    statement: str = ""


def cell_text(value: bytes | None) -> str | None:
    """Return *value* as the log tells it: one line, the beginning of what is long."""
    if value is None:
        return None
    text = one_line(value[:_BYTES_LOOKED_AT].decode("utf-8", "replace"))
    return clip(text, _CELL)


def describe_result(result: QueryResult) -> str:
    """Return *result* as one line."""
    told = "; ".join(_row(result.columns, row) for row in result.rows)
    head = f"{result.statement}: {counted(result.count, 'row')}"
    return clip(f"{head}: {told}" if told else head, _MESSAGE)


def result_fields(script: str, result: QueryResult) -> dict[str, object]:
    """Return the fields of the event that tells *result* of *script*."""
    return {
        "script": script,
        "statement": result.statement,
        "columns": list(result.columns),
        "rows": [list(row) for row in result.rows],
        "row_count": result.count,
    }


def _row(columns: Sequence[str], row: Sequence[str | None]) -> str:
    cells = zip(columns, row, strict=True)
    return ", ".join(f"{name}={'NULL' if value is None else value}" for name, value in cells)
