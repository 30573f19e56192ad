"""Where psql would read a variable of its own, and where a colon is only a colon."""

from __future__ import annotations

import pytest

from hook.core.sql.psql_variables import psql_references
from hook.core.sql.statements import cut_statements


def marked(sql: str) -> str:
    """Return *sql* with a backslash in front of each colon that was found."""
    text, done, pieces = sql.encode(), 0, []
    for colon in psql_references(cut_statements(text)):
        pieces.append(text[done:colon])
        done = colon
    return b"\\".join((*pieces, text[done:])).decode()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a[1:PORT]", "SELECT a[1\\:PORT]"),
        ('SELECT a[1:"PORT"]', 'SELECT a[1\\:"PORT"]'),
        ("SELECT a[b::int:c]; SELECT a[x:größe]", "SELECT a[b::int\\:c]; SELECT a[x\\:größe]"),
        ("SELECT :'a', :{?a}, a[:_1]", "SELECT \\:'a', \\:{?a}, a[\\:_1]"),
        (
            "CREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT a[1:n]; END",
            "CREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT a[1\\:n]; END",
        ),
        ("SELECT ':a', a[1:b] -- :c", "SELECT ':a', a[1\\:b] -- :c"),
    ],
)
def test_reference_is_found(sql: str, expected: str) -> None:
    """Whatever the name is: anybody may have set it."""
    assert marked(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT a::text, b::"char", a[1:2], a[:], f(a := b), a[1: n]',
        "SELECT ':a', E':b', \":c\", $$ :d $$, $x$ :'e' $x$ /* :f */ -- :g",
        "SELECT 1; -- :a\n/* :b */ SELECT 2 /* :c */; -- :d",
        "-- :a\nSELECT 1",
        """INSERT INTO t VALUES ('{"a":"b"}')""",
        "-- :a",
        "",
    ],
)
def test_other_colon_is_left_alone(sql: str) -> None:
    """Quotes, comments, casts and numbers are none of psql's business."""
    assert marked(sql) == sql
