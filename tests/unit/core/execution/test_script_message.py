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


def test_data_of_copy_is_a_view_of_the_script() -> None:
    """It may be nearly all of the script, and is not held a second time."""
    sql = b"COPY t FROM stdin;\n%s\\.\nCOPY u FROM stdin;\n2\n\\.\nSELECT 1" % (b"1\n" * 600_000)
    message = ScriptMessage(parse_statements(sql), BEFORE, AFTER)
    assert [item.nbytes for item in message.copies] == [1_200_000, 2]
    assert message.copies[0].obj is sql
    assert b";\nCOPY t FROM stdin\n;\nCOPY u FROM stdin\n;\n" in message.encode()
    assert not message.is_most_of_script


def test_large_message_that_is_most_of_its_script_lets_it_go() -> None:
    """It would be in memory once more than libpq has it; of a small one that is no matter."""
    long = b"SELECT '%s'" % (b"x" * 1_500_000)
    script = parse_statements(b"SELECT 1;\n" + long + b";\nSELECT 2;")
    shares = [ScriptMessage(script[at : at + 1]).is_most_of_script for at in range(3)]
    assert shares == [False, True, False]
    assert not ScriptMessage(parse_statements((long + b";\n") * 2)[:1]).is_most_of_script
    assert not ScriptMessage(parse_statements(b"SELECT 1")).is_most_of_script


def test_position_counts_in_the_whole_message() -> None:
    """The server looks at all of it before it begins."""
    message = message_of("SELECT 1; SELECT 2")
    assert message.sent_with(0) == message.sent_with(3) == message.encode()


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
