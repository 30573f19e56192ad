"""Reading a statement word by word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.core.sql.lexer import StringSyntax, Token, tokens
from hook.core.sql.token_cursor import TokenCursor, read_option


def cursor(sql: str) -> TokenCursor:
    """Return a cursor at the start of *sql*."""
    return TokenCursor(tokens(sql.encode(), 0, len(sql), StringSyntax.STANDARD))


def test_cursor_reads_no_further_than_asked() -> None:
    """The head of a long statement costs no more than that of a short one."""
    read: list[str] = []

    def recorded() -> Iterator[Token]:
        for token in tokens(b"insert into t values (1)", 0, 24, StringSyntax.STANDARD):
            read.append(token.text)
            yield token

    reader = TokenCursor(recorded())
    assert reader.accept("INSERT", "INTO")
    assert reader.name() == "t"
    assert read == ["insert", "into", "t", "values"]


def test_accept_takes_all_words_or_none() -> None:
    """A prefix that does not go on is left where it is."""
    reader = cursor("if exists t")
    assert not reader.accept("IF", "NOT", "EXISTS")
    assert reader.accept("IF", "EXISTS")
    assert reader.accept_any("A", "B") == ""
    assert reader.accept_any("T") == "T"
    assert (reader.peek(), reader.take(), reader.word()) == (None, None, "")


def test_seek_passes_over_parentheses() -> None:
    """A word inside of a group is not the one that is looked for."""
    reader = cursor("create trigger t (a on b) on c")
    assert reader.seek("ON", "TO") == "ON"
    assert reader.name() == "c"
    assert reader.seek("ON") == ""


def test_group_is_what_the_parentheses_hold() -> None:
    """Nested groups are part of it; without one nothing is taken."""
    reader = cursor("(a, (b)) c")
    assert [token.text for token in reader.group()] == ["a", ",", "(", "b", ")"]
    assert reader.group() == ()
    assert reader.word() == "C"
    assert [token.text for token in cursor("(a").group()] == []


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("t", "t"),
        ('S . /* c */ "T t" x', 'S."T t"'),
        ('U&"d\\0061t\\+000061\\\\" x', '"data\\"'),
        ("a.", "a"),
        ("a.b.c", "a.b.c"),
        ("a.b.c.d", ""),
        ('a.""', ""),
        ("(a)", ""),
        ("'a'", ""),
    ],
)
def test_name_is_fit_for_to_regclass(sql: str, name: str) -> None:
    """Quotes are kept, gaps and Unicode escapes are not."""
    assert cursor(sql).name() == name


def test_names_take_only_stars_and_columns_along() -> None:
    """A list of relations as in TRUNCATE, VACUUM and LOCK."""
    reader = cursor('a, only b.c *, "d" (x, y), only (e) restart')
    assert reader.names() == ["a", "b.c", '"d"']
    assert reader.word() == "RESTART"


def test_names_behind_a_word_are_found_at_any_depth() -> None:
    """REFERENCES stands inside of the parentheses of CREATE TABLE."""
    assert cursor("(a int references r, b int) references s.t (x)").names_behind("REFERENCES") == [
        *("r", "s.t")
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", None),
        ("(verbose)", None),
        ("(full)", True),
        ("(verbose, full on, analyze)", True),
        ("(full off)", False),
        ("(full = false)", False),
        ("(full 'off')", False),
        ("(full 0)", False),
        ("(full off, full)", True),
        ("(index_cleanup full)", None),
    ],
)
def test_option_is_read_as_the_server_reads_booleans(options: str, expected: object) -> None:
    """Without a value it is on, and the last one counts."""
    assert read_option(cursor(options).group(), "FULL") is expected
