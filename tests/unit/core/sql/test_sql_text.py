"""Names and values as SQL text."""

from __future__ import annotations

import pytest

from hook.core.sql.sql_text import qualified_name, quote_identifier, quote_literal


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
