"""The server's own parser as a judge: a failed transaction parses everything and runs nothing.

https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import Connection, pq
from psycopg.rows import TupleRow

from hook.core.sql.lexer import StringSyntax
from hook.core.sql.statement_list import Statement

_IN_FAILED_TRANSACTION = b"25P02"
_SYNTAX_ERROR = b"42601"
_STATE = pq.DiagnosticField.SQLSTATE
_FUNCTION = pq.DiagnosticField.SOURCE_FUNCTION
# Reports "cannot insert multiple commands into a prepared statement", and no other 42601.
_RECEIVER_OF_PARSE = b"exec_parse_message"


@dataclass(frozen=True, slots=True)
class ParserError:
    """A statement that the parser refuses.

    Attributes:
        is_several: It was not one statement.
    """

    statement: Statement
    message: str
    is_several: bool


def parser_errors(
    connection: Connection[TupleRow], statements: Iterable[Statement], syntax: StringSyntax
) -> list[ParserError]:
    """Return which of *statements* the server refuses in string *syntax*, in order."""
    connection.execute(f"SET standard_conforming_strings = {syntax.value}".encode())
    pgconn = connection.pgconn
    pgconn.exec_(b"BEGIN")
    pgconn.exec_(b"SELECT 1/0")
    errors = []
    for statement in statements:
        result = pgconn.prepare(b"", statement.text.encode())
        state = result.error_field(_STATE)
        # Without an error only what ends the transaction is parsed.
        if state not in {None, _IN_FAILED_TRANSACTION}:
            reporter = result.error_field(_FUNCTION)
            is_several = (state, reporter) == (_SYNTAX_ERROR, _RECEIVER_OF_PARSE)
            errors.append(ParserError(statement, result.error_message.decode(), is_several))
    assert pgconn.transaction_status == pq.TransactionStatus.INERROR
    pgconn.exec_(b"ROLLBACK")
    return errors
