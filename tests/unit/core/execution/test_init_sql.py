"""What of FLYWAY_INIT_SQL is said again."""

from __future__ import annotations

import pytest

from hook.core.execution.init_sql import Piece, pieces_of, replayed_statements


@pytest.mark.parametrize(
    "text",
    [
        "SET ROLE app",
        "set session app.mode to 'a;b'",
        "SET SESSION AUTHORIZATION app",
        "RESET lock_timeout",
        "SELECT set_config('app.mode', 'x', false)",
        "SELECT app.init()",
        "DO $$ BEGIN PERFORM set_config('app.mode', 'x', false); END $$",
        "CALL app.init()",
    ],
)
def test_what_may_set_something_is_said_again(text: str) -> None:
    """A function may set what RESET ALL undoes."""
    assert replayed_statements(f"{text};") == (f"{text}\n",)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TEMP TABLE t (i int)",
        "INSERT INTO logins VALUES (1)",
        "PREPARE p AS SELECT 1",
        "LISTEN x",
        "SET LOCAL app.mode = 'x'",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "BEGIN",
        "COMMIT",
        "-- nothing",
        "",
    ],
)
def test_what_lasts_is_not_done_twice(text: str) -> None:
    """The session keeps what RESET ALL does not undo."""
    assert replayed_statements(text) == ()


def test_statements_stay_in_order_and_comments_cannot_swallow_the_next() -> None:
    """They are joined with semicolons."""
    text = "SET a.a = 1;\nCREATE TEMP TABLE t ();\nSELECT 2 -- two"
    first, second = replayed_statements(text)
    assert first == "SET a.a = 1\n"
    assert second.startswith("SELECT 2")
    assert second.endswith("\n")


@pytest.mark.parametrize(
    "sql",
    [
        "SET a.a = 1; INSERT INTO logins VALUES (1); SELECT 2",
        "BEGIN; INSERT INTO logins VALUES (1); COMMIT",
        "DO $$ BEGIN PERFORM 1; END $$; SET a.a = 1",
        "SELECT 'not closed",
        "",
    ],
)
def test_text_that_fits_into_a_transaction_is_one_message(sql: str) -> None:
    """It happens as a whole or not at all; what cannot be cut is left to the server."""
    assert pieces_of(sql) == (Piece(sql),)


@pytest.mark.parametrize(
    "last",
    [
        "VACUUM",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
        "COMMIT",
        "CALL tidy()",
        "DO $$ BEGIN COMMIT; END $$",
    ],
)
def test_text_with_what_refuses_a_transaction_is_sent_by_statement(last: str) -> None:
    """With the place of each in the whole."""
    first = "SET a.a =\n 1"
    assert pieces_of(f"{first};\n-- tidy up\n{last};") == (Piece(first), Piece(last, 1, 3))
