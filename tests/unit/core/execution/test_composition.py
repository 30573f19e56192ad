"""In what a script is sent: messages, and a stream for what is long."""

from __future__ import annotations

import pytest

from hook.core.execution.composition import compose_messages, compose_readable
from hook.core.execution.script_message import Found, Moment, Own, ScriptMessage
from hook.core.execution.statement_stream import Sendable, StatementStream
from hook.core.sql.statements import parse_statements

BEFORE = (Own(Moment.OPENING, "BEGIN"), Own(Moment.OPENING, "SET LOCAL lock_timeout = 1"))
AFTER = (Own(Moment.RECORDING, "INSERT INTO h VALUES (1)"), Own(Moment.COMMIT, "COMMIT"))
SHORT = b"SELECT 1;\n"
# A megabyte, and what is more than any message but one of its own.
BIG = b"SELECT '%s';\n" % (b"x" * 999_980)
HUGE = b"SELECT '%s';\n" % (b"x" * 4_000_001)
COPY = b"COPY t FROM stdin;\n%s\\.\n"


def sent_of(sql: bytes) -> list[Sendable]:
    """Return in what *sql* is sent between statements of ours."""
    return list(compose_messages(parse_statements(sql), BEFORE, AFTER))


def shape_of(sql: bytes) -> list[tuple[str, int]]:
    """Return how *sql* is sent: kind and number of the script's statements."""
    kinds = {ScriptMessage: "message", StatementStream: "stream"}
    return [(kinds[type(item)], len(item.statements)) for item in sent_of(sql)]


def test_script_without_statements_is_ours_alone() -> None:
    """A file of comments still gets its row."""
    (message,) = sent_of(b"-- nothing")
    assert isinstance(message, ScriptMessage)
    assert message.encode() == b"".join(f"{item.sql};\n".encode() for item in (*BEFORE, *AFTER))


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        (SHORT * 9_999, [("message", 9_999)]),
        (BIG * 4, [("message", 4)]),
        (BIG * 5, [("message", 4), ("message", 1)]),
        (BIG * 8, [("message", 4), ("message", 4)]),
        (BIG * 9, [("stream", 5), ("message", 4)]),
        (BIG * 20 + SHORT, [("stream", 16), ("message", 5)]),
        (SHORT + HUGE + SHORT, [("message", 3)]),
        (HUGE * 2, [("message", 1), ("message", 1)]),
        (BIG * 9 + HUGE + SHORT, [("stream", 9), ("message", 2)]),
    ],
    ids=["tiny", "4 MB", "5 MB", "8 MB", "9 MB", "20 MB", "a huge one", "two", "huge at last"],
)
def test_script_is_sent_in_two_parts_at_most(sql: bytes, shape: list[tuple[str, int]]) -> None:
    """One message, two, or a stream and a message: each is one round trip."""
    assert shape_of(sql) == shape


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        (SHORT + COPY % (b"1\n" * 4_000_000) + SHORT, [("message", 3)]),
        (COPY % b"" * 50 + BIG, [("message", 51)]),
        (BIG * 9 + COPY % b"1\n" + BIG * 9,
         [("stream", 9), ("message", 5), ("message", 4), ("message", 1)]),
        (b"copy t TO STDOUT;" + BIG * 9, [("message", 5), ("message", 4), ("message", 1)]),
        (BIG * 9 + HUGE + BIG * 9,
         [("stream", 9), ("message", 5), ("message", 4), ("message", 1)]),
    ],
    ids=["long data", "many", "amid", "to us", "a huge statement"],
)  # fmt: skip
def test_what_no_stream_can_have_goes_in_messages(sql: bytes, shape: list[tuple[str, int]]) -> None:
    """Data of COPY does not count: nobody holds it."""
    assert shape_of(sql) == shape


def test_ours_come_first_and_last() -> None:
    """What lies between is complete and in order."""
    sql = b"".join(BIG.replace(b"x", b"%d" % at, 1) for at in range(9))
    stream, message = sent_of(sql)
    assert isinstance(stream, StatementStream)
    assert isinstance(message, ScriptMessage)
    assert (stream.before, message.before, message.after) == (BEFORE, (), AFTER)
    texts = list(stream.texts())
    assert texts[:2] == [b"BEGIN", b"SET LOCAL lock_timeout = 1"]
    text = b";\n".join(texts[2:]) + b";\n" + message.encode()
    assert text.startswith(sql[:-2])
    assert text.endswith(b"COMMIT;\n")


def test_script_that_changes_its_string_syntax_is_a_stream() -> None:
    """The server would read all strings of a message by the setting it began with."""
    sql = b"SET standard_conforming_strings = off;\nSELECT 'it\\'s';\nSELECT 2;"
    stream, message = sent_of(sql)
    assert isinstance(stream, StatementStream)
    assert list(stream.texts())[2:] == [
        b"SET standard_conforming_strings = off", b"SELECT 'it\\'s'", b"SELECT 2",
    ]  # fmt: skip
    assert stream.find(3, 7).line == 2
    assert (len(message.statements), message.count) == (0, len(AFTER))


def test_copy_in_a_script_that_changes_its_string_syntax_goes_alone() -> None:
    """As the setting stands when it is sent, so it is read."""
    sql = b"SET standard_conforming_strings = off;\nSELECT 1;\n" + COPY % b"1\n" + SHORT * 2
    assert shape_of(sql) == [("stream", 2), ("message", 1), ("stream", 2), ("message", 0)]


def test_nothing_is_sent_behind_a_stream_when_nothing_is_left() -> None:
    """A callback within the transaction of a script has no row of its own."""
    sql = b"SET standard_conforming_strings = off;\nSELECT 1;"
    (stream,) = compose_messages(parse_statements(sql), (), ())
    assert isinstance(stream, StatementStream)


def test_whoever_reads_it_gets_messages_with_the_comments() -> None:
    """Statement by statement only where the syntax of strings may change."""
    sql = b"-- one\n" + BIG * 5 + b"-- two\n" + BIG * 5
    messages = list(compose_readable(parse_statements(sql), BEFORE, AFTER))
    assert [len(item.statements) for item in messages] == [4, 4, 2]
    assert b"-- two" in messages[1].encode()
    assert [(item.before, item.after) for item in messages[1:]] == [((), ()), ((), AFTER)]
    sql = b"SET standard_conforming_strings = off;\nSELECT 'it\\'s';\nSELECT 2;"
    messages = list(compose_readable(parse_statements(sql), BEFORE, AFTER))
    assert [item.count for item in messages] == [3, 1, 3]
    (message,) = compose_readable(parse_statements(b"-- nothing"), BEFORE, AFTER)
    assert message.count == 4


def test_error_in_a_later_message_has_the_line_of_the_script() -> None:
    """Statements are counted, and characters too, from the start of the message."""
    sql = b"-- first\n" + b"SELECT\n'%s';\n" % ("ü" * 2_000_000).encode() * 3
    messages = sent_of(sql)
    assert [len(item.statements) for item in messages] == [1] * 3
    first, second, third = messages
    assert first.find(2, None).line == 2
    assert second.find(0, None).line == 4
    assert second.find(0, second.sent_with(0).index(b"'")).line == 5
    assert third.find(1, None) == Found(Moment.RECORDING)
    assert third.find(2, None) == Found(Moment.COMMIT)
