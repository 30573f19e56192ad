"""Names and values as SQL text."""

from __future__ import annotations

import pytest

from hook.core.sql.sql_text import (
    printable_literal,
    qualified_name,
    quote_identifier,
    quote_literal,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "NULL"),
        ("", "''"),
        ("it's", "'it''s'"),
        ("a\\b", "E'a\\\\b'"),
        ("\\'", "E'\\\\'''"),
        ("50% $1 {x}", "'50% $1 {x}'"),
    ],
)
def test_literal_means_the_same_under_every_setting(text: str | None, expected: str) -> None:
    """A backslash makes it an escape string."""
    assert quote_literal(text) == expected


def test_identifier_keeps_case_and_quotes() -> None:
    """A quote inside a name is doubled."""
    assert quote_identifier('my"Table') == '"my""Table"'
    assert qualified_name("a.b", "c") == '"a.b"."c"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it's", "'it''s'"),
        ("a\\b", r"E'a\\b'"),
        ("a\nb", r"E'a\U0000000ab'"),
        ("it's\t\\n é", r"E'it''s\U00000009\\n é'"),
        ("\u2028", r"E'\U00002028'"),
    ],
)
def test_printable_literal_is_one_line(text: str, expected: str) -> None:
    """An operator copies it from a log, where a newline would be shown as something else."""
    assert printable_literal(text) == expected
