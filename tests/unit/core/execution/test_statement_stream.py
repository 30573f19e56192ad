"""Statements one by one, and the way from an error back to its line."""

from __future__ import annotations

import pytest

from hook.core.execution.script_message import Found, Moment, Own
from hook.core.execution.sqlstate import ServerMessage, is_transient
from hook.core.execution.statement_stream import StatementStream
from hook.core.sql.statements import parse_statements

BEFORE = (Own(Moment.OPENING, "BEGIN"), Own(Moment.OPENING, "SET LOCAL lock_timeout = 1"))
UNBOUND = ServerMessage(
    "ERROR", "08P01", "bind message supplies 0 parameters, but prepared statement …"
)


def stream_of(sql: str) -> StatementStream:
    """Return the statements of *sql* behind statements of ours."""
    return StatementStream(parse_statements(sql.encode()), BEFORE)


def test_each_statement_is_sent_by_itself() -> None:
    """Without its semicolon, the comments around it, and what psql alone understands."""
    stream = stream_of("\\restrict k\nSELECT 'é'; -- a\n/* b */ SELECT\n2\n")
    texts = [b"BEGIN", b"SET LOCAL lock_timeout = 1", "SELECT 'é'".encode(), b"SELECT\n2"]
    assert list(stream.texts()) == texts
    assert [stream.sent_with(index) for index in range(stream.count)] == texts
    assert stream.sent_with(stream.count) == texts[-1]


def test_error_belongs_to_the_statement_that_did_not_finish() -> None:
    """Its place is counted from the start of that one."""
    stream = stream_of("SELECT 1;\n\nSELECT\n  x;\nSELECT 2;")
    assert [stream.find(index, None).line for index in range(2, 5)] == [1, 3, 5]
    assert stream.find(3, 9).line == 4
    assert stream.find(3, 1000).line == 4
    assert stream.find(0, 3) == Found(Moment.OPENING)


def test_error_behind_all_statements_belongs_to_the_last() -> None:
    """Such as a connection that is lost before the answer to all of it came."""
    assert stream_of("SELECT 1;\nSELECT 2").find(4, None).line == 2


@pytest.mark.parametrize("sqlstate", ["08P01", "42P18", "42P08"])
def test_parameter_is_refused_as_in_a_message(sqlstate: str) -> None:
    """There is none, and never will be; nothing is wrong with the connection."""
    stream = stream_of("SELECT 'ü $2',\n $7, $8")
    failure = stream.as_in_message(2, UNBOUND._replace(sqlstate=sqlstate))
    assert (failure.sqlstate, failure.message) == ("42P02", "there is no parameter $7")
    assert failure.position == len("SELECT 'ü $2',\n ") + 1
    assert not is_transient(failure)


def test_other_errors_stay_as_they_are() -> None:
    """Also those with such a code that are not about a parameter."""
    missing = ServerMessage("ERROR", "42P01", "no table")
    assert stream_of("SELECT $1").as_in_message(2, missing) is missing
    assert stream_of("SELECT '$1'").as_in_message(2, UNBOUND) is UNBOUND
    assert stream_of("SELECT $1").as_in_message(0, UNBOUND) is UNBOUND
