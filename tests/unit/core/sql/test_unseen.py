"""What statements may keep in a session without the server telling of it."""

from __future__ import annotations

import pytest

from hook.core.sql.statements import parse_statements
from hook.core.sql.unseen import kept_unseen


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DO $$BEGIN SET app.tenant = 1; END$$", "SET app."),
        ('DO $$BEGIN SET SESSION "app".tenant = 1; END$$', 'SET SESSION "app".'),
        ("DO $$BEGIN SET LOCAL app.tenant = 1; END$$", ""),
        ("DO $$BEGIN EXECUTE format('SET %I.x = 1', 'a'); END$$", "SET %"),
        ("DO $$BEGIN EXECUTE 'SET ' || x; END$$", "SET '"),
        ("DO $$BEGIN EXECUTE 'LOAD ''age'''; END$$", "LOAD '"),
        ("DO $$BEGIN EXECUTE 'ALTER ROLE x SET a.b = 1'; END$$", "ALTER ROLE"),
        ("CREATE EXTENSION dblink", "CREATE EXTENSION"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plperl AS '1'", "LANGUAGE plperl"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS ''", ""),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE C AS 'f'", "LANGUAGE C"),
        ("UPDATE t SET a = 1", ""),
        ("DO $$BEGIN UPDATE t\nSET\na . b = 1; END$$", "SET\\na ."),
    ],
)
def test_words_that_keep_something_unseen_are_found(sql: str, what: str) -> None:
    """Wherever they stand: what PL/pgSQL puts together is text."""
    (statement,) = parse_statements(sql.encode())
    assert kept_unseen(statement) == what
