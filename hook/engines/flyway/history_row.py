"""Rows of the schema history as SQL text.

A row is written in the same message as its script, behind it, and so cannot have
parameters; see `hook.core.sql.sql_text`.
"""

from __future__ import annotations

from typing import NamedTuple

from hook.core.schema_history.history import (
    SCHEMA,
    HistoryRow,
    abbreviate_description,
    abbreviate_script,
)
from hook.core.scripts.script import Migration
from hook.core.sql.sql_text import quote_identifier, quote_literal

_HIGHEST_RANK = 2**31 - 1
# What a new row says; the table itself fills in the time.
COLUMNS = (
    "installed_rank", "version", "description", "type", "script", "checksum",
    "installed_by", "execution_time", "success",
)  # fmt: skip
_COLUMNS = ", ".join(f'"{name}"' for name in COLUMNS)
# Whole milliseconds since BEGIN. Operators and functions are qualified because the
# script may have put a schema of its own in front of pg_catalog.
_MEASURED = (
    "(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()"
    " OPERATOR(pg_catalog.-) pg_catalog.transaction_timestamp())"
    " OPERATOR(pg_catalog.*) 1000)::pg_catalog.int4"
)


class NewRow(NamedTuple):
    """A row to be written; the table fills in the time.

    Attributes:
        execution_time: Whole milliseconds, none for the server to measure them from the
            start of its transaction.
        first_rank: Of the rows that the transaction has written before: their times do not
            count.
        preceding_ms: Added to what the server measures.
    """

    installed_rank: int
    version: str | None
    description: str
    type: str
    script: str
    checksum: int | None
    installed_by: str
    execution_time: int | None = None
    success: bool = True
    first_rank: int | None = None
    preceding_ms: int = 0


def row_of_migration(migration: Migration, rank: int, installed_by: str) -> NewRow:
    """Return the row that records *migration* as applied.

    Flyway takes a backslash for a separator of folders on every system.
    """
    return NewRow(
        installed_rank=rank,
        version=None if migration.version is None else migration.version.text,
        description=migration.description,
        type=migration.type,
        script=migration.script.replace("\\", "/"),
        checksum=migration.checksum,
        installed_by=installed_by,
    )


def row_of_marker(row: HistoryRow) -> NewRow:
    """Return the row that writes the synthetic *row*."""
    return NewRow(
        installed_rank=row.installed_rank,
        version=row.version,
        description=row.description,
        type=row.type,
        script=row.script,
        checksum=row.checksum,
        installed_by=row.installed_by,
        execution_time=row.execution_time,
        success=row.success,
    )


def row_of_created_schemas(schemas: tuple[str, ...], rank: int, installed_by: str) -> NewRow:
    """Return the row that tells which *schemas* were created for the application."""
    return NewRow(
        installed_rank=rank,
        version=None,
        description="<< Flyway Schema Creation >>",
        type=SCHEMA,
        script=",".join(quote_identifier(name) for name in schemas),
        checksum=None,
        installed_by=installed_by,
        execution_time=0,
    )


def render_insert(history: str, row: NewRow) -> str:
    """Return the statement that writes *row* into *history*, a quoted name."""
    values = (
        str(row.installed_rank),
        quote_literal(row.version),
        quote_literal(abbreviate_description(row.description)),
        quote_literal(row.type),
        quote_literal(abbreviate_script(row.script)),
        "NULL" if row.checksum is None else str(row.checksum),
        quote_literal(row.installed_by),
        _measured(history, row) if row.execution_time is None else str(row.execution_time),
        "TRUE" if row.success else "FALSE",
    )
    return f"INSERT INTO {history} ({_COLUMNS}) VALUES ({', '.join(values)})"  # noqa: S608 - every value is quoted above


def render_check(history: str, row: NewRow) -> str:
    """Return the statement that fails unless *row* is in *history* as it was written.

    A trigger, a rule or a policy may have kept it away, or changed it, without an error.
    The rank is left to them: what makes a row the one of its script is not its number.
    """
    same = (
        _is("version", quote_literal(row.version)),
        _is("description", quote_literal(abbreviate_description(row.description))),
        _is("checksum", "NULL" if row.checksum is None else quote_literal(str(row.checksum))),
        f'h."success" IS {"TRUE" if row.success else "FALSE"}',
    )
    return (
        f"SELECT 1 OPERATOR(pg_catalog./) pg_catalog.count(*) FROM {history} AS h"  # noqa: S608 - every value is quoted above
        f' WHERE h."installed_rank" OPERATOR(pg_catalog.>=) {row.installed_rank}'
        # Without statistics the server takes the index for a range, and reads all of the
        # table for one bound alone: 5,000 rows for each of 5,000 migrations.
        f' AND h."installed_rank" OPERATOR(pg_catalog.<=) {_HIGHEST_RANK}'
        f" AND {' AND '.join(same)}"
    )


def _is(column: str, value: str) -> str:
    if value == "NULL":
        return f'h."{column}" IS NULL'
    # Tables from the hands of others have other types, and INSERT casts to nearly all.
    return f'h."{column}"::pg_catalog.text OPERATOR(pg_catalog.=) {value}'


def _measured(history: str, row: NewRow) -> str:
    measured = _MEASURED
    if row.preceding_ms:
        measured = f"({measured} OPERATOR(pg_catalog.+) {row.preceding_ms})"
    if row.first_rank is None or row.first_rank == row.installed_rank:
        return measured
    before = (
        f'(SELECT pg_catalog.sum(h."execution_time") FROM {history} AS h'  # noqa: S608 - a quoted name and numbers
        f' WHERE h."installed_rank" OPERATOR(pg_catalog.>=) {row.first_rank}'
        f' AND h."installed_rank" OPERATOR(pg_catalog.<) {row.installed_rank})::pg_catalog.int4'
    )
    return f"GREATEST({measured} OPERATOR(pg_catalog.-) {before}, 0)"


def render_delete(history: str, row: HistoryRow) -> str:
    """Return the statement that removes the failed *row*, and never one that succeeded."""
    return f'DELETE FROM {history}{_where_rank(row)} AND NOT "success"'  # noqa: S608 - a quoted name and a number


def render_update(history: str, row: HistoryRow) -> str:
    """Return the statement that gives the row of that rank what *row* says of its file."""
    checksum = "NULL" if row.checksum is None else str(row.checksum)
    return (
        f'UPDATE {history} SET "description" = {quote_literal(row.description)},'  # noqa: S608 - every value is quoted
        f' "type" = {quote_literal(row.type)}, "checksum" = {checksum}'
        f"{_where_rank(row)}"
    )


def _where_rank(row: HistoryRow) -> str:
    return f' WHERE "installed_rank" OPERATOR(pg_catalog.=) {row.installed_rank}'
