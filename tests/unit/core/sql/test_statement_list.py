"""Statements as values: places in a source."""

from __future__ import annotations

import pytest

from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.statement_list import Source, Statement, StatementKind
from hook.core.sql.statements import parse_statements, split_statements


def test_source_counts_a_newline_to_the_line_it_ends() -> None:
    """With newlines only they end a line; a carriage return does not."""
    source = Source(b"a\r\nb\rc\n\nd")
    assert [source.line_at(offset) for offset in range(len(source.sql))] == [1] * 3 + [2] * 4 + [
        3,
        4,
    ]


def test_source_without_newlines_has_lines_that_end_in_carriage_returns() -> None:
    """As on computers of long ago, and in an editor."""
    source = Source(b"a\r\rb")
    assert [source.line_at(offset) for offset in range(len(source.sql))] == [1, 1, 2, 3]
    assert [item.line for item in split_statements("select 1;\r-- x\rselect 2")] == [1, 3]
    with pytest.raises(SqlSyntaxError, match=r"^line 2: "):
        split_statements("select 1;\rselect '")


def test_statement_shows_no_source_in_its_repr() -> None:
    """A repr may end up in a log; the source may be long or secret."""
    statement = split_statements("alter role r password 'secret'")[0]
    assert "secret" not in repr(statement)
    assert "secret" not in repr(parse_statements(b"alter role r password 'secret'"))


def test_statement_is_equal_by_place_and_source() -> None:
    """Statements are made anew at each access, and still the same."""
    script = parse_statements(b"select 1; select 1;")
    assert script[0] == script[0]
    assert script[0] != script[1]
    assert script[0] != Statement(Source(b"select 2; select 1;"), 0, 8)
    assert len({script[0], script[0], script[1]}) == 2


def test_head_and_words_are_read_for_matching() -> None:
    """Words are in upper case, quoted names and literals as written."""
    statement = split_statements("create /* c */ \"Index\" concurrently on T (a, 'B')")[0]
    assert statement.head == "CREATE"
    assert statement.words(4) == ("CREATE", '"Index"', "CONCURRENTLY", "ON")
    assert statement.words(99)[-2:] == ("'B'", ")")
    assert split_statements("(select 1)")[0].head == ""


def test_end_line_is_that_of_the_terminator() -> None:
    """An unterminated statement ends with its last character."""
    terminated, last = split_statements("select 1\n\n;\nselect\n2\n\n")
    assert (terminated.line, terminated.end_line) == (1, 3)
    assert (last.line, last.end_line) == (4, 5)


def test_statements_without_a_kind_keep_their_order() -> None:
    """COPY data moves along when statements before it are dropped."""
    script = parse_statements(b"\\restrict x\nselect 1;\ncopy t from stdin;\n1\n\\.\n")
    assert [item.kind for item in script] == [StatementKind.SQL] * 2
    assert [item.copy_data for item in script] == [None, "1\n"]


def test_released_source_is_read_again_when_asked_for() -> None:
    """Its statements do not notice."""
    script = parse_statements(b"select 1; select 2")
    reads: list[int] = []

    def read_again() -> bytes:
        reads.append(1)
        return b"select 1; select 2"

    script.source.release()  # nobody could read it again
    assert script[1].text == "select 2"
    script.source.can_be_read_by(read_again)
    script.source.release()
    assert [item.text for item in script] == ["select 1", "select 2"]
    assert reads == [1]
