"""Statements whose locks show only when they run."""

from __future__ import annotations

import pytest

from hook.core.sql.statements import parse_statements
from hook.core.sql.unforeseen import describe_unforeseen, unforeseen_locks


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN ALTER TABLE t ADD x int; END $$",
        "do language plpgsql 'BEGIN END'",
        "CALL rebuild()",
        "EXECUTE prepared",
        "SELECT rebuild()",
        'SELECT /* now */ app."Rebuild" (1)',
        "SELECT DISTINCT f(id) FROM t",
        "SELECT * FROM rebuild('t')",
        "SELECT app.now()",
    ],
)
def test_code_that_is_somewhere_else_may_lock_anything(sql: str) -> None:
    """The script names where it is, and nothing of what it does."""
    statements = parse_statements(f"SELECT 1;\n{sql}".encode())
    assert unforeseen_locks("V2__x.sql", statements) == ("V2__x.sql:2",)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD x int",
        "SELECT 1",
        "SELECT * FROM t",
        "SELECT * FROM (SELECT f()) AS s",
        "SELECT DISTINCT ON (id) id FROM t",
        "SELECT id, f(id) FROM t",
        "SELECT set_config('search_path', '', false)",
        "SELECT pg_catalog.setval('s', 1, true)",
        "SELECT COUNT(*) FROM t",
        "SELECT",
    ],
)
def test_what_is_there_to_be_read_is_not_told(sql: str) -> None:
    """What the server ships is known, and what stands further on is left out."""
    assert unforeseen_locks("V2__x.sql", parse_statements(sql.encode())) == ()


def test_many_places_are_told_by_the_first_and_the_last() -> None:
    """A script may call a function a thousand times."""
    statements = parse_statements(b"SELECT f();\n" * 9)
    assert describe_unforeseen(unforeseen_locks("R__x.sql", statements)) == (
        "what R__x.sql:1 … R__x.sql:9 may lock shows only at run time"
    )
