"""What of FLYWAY_INIT_SQL is said again when a session is put back into its first state."""

from __future__ import annotations

from functools import lru_cache

from hook.core.statement_list import Statement
from hook.core.statements import parse_statements

# What RESET ALL undoes is set by these, be it in a function; what others make lasts as long
# as the session, and may not be made twice.
_SETS = frozenset({"SET", "RESET", "SELECT", "WITH", "VALUES", "DO", "CALL"})
_OF_TRANSACTION = frozenset({"LOCAL", "TRANSACTION", "CONSTRAINTS"})


@lru_cache(maxsize=1)
def replayed_statements(sql: str) -> tuple[str, ...]:
    """Return the statements of *sql* that bring its settings back after ``RESET ALL``.

    Raises:
        SqlSyntaxError: The text cannot be cut into statements.
    """
    # The line feed ends a comment that a statement may end in.
    statements = parse_statements(sql.encode())
    return tuple(f"{item.text}\n" for item in statements if _is_replayed(item))


def _is_replayed(statement: Statement) -> bool:
    if statement.head != "SET":
        return statement.head in _SETS
    return _OF_TRANSACTION.isdisjoint(statement.words(2))
