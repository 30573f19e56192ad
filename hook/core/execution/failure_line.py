"""The line of a script that an error at run time belongs to.

Such an error has no position, only the context of what was running. The text of a
context is translated, but its numbers stay; a number that leads out of the statement
is not believed. Nothing but a line in a message hangs on it.
"""

from __future__ import annotations

import re

from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.lexer import TokenKind
from hook.core.sql.statement_list import Statement

# The name that PL/pgSQL gives to the body of a DO, and the line within.
_BLOCK = re.compile(r"\binline_code_block\b\D+(\d+)")
# "COPY t, line 2, column id": the first number behind a comma.
_COPY = re.compile(r"^COPY .*?, [^\d,]*(\d+)", re.MULTILINE)


def failure_line(statement: Statement, failure: ServerMessage) -> int:
    """Return the 1-based line of the script, that of *statement* when nothing tells more."""
    source = statement.source
    if statement.copy is not None:
        numbers = _COPY.findall(failure.context)
        first, last = source.line_at(statement.copy.start), source.line_at(statement.copy.end)
    elif statement.head == "DO":
        numbers = _BLOCK.findall(failure.context)
        first, last = _body_line(statement), statement.end_line
    else:
        return statement.line
    # The outermost level of the context is the script's own, and comes last.
    line = first + int(numbers[-1]) - 1 if numbers else 0
    return line if first <= line <= last else statement.line


def _body_line(do: Statement) -> int:
    """Return the line in which the body of *do* begins; the other string is the language."""
    strings = [token for token in do.tokens() if token.kind is TokenKind.STRING]
    body = max(strings, key=lambda token: token.end - token.start, default=None)
    return do.line if body is None else do.source.line_at(body.start)
