"""A script as one message, and the way from an error back to its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.execution.script_message import (
    Found,
    Moment,
    Own,
    ScriptMessage,
    compose_messages,
)
from hook.core.sql.statements import parse_statements

BEFORE = (Own(Moment.OPENING, "BEGIN"), Own(Moment.OPENING, "SET LOCAL lock_timeout = 1"))
AFTER = (Own(Moment.RECORDING, "INSERT INTO h VALUES (1)"), Own(Moment.COMMIT, "COMMIT"))
DUMP = (
    "\\restrict k\nSELECT 'é', 1;\n-- gap; gap\nCOPY t FROM stdin;\n1\tä\n\\.\n"
    "/* after */ SELECT '\\restrict', 2;\n\\unrestrict k\nSELECT 3 -- end"
)


def message_of(sql: str) -> ScriptMessage:
    """Return *sql* between statements of ours."""
    return ScriptMessage(parse_statements(sql.encode()), BEFORE, AFTER)


def messages_of(sql: bytes) -> list[ScriptMessage]:
    """Return the messages of *sql* between statements of ours."""
    return list(compose_messages(parse_statements(sql), BEFORE, AFTER))


def found_at(message: ScriptMessage, text: str, index: int = 0) -> tuple[str, int]:
    """Return head and line of the statement in which *text* stands in the message."""
    found = message.find(index, message.encode().index(text.encode()))
    assert found.statement is not None
    return found.statement.text[:8], found.line


def test_message_holds_everything_in_order() -> None:
    """Ours, the script as it stands, ours again; what psql alone understands is cut out."""
    message = message_of(DUMP)
    assert message.encode().decode() == (
        "BEGIN;\nSET LOCAL lock_timeout = 1;\n"
        "SELECT 'é', 1;\n-- gap; gap\nCOPY t FROM stdin\n;\n"
        "SELECT '\\restrict', 2\n;\n"
        "SELECT 3 -- end\n;\n"
        "INSERT INTO h VALUES (1);\nCOMMIT;\n"
    )
    assert message.count == 8


def test_comment_at_the_end_does_not_swallow_what_follows() -> None:
    """The script's last line may be a comment without a line feed."""
    assert b"-- end\n;\n" in message_of("SELECT 1 -- end").encode()


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
    offset = message.encode().index(b"h VALUES")
    assert message.find(3, offset) == Found(Moment.RECORDING)
    assert message.find(0, 1) == Found(Moment.OPENING)
    assert ScriptMessage(message.statements).find(5, None).line == 1


def test_script_without_statements_is_ours_alone() -> None:
    """A file of comments still gets its row."""
    (message,) = messages_of(b"-- nothing")
    assert message.encode() == b"".join(f"{item.sql};\n".encode() for item in (*BEFORE, *AFTER))


def test_script_in_escape_syntax_is_sent_statement_by_statement() -> None:
    """The server reads all strings of a message by the setting it began with."""
    messages = messages_of(b"SET standard_conforming_strings = off;\nSELECT 'it\\'s';\nSELECT 2;")
    assert [item.count for item in messages] == [3, 1, 3]
    assert messages[1].encode() == b"SELECT 'it\\'s'\n;\n"
    assert messages[1].find(0, 7).line == 2


def test_script_of_up_to_a_megabyte_is_one_message() -> None:
    """It costs one round trip with its history row and the COMMIT."""
    (message,) = messages_of(b"SELECT 1;\n" * 99_999)
    assert message.count == 99_999 + 4


def test_long_script_is_cut_between_statements() -> None:
    """Ours come first and last, and what lies between is complete and in order."""
    statement = b"SELECT '%s', %%d;\n" % ("é" * 50_000).encode()
    messages = messages_of(b"".join(statement % number for number in range(25)))
    assert [len(item.statements) for item in messages] == [9, 9, 7]
    assert all(len(item.encode()) < 1_001_000 for item in messages)
    assert [(len(item.before), len(item.after)) for item in messages] == [(2, 0), (0, 0), (0, 2)]
    text = b"".join(item.encode() for item in messages)
    assert [text.count(b", %d\n;\n" % number) + text.count(b", %d;\n" % number)
            for number in range(25)] == [1] * 25  # fmt: skip


def test_error_in_a_later_message_has_the_line_of_the_script() -> None:
    """Statements are counted, and characters too, from the start of the message."""
    sql = b"-- first\n" + b"SELECT\n'%s';\n" % ("ü" * 300_000).encode() * 4
    messages = messages_of(sql)
    assert [len(item.statements) for item in messages] == [1] * 4
    assert messages[0].find(2, None).line == 2
    assert messages[2].find(0, None).line == 6
    assert messages[2].find(0, messages[2].encode().index(b"'")).line == 7
    assert messages[3].find(1, None) == Found(Moment.RECORDING)
    assert messages[3].find(2, None) == Found(Moment.COMMIT)


def test_statement_that_is_longer_than_a_message_goes_alone() -> None:
    """A statement cannot be cut; what stands around it need not wait in memory with it."""
    long = b"SELECT '%s'" % (b"x" * 1_500_000)
    messages = messages_of(b"SELECT 1;\n" + long + b";\nSELECT 2;")
    assert [len(item.statements) for item in messages] == [1, 1, 1]
    assert messages[1].encode() == long + b"\n;\n"
    assert [item.is_most_of_script for item in messages] == [False, True, False]
    assert not any(item.is_most_of_script for item in messages_of((long + b";\n") * 2))


def test_data_of_copy_is_a_view_of_the_script() -> None:
    """It may be nearly all of the script, and is not held a second time."""
    sql = b"COPY t FROM stdin;\n%s\\.\nCOPY u FROM stdin;\n2\n\\.\nSELECT 1" % (b"1\n" * 600_000)
    first, second = messages_of(sql)
    assert [item.nbytes for item in (*first.copies, *second.copies)] == [1_200_000, 2]
    assert first.copies[0].obj is sql
    assert first.encode().endswith(b";\nCOPY t FROM stdin\n;\n")


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
    statements = parse_statements(";\n".join(pieces).encode())
    message = ScriptMessage(statements, BEFORE, AFTER)
    text, offset = message.encode(), 0
    chosen = data.draw(st.integers(0, len(statements) - 1))
    for statement in list(statements)[: chosen + 1]:
        offset = text.index(statement.sql, offset) + 1
    found = message.find(0, offset - 1)
    assert found.statement == statements[chosen]
    assert found.line == statements[chosen].line


def test_syntax_error_in_a_statement_of_ours_is_not_blamed_on_the_script() -> None:
    """Nothing has run yet, and the place is behind the script."""
    message = message_of("SELECT 1")
    offset = message.encode().index(b"INSERT INTO h")
    assert message.find(0, offset) == Found(Moment.OPENING)
