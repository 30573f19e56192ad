"""How FLYWAY_INIT_SQL is sent, and what of it a session needs again later."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.statement_list import Statement
from hook.core.sql.statements import parse_statements
from hook.core.sql.transactions import ScriptMode, script_mode

# What RESET ALL undoes is set by these, be it in a function; what others make lasts as long
# as the session, and may not be made twice.
_SETS = frozenset({"SET", "RESET", "SELECT", "WITH", "VALUES", "DO", "CALL"})
_OF_TRANSACTION = frozenset({"LOCAL", "TRANSACTION", "CONSTRAINTS"})


class Piece(NamedTuple):
    """A part of the text that is one message.

    Attributes:
        number: How many statements are in front of it.
        line: How many lines are.
    """

    sql: str
    number: int = 0
    line: int = 0


@lru_cache(maxsize=1)
def pieces_of(sql: str) -> tuple[Piece, ...]:
    """Return the messages that *sql* is sent in.

    One message is one transaction: where it fails, nothing of it has happened. What cannot
    share a transaction, or ends one, is sent statement by statement, as Flyway sends
    everything. A procedure may commit. A text that cannot be cut is the server's to refuse.
    """
    try:
        statements = parse_statements(sql.encode())
    except SqlSyntaxError:
        return (Piece(sql),)
    is_one = script_mode(statements).mode is ScriptMode.TRANSACTIONAL
    if is_one and not any(item.head == "CALL" for item in statements):
        return (Piece(sql),)
    return tuple(Piece(item.text, at, item.line - 1) for at, item in enumerate(statements))


@lru_cache(maxsize=1)
def replayed_statements(sql: str) -> tuple[str, ...]:
    """Return the statements of *sql* that bring its settings back after ``RESET ALL``.

    Raises:
        SqlSyntaxError: The text cannot be cut into statements.
    """
    # The line feed ends a comment that a statement may end in.
    statements = parse_statements(sql.encode())
    return tuple(f"{item.text}\n" for item in statements if may_set(item))


def may_set(statement: Statement) -> bool:
    """Tell whether *statement* may leave a setting in the session."""
    if statement.head != "SET":
        return statement.head in _SETS
    return _OF_TRANSACTION.isdisjoint(statement.words(2))
