"""Lines of errors that have no position."""

from __future__ import annotations

import pytest

from hook.core.execution.failure_line import failure_line
from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.statements import parse_statements

COPY = "SELECT 1;\nCOPY t, u FROM stdin;\n1\n2\n3\n\\.\n"
DO = "SELECT 1;\nDO LANGUAGE 'plpgsql' $x$\nBEGIN\n  PERFORM f();\nEND\n$x$;\nSELECT 2;"
INNER = 'PL/pgSQL function f() line 9 at RAISE\nSQL statement "SELECT f()"\n'


@pytest.mark.parametrize(
    ("sql", "context", "line"),
    [
        (COPY, 'COPY t, line 2, column id: "2"', 4),
        (COPY, "COPY t, Zeile 3", 5),
        (COPY, 'COPY t, u, line 1: "1"', 3),
        (COPY, INNER + "COPY t, line 2", 4),
        (COPY, "COPY t, line 99", 2),
        (COPY, "COPY t", 2),
        (DO, "PL/pgSQL function inline_code_block line 3 at PERFORM", 4),
        (DO, "PL/pgSQL-Funktion inline_code_block Zeile 3 bei PERFORM", 4),
        (DO, INNER + "PL/pgSQL function inline_code_block line 3 at PERFORM", 4),
        (DO, "PL/pgSQL function inline_code_block line 99 at PERFORM", 2),
        (DO, "", 2),
        ("SELECT 1;\nSELECT\nf();", INNER, 2),
    ],
)
def test_failure_line_is_that_of_the_context(sql: str, context: str, line: int) -> None:
    """The outermost number that lies in the statement counts, in any language."""
    statement = parse_statements(sql.encode())[1]
    failure = ServerMessage("ERROR", "P0001", "no", context=context)
    assert failure_line(statement, failure) == line


def test_failure_line_of_a_do_without_body() -> None:
    """A DO that the server refuses is not looked into."""
    (statement,) = parse_statements(b"DO x")
    failure = ServerMessage("ERROR", "42601", "no", context="inline_code_block line 1")
    assert failure_line(statement, failure) == 1
