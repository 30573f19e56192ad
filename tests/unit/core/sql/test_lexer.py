"""Tokens: where each one ends, and that none is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.sql.lexer import (
    SqlSyntaxError,
    StringSyntax,
    TokenKind,
    lexemes,
    skip_unremarkable,
    token_at,
    tokens,
)
from hook.core.sql.lines import line_of

STANDARD = StringSyntax.STANDARD
ESCAPE = StringSyntax.ESCAPE
# Pieces that open, close and continue each other's constructs when put side by side.
PIECES = [
    *"'\"$\\;()-/*.:,eEuUnNbBxX&_1a+@ \t\r\n\v",
    *("--", "/*", "*/", "''", '""', "$$", "$a$", "E'", "U&'", 'U&"', "::", "1.", "..", "\\'"),
    *("select", "é", "\u00a0", "end"),
]
sql_texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def texts(sql: str, syntax: StringSyntax = STANDARD) -> list[str]:
    """Return the texts of the tokens of *sql*."""
    data = sql.encode()
    return [token.text for token in tokens(data, 0, len(data), syntax)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a$$b c", ["a$$b", "c"]),
        ("$1$$x$$", ["$1", "$$x$$"]),
        ("$1a$$ b", ["$1a$$", "b"]),
        ("1$$;$$", ["1", "$$;$$"]),
        ("$a$x$b$a$ $", ["$a$x$b$a$", "$"]),
        ("$a$ $$ $ab$a$", ["$a$ $$ $ab$a$"]),
        ("$é1$;$é1$", ["$é1$;$é1$"]),
        ("$1a b$c", ["$1a", "b$c"]),
        ("1..2 .5 1.e5 1e+7 1.5e", ["1", "..", "2", ".5", "1.e5", "1e+7", "1.5e"]),
        ("0x1F 1_000 0b11 1e'x'", ["0x1F", "1_000", "0b11", "1e", "'x'"]),
        ("1.e'\\'", ["1.e", "'\\'"]),
        ("a::b :c d := 1", ["a", "::", "b", ":", "c", "d", ":=", "1"]),
        ("@--x\n-", ["@", "-"]),
        ("5*/*;/*n*/*/2 </**/>", ["5", "*", "2", "<", ">"]),
        ("a #>> 'b' ?| c", ["a", "#>>", "'b'", "?|", "c"]),
        ('"a""b" U&"c;""d" u & "e"', ['"a""b"', 'U&"c;""d"', "u", "&", '"e"']),
        ("x'1f' B'01' n'a' Ue'\\' f'b'", ["x'1f'", "B'01'", "n'a'", "Ue", "'\\'", "f", "'b'"]),
        ("a\u00a0b \uff1b", ["a\u00a0b", "\uff1b"]),
    ],
)
def test_tokens_end_where_the_server_ends_them(sql: str, expected: list[str]) -> None:
    """Dollars, numbers, operators and prefixes are cut as in scan.l."""
    assert texts(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("'it''s' 'b'", ["'it''s'", "'b'"]),
        ("'a'\n'b'", ["'a'\n'b'"]),
        ("'a' -- c\r\n\n -- d\n\t'b' 'c'", ["'a' -- c\r\n\n -- d\n\t'b'", "'c'"]),
        ("'a' /* c */\n'b'", ["'a'", "'b'"]),
        ("'a' -- c", ["'a'"]),
        ("'a'\n-- c", ["'a'"]),
        ("'a'\n - 'b'", ["'a'", "-", "'b'"]),
        ("E'a\\'b''c'", ["E'a\\'b''c'"]),
        ("e'a'\n'\\';b'", ["e'a'\n'\\';b'"]),
        ("e'\\\\' 1", ["e'\\\\'", "1"]),
        ("'a\\' 1", ["'a\\'", "1"]),
        ("U&'a\\' UESCAPE '!'", ["U&'a\\'", "UESCAPE", "'!'"]),
        ("b'1'\n'0'", ["b'1'\n'0'"]),
    ],
)
def test_strings_go_on_behind_doubled_quotes_and_newlines(sql: str, expected: list[str]) -> None:
    """A continued string keeps its kind, comments between its parts included."""
    assert texts(sql) == expected


def test_escape_syntax_lets_a_backslash_escape_in_plain_strings_only() -> None:
    """With standard_conforming_strings off '…' and n'…' have escapes, other kinds as ever."""
    assert texts("'a\\'b' n'\\'' U&'c\\' x'\\' 1", ESCAPE) == [
        *("'a\\'b'", "n'\\''", "U&'c\\'", "x'\\'", "1")
    ]


@pytest.mark.parametrize(
    ("opening", "problem"),
    [
        ("'a''", "unterminated quoted string"),
        ("e'a\\'", "unterminated quoted string"),
        ("e'a\\", "unterminated quoted string"),
        ("U&'a", "unterminated quoted string"),
        ("n'", "unterminated quoted string"),
        ("'a'\n'b", "unterminated quoted string"),
        ("b'1", "unterminated bit string literal"),
        ('"a""', "unterminated quoted identifier"),
        ('U&"a', "unterminated quoted identifier"),
        ("$a$ $b$ $$", "unterminated dollar-quoted string"),
        ("/* /* */", "unterminated /* comment"),
    ],
)
def test_unterminated_constructs_are_named_with_the_line_they_begin_on(
    opening: str, problem: str
) -> None:
    """The line is that of the opening, not of the end of the file."""
    with pytest.raises(SqlSyntaxError, match=r"^line 2: ") as caught:
        texts(f"select 1\n, {opening}\n\n")
    assert (caught.value.line, caught.value.problem) == (2, problem)


def test_word_is_a_keyword_only_for_unquoted_ascii() -> None:
    """Words compare in upper case; quoted, other and non-ASCII tokens never pass for one."""
    found = list(tokens("Index \"Index\" 'x' ; d\u0131sc +".encode(), 0, 27, STANDARD))
    assert [token.word for token in found] == ["INDEX", "", "", ";", "", ""]


@pytest.mark.parametrize("letters", [62, 63, 64, 65, 10_000])
def test_word_of_any_length_is_in_upper_case(letters: int) -> None:
    """Only short ones are remembered."""
    for last, word in (("x", "X"), ("\u0131", "")):
        text = ("a" * letters + last).encode()
        found = token_at(text, 0, STANDARD)
        assert found.word == (word and "A" * letters + word)


def test_token_at_the_end_is_an_error() -> None:
    """Nothing starts behind the last character."""
    with pytest.raises(IndexError):
        token_at(b"a", 1, STANDARD)


def test_lexemes_keep_spaces_and_comments() -> None:
    """A reader of comments sees what the tokens leave out."""
    kinds = [token.kind for token in lexemes(b"a /*b*/ --c", 0, 11, STANDARD)]
    space, comment = TokenKind.SPACE, TokenKind.COMMENT
    assert kinds == [TokenKind.WORD, space, comment, space, comment]


@given(sql_texts, st.sampled_from(StringSyntax))
def test_lexemes_put_together_are_the_text(sql: str, syntax: StringSyntax) -> None:
    """No character is lost or read twice, whatever the text."""
    data, pieces, unclosed = sql.encode(), [""], 0
    try:
        pieces.extend(token.text for token in lexemes(data, 0, len(data), syntax))
    except SqlSyntaxError as error:
        unclosed = error.line
    whole = "".join(pieces)
    assert sql.startswith(whole)
    assert (whole == sql) is (unclosed == 0)
    assert unclosed <= line_of(data, len(data))


@given(sql_texts, st.sampled_from(StringSyntax))
def test_skipping_stops_only_between_tokens(sql: str, syntax: StringSyntax) -> None:
    """The fast path and the tokens agree on every boundary, in both string syntaxes."""
    data = sql.encode()
    try:
        found = list(lexemes(data, 0, len(data), syntax))
    except SqlSyntaxError:
        return
    starts = {token.start for token in found} | {len(data)}
    for start in starts:
        stop = skip_unremarkable(data, start)
        assert stop in starts
        skipped = {token.text for token in found if start <= token.start < stop}
        assert skipped.isdisjoint({";", "(", ")", "\\"})


@pytest.mark.parametrize(
    "sql",
    [
        "select '" + "''" * 300_000 + "'",
        "select e'" + "\\'" * 300_000 + "'",
        'select "' + '""' * 100_000 + '"',
        "select 'a'" + "\n" * 300_000,
        "select 'a'" + "\n-- c" * 100_000 + "\n'b'",
        "select 'a' " + "-- " * 200_000,
        "select " + "/*" * 100_000 + "*/" * 100_000,
        "select " + "+" * 300_000,
        "select 1" + "_1" * 300_000,
        "select $a$" + "$a" * 300_000 + "$a$",
        "select 'a" + "\\" * 300_000 + "'",
    ],
    ids=lambda sql: repr(sql[7:20]),
)
def test_hostile_repetition_is_read_in_few_tokens(sql: str) -> None:
    """Repetition that makes naive patterns backtrack without end is read straight through."""
    assert len("".join(texts(sql))) <= len(sql)
    data, position = sql.encode(), 0
    for _ in range(20_000):
        position = skip_unremarkable(data, position)
        if position == len(data):
            break
        position = token_at(data, position, STANDARD).end
    assert position == len(data)
