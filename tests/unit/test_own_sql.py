"""presync's own SQL means the same under every search path."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from hook.core.sql.lexer import StringSyntax, Token, TokenKind, tokens
from tests.testbed.process import ROOT

FILES = sorted((ROOT / "hook").rglob("*.sql"))
# What the grammar itself resolves, in pg_catalog, and names of a query's own.
GRAMMAR = frozenset(
    {
        *("ALL", "AND", "ANY", "ARRAY", "AS", "COALESCE", "EXISTS", "EXTRACT", "FROM", "LEDGER"),
        *(
            "LATERAL",
            "MATERIALIZED",
            "NOT",
            "ON",
            "OPERATOR",
            "OR",
            "SELECT",
            "TREE",
            "VALUES",
            "VARCHAR",
        ),
        *("WANTED", "WHERE", "X"),
    }
)
TYPES = frozenset({"INT", "BIGINT", "BOOLEAN", "DOUBLE", "INTERVAL", "TIMESTAMP"})
# They look up an operator by its bare name, and nothing can be written to prevent it.
HIDDEN_LOOKUPS = frozenset(
    {"IN", "LIKE", "ILIKE", "SIMILAR", "BETWEEN", "DISTINCT", "NULLIF", "USING"}
)
# SELECT *, a negative number, a parameter.
NO_OPERATORS = (("SELECT", "*"), ("(", "*"), ("-", "1"), ("%", "S"))
CATALOG = ("PG_CATALOG", ".")


def _tokens(text: str) -> list[Token]:
    return list(tokens(text.encode(), 0, len(text.encode()), StringSyntax.STANDARD))


def _is_none(words: list[str], at: int) -> bool:
    """Tell whether the operator sign *at* is none: an assignment of UPDATE, or a pair above."""
    if words[at] == "=" and "SET" in words[:at] and "WHERE" not in words[:at]:
        return True
    return any(pair in NO_OPERATORS for pair in pairwise(words[max(at - 1, 0) : at + 2]))


def unqualified(text: str) -> list[str]:
    """Return what in the query *text* would be looked up along the search path."""
    found: list[str] = []
    read = _tokens(text)
    words = [token.word or token.text.upper() for token in read]
    for at, token in enumerate(read):
        before = tuple(words[max(at - 2, 0) : at])
        following = words[at + 1] if at + 1 < len(words) else ""
        is_name = token.kind is TokenKind.WORD
        is_looked_up = (
            (is_name and following == "(" and words[at] not in GRAMMAR)
            or (is_name and words[at].startswith("PG_") and words[at] != "PG_CATALOG")
            or (before[1:] == ("::",) and words[at] not in TYPES | {"PG_CATALOG"})
            or (token.kind is TokenKind.OPERATOR and not _is_none(words, at))
            # CASE x WHEN y compares with the bare operator.
            or (words[at] == "CASE" and following != "WHEN")
        )
        if (is_looked_up and before != CATALOG) or words[at] in HIDDEN_LOOKUPS:
            found.append(token.text)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_query_names_nothing_that_a_schema_could_shadow(file: Path) -> None:
    """Neither functions, operators and types nor the catalog's tables."""
    assert unqualified(file.read_text()) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT count(*) FROM pg_class", ["count", "pg_class"]),
        ("SELECT a = 1, b IN ('x'), c IS DISTINCT FROM d", ["=", "IN", "DISTINCT"]),
        ("SELECT CASE a WHEN 1 THEN 2 END, CASE WHEN a THEN 1 END", ["CASE"]),
        ("SELECT now()::text, 1::int, 2 - x, 2 * 1", ["now", "text", "-", "*"]),
        ("SELECT pg_catalog.now()::pg_catalog.text, a OPERATOR(pg_catalog.=) 1", []),
    ],
)
def test_unqualified_names_are_seen(text: str, names: list[str]) -> None:
    """The check above can fail."""
    assert unqualified(text) == names
