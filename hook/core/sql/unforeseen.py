"""Which statements lock what their words do not tell: they run code that is somewhere else.

Told are those that are there for it: DO, CALL, EXECUTE, and a query that begins with a
function, or reads from one. What triggers and functions within other statements do is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hook.core.sql.creations import fold
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.token_cursor import TokenCursor
from hook.core.text import listed

_HEADS = re.compile(rb"(?:DO|CALL|EXECUTE|SELECT)\b", re.IGNORECASE)
_SYSTEM = "pg_catalog"
# Neither these functions nor what only looks like one lock a relation for others to wait.
_HARMLESS = frozenset(
    {
        *("all", "any", "array", "avg", "case", "cast", "coalesce", "count", "current_setting"),
        *("currval", "exists", "extract", "format", "from", "generate_series", "greatest"),
        *("lastval", "least", "max", "min", "nextval", "not", "now", "nullif", "on", "pg_sleep"),
        *("row", "set_config", "setval", "some", "sum", "to_regclass", "unnest", "version"),
    }
)


def unforeseen_locks(script: str, statements: StatementList) -> tuple[str, ...]:
    """Return, as ``script:line``, the *statements* whose locks show only when they run."""
    found = statements.starting(_HEADS)
    return tuple(f"{script}:{item.line}" for item in found if _runs_code(item))


def describe_unforeseen(places: Sequence[str]) -> str:
    """Return that nobody knows beforehand what the statements at *places* lock."""
    return f"what {listed(places)} may lock shows only at run time"


def _runs_code(statement: Statement) -> bool:
    if statement.head != "SELECT":
        return True
    cursor = TokenCursor(statement.tokens())
    cursor.take()
    cursor.accept_any("ALL", "DISTINCT")
    token = cursor.peek()
    if token and token.text == "*":
        cursor.take()
        cursor.accept("FROM")
    parts = [fold(part) for part in cursor.name_parts()]
    is_called = bool(parts) and cursor.word() == "("
    return is_called and parts[0] != _SYSTEM and not (len(parts) == 1 and parts[0] in _HARMLESS)
