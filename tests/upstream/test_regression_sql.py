"""PostgreSQL's own regression tests, cut by presync as by psql and by the server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta

import pytest

from hook.clock import Bounds, Interrupt
from hook.core.sql.lexer import StringSyntax
from hook.core.sql.statement_list import Statement
from hook.postgres.connecting import connect
from hook.postgres.session import Session
from hook.postgres.syntax import find_syntax_errors
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database
from tests.testbed.run_context import target_of
from tests.upstream.cutting import Cutting, compare, is_one_of, known_differences
from tests.upstream.recording_server import running_recording_server
from tests.upstream.regression_sql import load_regression_scripts, without_commands
from tests.upstream.server_parser import parser_errors

# One worker cuts everything once.
pytestmark = pytest.mark.xdist_group("regression-sql")

LEAST_SCRIPTS = 350
LEAST_STATEMENTS = 45_000
LEAST_AGREEMENT = 0.999


@pytest.fixture(scope="module")
def cuttings(binaries: Binaries) -> list[Cutting]:
    """Return what psql and presync make of each script."""
    psql = binaries.folder / "psql"
    assert psql.exists(), f"{psql} is missing"
    with running_recording_server() as server:
        return [
            compare(script, server.queries_of(psql, script.text))
            for script in load_regression_scripts()
        ]


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Return a session of presync's own."""
    interrupt, minute = Interrupt(), timedelta(seconds=60)
    with connect(target_of(database), "test", "r1", Bounds(interrupt), minute) as opened:
        yield opened
    interrupt.close()


def test_regression_sql_is_cut_as_psql_cuts_it(cuttings: list[Cutting]) -> None:
    """Every statement that differs is known, and they are few."""
    total = sum(len(item.sent) for item in cuttings)
    disputed = sum(item.disputed for item in cuttings)
    assert len(cuttings) >= LEAST_SCRIPTS
    assert total >= LEAST_STATEMENTS
    assert total - disputed >= LEAST_AGREEMENT * total
    found = {place for item in cuttings for place in item.differences}
    assert found == known_differences().keys()


def test_server_parses_what_presync_has_cut(cuttings: list[Cutting], database: Database) -> None:
    """No text is several statements or part of one; what the server refuses, psql sent too.

    The regression tests hold syntax errors on purpose, so a refusal alone proves nothing.
    """
    known = {text for place in known_differences() for text in place.presync}
    wrong = []
    with database.connect() as connection:
        for cutting, syntax in itertools.product(cuttings, StringSyntax):
            sent = frozenset(cutting.sent) | known
            errors = parser_errors(connection, _in(syntax, cutting), syntax)
            wrong += [
                error
                for error in errors
                if error.is_several or not is_one_of(error.statement, sent)
            ]
    assert not wrong


def test_syntax_check_finds_what_the_server_refuses(
    cuttings: list[Cutting], database: Database, session: Session
) -> None:
    """Asking first what leaves no trace in the server's log loses no syntax error."""
    statements = [item for cutting in cuttings for item in _in(StringSyntax.STANDARD, cutting)]
    found = find_syntax_errors(session, statements, lambda: None)
    with database.connect() as connection:
        errors = parser_errors(connection, statements, StringSyntax.STANDARD)
    assert [statement for statement, _ in found] == [error.statement for error in errors]


def test_commands_of_psql_are_taken_out() -> None:
    """What ends a query becomes a semicolon, what stands between queries goes."""
    script = (
        "\\set x 1\nselect 1 as a \\gset\nselect 2 \\; select 3;\n\\copy t from stdin\n\\N\n\\.\n"
    )
    left = "\nselect 1 as a ;\nselect 2 ; select 3;\ncopy t from stdin;\n\\N\n\\.\n"
    assert without_commands(script) == left


def _in(syntax: StringSyntax, cutting: Cutting) -> list[Statement]:
    return [item for item in cutting.statements if item.string_syntax is syntax]
