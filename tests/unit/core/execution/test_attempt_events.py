"""What the log is told of an attempt at a migration or a callback: the same of both."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.attempt_events import (
    OF_CALLBACK,
    OF_MIGRATION,
    AnswerEvents,
    Told,
    tell_answers,
    tell_in_the_way,
    tell_retry,
)
from hook.core.execution.query_result import QueryResult
from hook.core.execution.sqlstate import ServerMessage
from hook.core.outcome import failed
from hook.errors import ExitCode

NOTICE = ServerMessage("NOTICE", "00000", "skipping")
WARNING = ServerMessage("WARNING", "01000", "careful", detail="why", hint="Mind it.")


@pytest.mark.parametrize(
    ("names", "kind"), [(OF_MIGRATION, "migration"), (OF_CALLBACK, "callback")]
)
def test_answers_are_told_and_those_that_are_not_kept_are_counted(
    names: AnswerEvents, kind: str
) -> None:
    """A loop cannot flood the log, and nobody takes what is shown for all there was."""
    result = QueryResult(0, ("n",), (("1",),), 1, "SELECT n")
    attempt = Attempt(
        AttemptEnd.APPLIED,
        1,
        notices=(NOTICE, WARNING),
        notices_dropped=7,
        results=(result,),
        results_dropped=3,
    )
    first, second, dropped, row, rows = tell_answers(attempt, names, "V1__x.sql")
    assert first == Told(
        f"{kind}.notice",
        "V1__x.sql: NOTICE skipping",
        {"level": "info", "script": "V1__x.sql", "sqlstate": "00000"},
    )
    assert second.fields == {
        "level": "warning",
        "script": "V1__x.sql",
        "sqlstate": "01000",
        "detail": "why",
        "server_hint": "Mind it.",
    }
    assert dropped == Told(
        f"{kind}.notice",
        "V1__x.sql: 7 more notices are not shown",
        {"script": "V1__x.sql", "dropped": 7},
    )
    assert (row.event, row.message) == (f"{kind}.result", "V1__x.sql: SELECT n: 1 row: n=1")
    assert row.fields["row_count"] == 1
    assert (rows.event, rows.message) == (
        f"{kind}.result",
        "V1__x.sql: 3 more results are not shown",
    )


def test_attempt_without_answers_tells_nothing() -> None:
    """The common one."""
    assert list(tell_answers(Attempt(AttemptEnd.APPLIED, 1), OF_MIGRATION, "V1__x.sql")) == []


def test_retry_says_why() -> None:
    """By what the server said, or that it said nothing any more."""
    failure = ServerMessage("ERROR", "55P03", "lock timeout")
    last = Attempt(AttemptEnd.FAILED, 1, failure=failure)
    assert tell_retry(last, "callback x.sql", "x.sql", 2, 8) == Told(
        "retry.scheduled",
        "callback x.sql: attempt 2 of 8: 55P03 lock timeout",
        {"script": "x.sql", "attempts": 2, "sqlstate": "55P03"},
    )
    assert tell_retry(None, "x.sql", "x.sql", 1, 8).message == (
        "x.sql: attempt 1 of 8: connection lost"
    )


@pytest.mark.parametrize(("is_made", "ending"), [(True, "made all the same"), (False, "withheld")])
def test_whoever_is_in_the_way_of_an_attempt_is_named(*, is_made: bool, ending: str) -> None:
    """With all that is known of him, for machines."""
    found = failed(ExitCode.BLOCKED, "blocker", "pid 7 holds t", "Wait.", pid=7)
    told = tell_in_the_way("attempt 2 of 8", "V1__x.sql", [found], is_made=is_made)
    assert told.message == f"attempt 2 of 8 is {ending}: pid 7 holds t"
    assert told.fields["blockers"] == [{"pid": 7}]
    assert told.fields["is_made"] is is_made
