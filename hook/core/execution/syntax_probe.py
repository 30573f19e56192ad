"""What to ask the server's parser of a script, and what its answer says about the script.

Asked outside of a transaction, the server parses a utility statement such as ALTER TABLE
and looks at nothing else, but a query it also analyzes: it opens the tables named, which
earlier statements of the script may have yet to create. In an aborted transaction it only
parses, whatever the statement; but there its answer to good SQL is an error as well
(25P02), which the server logs together with the statement. So a statement is asked the
silent way first where there is one, and only what that does not clear is asked the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.lexer import StringSyntax
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.text import clip, one_line

# Error of every statement in an aborted transaction, unless the parser refused it before.
ABORTED = "25P02"

_PREPARABLE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES"})
# PREPARE is a utility statement: the query behind AS is analyzed when it is executed.
_PREPARE = b"PREPARE presync AS "
# Of these the server analyzes nothing while it parses: they fall under "default" in
# transformStmt() of src/backend/parser/analyze.c. CREATE is among them with two exceptions.
_UTILITY = frozenset(
    {
        *("ALTER", "ANALYZE", "BEGIN", "CLUSTER", "COMMENT", "COMMIT", "COPY", "CREATE", "DO"),
        *("DROP", "END", "GRANT", "IMPORT", "LOCK", "REASSIGN", "REFRESH", "REINDEX", "RELEASE"),
        *("RESET", "REVOKE", "ROLLBACK", "SAVEPOINT", "SECURITY", "SET", "START", "TRUNCATE"),
        "VACUUM",
    }
)
# Reports "cannot insert multiple commands into a prepared statement", and no other 42601.
_RECEIVER_OF_PARSE = "exec_parse_message"
_SYNTAX_ERROR = "42601"
_WORD = re.compile(rb"[A-Za-z]+")
_AS = re.compile(rb"\bAS\b", re.IGNORECASE)
_MESSAGE_LENGTH = 200


class SyntaxLimits(NamedTuple):
    """How much of a script is asked about; sizes in bytes.

    Attributes:
        statement: A longer statement is left out: it is data, such as one INSERT of many
            rows, and a mistake in it ends the run like any other.
        script: Of a script no more than so many are sent, in order of the statements.
    """

    statement: int = 1_000_000
    script: int = 16_000_000


@dataclass(slots=True)
class Selection:
    """The statements of one script that the server is asked about, within *limits*.

    Attributes:
        asked: How many were handed out.
        left_out: How many were not: beyond the limits, or in escape string syntax, which
            the session does not have.
    """

    statements: StatementList
    limits: SyntaxLimits
    asked: int = 0
    left_out: int = 0

    def __iter__(self) -> Iterator[Statement]:
        """Yield them in order, and count."""
        size = 0
        for statement in self.statements:
            length = statement.end - statement.start
            if (
                length > self.limits.statement
                or size + length > self.limits.script
                or statement.string_syntax is StringSyntax.ESCAPE
            ):
                self.left_out += 1
                continue
            size += length
            self.asked += 1
            yield statement


def silent_probe(statement: Statement) -> bytes | None:
    """Return SQL that the server parses without an error exactly if *statement* is good SQL.

    It names nothing that the parser would look up.

    Returns:
        None when there is no such SQL.
    """
    head = statement.head
    if head in _PREPARABLE:
        return _PREPARE + statement.sql
    if head not in _UTILITY or (head == "CREATE" and _creates_from_query(statement)):
        return None
    return statement.sql


def _creates_from_query(statement: Statement) -> bool:
    """Tell whether CREATE TABLE or MATERIALIZED VIEW may have a query, which is analyzed."""
    if not _AS.search(statement.source.sql, statement.start, statement.end):
        return False
    words = statement.words(5)
    if "MATERIALIZED" in words:
        return True
    if "TABLE" not in words:
        return False
    depth = 0
    for token in statement.tokens():
        if depth == 0 and token.word == "AS":
            return True
        depth += {"(": 1, ")": -1}.get(token.text, 0)
    return False


def describe_syntax_error(statement: Statement, failure: ServerMessage) -> str:
    """Return the line of *failure* in the script, its SQLSTATE and what it says.

    Args:
        statement: What was sent, as it stands.
        failure: Its ``position`` counts bytes.
    """
    message = f"{failure.sqlstate} {clip(one_line(failure.message), _MESSAGE_LENGTH)}"
    if failure.position is None:
        differs = (failure.sqlstate, failure.function) == (_SYNTAX_ERROR, _RECEIVER_OF_PARSE)
        note = " (the server and presync cut this statement differently)" if differs else ""
        return f"{statement.line} {message}{note}"
    offset = min(statement.start + failure.position - 1, statement.end)
    question = ""
    if failure.sqlstate == _SYNTAX_ERROR and _begins_another(statement, offset):
        question = " (is a semicolon missing in front of it?)"
    return f"{statement.source.line_at(offset)} {message}{question}"


def _begins_another(statement: Statement, offset: int) -> bool:
    """Tell whether the line at *offset* begins there, with a word that begins a statement."""
    indent = statement.source.sql[statement.start : offset].rpartition(b"\n")
    word = _WORD.match(statement.source.sql, offset)
    is_first = bool(indent[1]) and not indent[2].strip()
    return is_first and word is not None and word[0].decode().upper() in _PREPARABLE | _UTILITY
