"""A script as one message, and the way from an error back to its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.script_message import (
    Found,
    Moment,
    Own,
    ScriptMessage,
    compose_message,
    compose_messages,
)
from hook.core.statements import parse_statements

BEFORE = (Own(Moment.OPENING, "BEGIN"), Own(Moment.OPENING, "SET LOCAL lock_timeout = 1"))
AFTER = (Own(Moment.RECORDING, "INSERT INTO h VALUES (1)"), Own(Moment.COMMIT, "COMMIT"))
DUMP = (
    "\\restrict k\nSELECT 'é', 1;\n-- gap; gap\nCOPY t FROM stdin;\n1\tä\n\\.\n"
    "/* after */ SELECT '\\restrict', 2;\n\\unrestrict k\nSELECT 3 -- end"
)


def message_of(sql: str) -> ScriptMessage:
    """Return *sql* between statements of ours."""
    return compose_message(parse_statements(sql), BEFORE, AFTER)


def found_at(message: ScriptMessage, text: str, index: int = 0) -> tuple[str, int]:
    """Return head and line of the statement in which *text* stands in the message."""
    position = message.data.decode().index(text) + 1
    found = message.find(index, position)
    assert found.statement is not None
    return found.statement.text[:8], found.line


def test_message_holds_everything_in_order() -> None:
    """Ours, the script as it stands, ours again; what psql alone understands is cut out."""
    message = message_of(DUMP)
    assert message.data.decode() == (
        "BEGIN;\nSET LOCAL lock_timeout = 1;\n"
        "SELECT 'é', 1;\n-- gap; gap\nCOPY t FROM stdin\n;\n"
        "SELECT '\\restrict', 2\n;\n"
        "SELECT 3 -- end\n;\n"
        "INSERT INTO h VALUES (1);\nCOMMIT;\n"
    )
    assert message.count == 8


def test_comment_at_the_end_does_not_swallow_what_follows() -> None:
    """The script's last line may be a comment without a line feed."""
    assert b"-- end\n;\n" in message_of("SELECT 1 -- end").data


@pytest.mark.parametrize(
    ("text", "head", "line"),
    [
        ("'é'", "SELECT '", 2),
        ("1;\n--", "SELECT '", 2),
        ("COPY", "COPY t F", 4),
        ("2\n;", "SELECT '", 7),
        ("3 -- end", "SELECT 3", 9),
    ],
)
def test_position_leads_to_statement_and_line(text: str, head: str, line: int) -> None:
    """Whatever was cut out in front, and however wide the characters are."""
    assert found_at(message_of(DUMP), text) == (head, line)


def test_position_within_a_statement_of_many_lines_has_its_own_line() -> None:
    """Not the first line of the statement."""
    assert found_at(message_of("SELECT 1;\nSELECT\n 'ß',\n  x;"), "x\n") == ("SELECT\n ", 4)


def test_error_without_a_position_belongs_to_the_statement_that_ran() -> None:
    """Its number in the message tells which one."""
    message = message_of("SELECT 1;\n\nSELECT 2;")
    moments = [message.find(index, None) for index in range(message.count)]
    assert [item.moment for item in moments] == [
        Moment.OPENING,
        Moment.OPENING,
        Moment.SCRIPT,
        Moment.SCRIPT,
        Moment.RECORDING,
        Moment.COMMIT,
    ]
    assert [item.line for item in moments] == [0, 0, 1, 3, 0, 0]


def test_error_in_a_statement_of_ours_has_no_line() -> None:
    """A position in the row's INSERT is none of the script."""
    message = message_of("SELECT 1;")
    position = message.data.index(b"h VALUES") + 1
    assert message.find(3, position) == Found(Moment.RECORDING)
    assert message.find(0, 2) == Found(Moment.OPENING)
    assert compose_message(message.statements).find(5, None).line == 1


def test_script_without_statements_is_ours_alone() -> None:
    """A file of comments still gets its row."""
    assert message_of("-- nothing").data == b"".join(
        f"{item.sql};\n".encode() for item in (*BEFORE, *AFTER)
    )


def test_script_in_escape_syntax_is_sent_statement_by_statement() -> None:
    """The server reads all strings of a message by the setting it began with."""
    sql = "SET standard_conforming_strings = off;\nSELECT 'it\\'s';\nSELECT 2;"
    messages = compose_messages(parse_statements(sql), BEFORE, AFTER)
    assert [item.count for item in messages] == [2, 1, 1, 1, 2]
    assert messages[2].data == b"SELECT 'it\\'s'\n;\n"
    assert messages[2].find(0, 8).line == 2


def test_character_of_a_byte() -> None:
    """A server without an encoding counts bytes."""
    message = compose_message(parse_statements("SELECT 'éé', x"))
    assert message.character(message.data.index(b"x") + 1) == len("SELECT 'éé', ") + 1


PIECES = [
    "SELECT 'é'",
    "SELECT\n1",
    "COPY t FROM stdin;\na\n\\.\nSELECT 0",
    "-- c\nSELECT 2",
    "DO $$;$$",
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.data())
def test_every_position_finds_its_statement(pieces: list[str], data: st.DataObject) -> None:
    """The start of any statement in the message leads back to the same statement."""
    statements = parse_statements(";\n".join(pieces))
    message = compose_message(statements, BEFORE, AFTER)
    text, position = message.data.decode(), 0
    chosen = data.draw(st.integers(0, len(statements) - 1))
    for statement in list(statements)[: chosen + 1]:
        position = text.index(statement.text, position) + 1
    found = message.find(0, position)
    assert found.statement == statements[chosen]
    assert found.line == statements[chosen].line
