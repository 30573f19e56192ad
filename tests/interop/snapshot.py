"""What a database holds after a step, in a form that can be compared line by line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

_SCHEMA = (Path(__file__).parent / "schema.sql").read_text()

# A history table is known by its columns, whatever its name and schema. presync's
# own ledger is no part of what Flyway would leave.
_TABLES = """
SELECT n.nspname, c.relname, EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'installed_rank'
)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relispopulated
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2
"""
_LEDGER = "presync_run"

# installed_on and execution_time differ from run to run; what they must be does not.
_HISTORY = """
SELECT installed_rank, version, description, type, script, checksum, installed_by, success,
    pg_typeof(installed_on)::text, installed_on <= LOCALTIMESTAMP, execution_time >= 0
FROM {}
ORDER BY installed_rank
"""
_ROWS = 'SELECT "whole row"::text FROM {} AS "whole row" ORDER BY 1'


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The history rows, the schema and the rows of all other tables, as lines."""

    history: tuple[str, ...]
    schema: tuple[str, ...]
    rows: tuple[str, ...]

    def differences(self, other: Snapshot) -> list[str]:
        """Return the lines that only one of the two has, marked ``-`` and ``+``."""
        return [
            *_difference(self.history, other.history),
            *_difference(self.schema, other.schema),
            *_difference(self.rows, other.rows),
        ]


def take_snapshot(connection: psycopg.Connection[TupleRow]) -> Snapshot:
    """Read the database behind *connection*; its session time zone must be UTC."""
    connection.execute("SET search_path = ''")
    history: list[str] = []
    rows: list[str] = []
    for schema, table, is_history in connection.execute(_TABLES).fetchall():
        if table == _LEDGER:
            continue
        name = sql.Identifier(schema, table)
        if is_history:
            found = connection.execute(sql.SQL(_HISTORY).format(name)).fetchall()
            history += [f"{schema}.{table}: {row!r}" for row in found]
        else:
            found = connection.execute(sql.SQL(_ROWS).format(name)).fetchall()
            rows += [f"{schema}.{table}: {row}" for (row,) in found]
    return Snapshot(tuple(history), _schema(connection), tuple(rows))


def _schema(connection: psycopg.Connection[TupleRow]) -> tuple[str, ...]:
    lines = connection.execute(_SCHEMA.encode()).fetchall()
    return tuple(
        f"{kind} {name}: {definition}" for kind, name, definition in lines if _LEDGER not in name
    )


def _difference(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    lines = difflib.unified_diff(ours, theirs, lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]
