"""Scripts that say they are not in UTF-8."""

from __future__ import annotations

import pytest

from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.statements import parse_statements, split_statements


@pytest.mark.parametrize(
    ("sql", "encoding"),
    [
        ("SET client_encoding = 'LATIN1'", "LATIN1"),
        ("set local Client_Encoding to sql_ascii", "SQL_ASCII"),
        ("SET SESSION \"client_encoding\" TO 'WIN1252'", "WIN1252"),
        ("SET NAMES 'EUC_JP'", "EUC_JP"),
        ("SELECT pg_catalog.set_config('client_encoding', 'latin1', false)", "latin1"),
    ],
)
def test_other_encoding_is_refused_with_its_line(sql: str, encoding: str) -> None:
    """Scripts are decoded before they are sent; the server must not do it once more."""
    with pytest.raises(SqlSyntaxError) as caught:
        parse_statements(f"SELECT 1;\n{sql};\n".encode())
    problem = f"client_encoding set to {encoding}, but scripts are sent in UTF8"
    assert (caught.value.line, caught.value.problem) == (2, problem)
    assert len(split_statements(sql)) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SET client_encoding = 'UTF8'",
        "SET client_encoding TO unicode",
        "SET client_encoding TO DEFAULT",
        "SET NAMES 'utf-8'",
        "RESET client_encoding",
        "SELECT set_config('client_encoding', 'UTF-8', true)",
        "COMMENT ON TABLE names IS 'SET client_encoding = ''LATIN1''; SET NAMES ''x'''",
        "-- SET client_encoding = 'LATIN1'",
        "COPY names FROM stdin;\nclient_encoding\n\\.\n",
    ],
)
def test_utf_8_and_mere_mentions_are_accepted(sql: str) -> None:
    """pg_dump writes such a line into every dump."""
    parse_statements(sql.encode())
