"""The errors of migrations that were given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.execution.given_up import GivenUp, failure_of, interruption_of, unknown_of
from hook.core.execution.mending import left_unasked
from hook.core.execution.outside import Outside
from hook.core.execution.script_message import Moment
from hook.core.scripts.callback import Callback
from hook.errors import DatabaseRejected, DatabaseUnreachable, ExitCode, Interrupted
from tests.testbed.given_up_samples import given_up, with_leftovers

STOPPED = Outside(signal_name="SIGTERM")
CALLBACK = Callback("afterEachMigrate", "", "afterEachMigrate.sql", "")


@pytest.mark.parametrize(
    ("last", "code", "message"),
    [
        (given_up("42703"), ExitCode.SQL_FAILED, "V5__add_email.sql:17 42703 it is so"),
        (
            given_up("55P03"),
            ExitCode.CONTENTION,
            "V5__add_email.sql:17 55P03 it is so (2 attempts)",
        ),
        (given_up("57014"), ExitCode.BUDGET, "V5__add_email.sql:17 57014 it is so"),
        (
            given_up("57014", AttemptEnd.OUT_OF_TIME),
            ExitCode.BUDGET,
            "V5__add_email.sql:17 PRESYNC_DEADLINE is used up",
        ),
        (
            given_up("25006"),
            ExitCode.UNREACHABLE,
            "V5__add_email.sql:17 25006 it is so (2 attempts)",
        ),
        (
            given_up("57P01", AttemptEnd.LOST),
            ExitCode.UNREACHABLE,
            "V5__add_email.sql: connection lost in 2 attempts: 57P01 it is so",
        ),
        (
            given_up("", AttemptEnd.LOST),
            ExitCode.UNREACHABLE,
            "V5__add_email.sql: connection lost in 2 attempts",
        ),
        (
            given_up("23503", moment=Moment.COMMIT),
            ExitCode.SQL_FAILED,
            "V5__add_email.sql (COMMIT) 23503 it is so",
        ),
        (
            given_up("22012", moment=Moment.CONFIRMING),
            ExitCode.SQL_FAILED,
            "V5__add_email.sql (its row in the schema history, read back) is not as it was written",
        ),
        (
            given_up("42501", moment=Moment.CONFIRMING),
            ExitCode.SQL_FAILED,
            "V5__add_email.sql (its row in the schema history, read back) 42501 it is so",
        ),
    ],
)
def test_failure_says_place_state_and_message(last: GivenUp, code: ExitCode, message: str) -> None:
    """Each has the code that tells what happened to the database, and a next step."""
    error = failure_of(last)
    assert (error.exit_code, error.message) == (code, message)
    assert error.hint.endswith((".", ")"))
    assert (TRIED_AGAIN in error.hint) is (code is ExitCode.BUDGET)
    assert error.facts["script"] == "V5__add_email.sql"
    assert error.facts["attempts"] == 2


@pytest.mark.parametrize(
    ("moment", "constraint", "code"),
    [
        (Moment.RECORDING, "flyway_schema_history_pk", ExitCode.LOCKED),
        (Moment.RECORDING, "one_row_a_day", ExitCode.SQL_FAILED),
        (Moment.SCRIPT, "flyway_schema_history_pk", ExitCode.SQL_FAILED),
    ],
)
def test_row_of_somebody_else_is_no_fault_of_the_script(
    moment: Moment, constraint: str, code: ExitCode
) -> None:
    """Only the key of the schema history says that its next row is there already."""
    last = given_up("23505", moment=moment)
    assert last.attempt.failure is not None
    failure = last.attempt.failure._replace(constraint=constraint)
    error = failure_of(replace(last, attempt=replace(last.attempt, failure=failure)))
    assert error.exit_code is code
    if code is ExitCode.LOCKED:
        assert error.message == (
            "V5__add_email.sql: row 7 of the schema history was written by somebody else"
            " meanwhile, without the lock"
        )
        assert error.facts["constraint"] == constraint


def test_statement_that_took_too_long_tells_its_limit() -> None:
    """Whoever is to raise it has to know where it stands."""
    hint = failure_of(given_up("57014")).hint
    assert hint.startswith("Raise PRESYNC_STATEMENT_TIMEOUT, or split the migration")


def test_row_that_is_missing_is_no_division() -> None:
    """How it was noticed is nobody's concern; who was rolled back with it is."""
    error = failure_of(replace(given_up("22012", moment=Moment.CONFIRMING), others=2))
    assert error.message.endswith(
        "is not as it was written, and with it 2 other migrations of its group"
    )
    assert "sqlstate" not in error.facts
    assert error.hint.startswith(
        "Find the trigger, rule or policy that keeps row 7 of app.flyway_schema_history away."
    )


def test_facts_leave_out_what_is_not_known() -> None:
    """The report has no empty fields."""
    assert failure_of(given_up("42703")).facts == {
        "script": "V5__add_email.sql",
        "line": 17,
        "statement": "ALTER TABLE t",
        "attempts": 2,
        "sqlstate": "42703",
        "table": "t",
        "checksum": 1,
        "rank": 7,
    }


def test_leftovers_make_it_partial_and_are_named() -> None:
    """Whether a row tells of it decides what to do next."""
    recorded = failure_of(replace(with_leftovers(given_up("23505")), is_recorded=True))
    assert recorded.exit_code is ExitCode.PARTIAL
    assert recorded.message == (
        "V5__add_email.sql:17 23505 it is so;"
        " left behind: everything up to line 4, invalid index i on t"
    )
    assert "remove row 7 of app.flyway_schema_history with `presync repair`" in recorded.hint
    assert recorded.facts["left_behind"] == ["everything up to line 4", "invalid index i on t"]
    unrecorded = failure_of(with_leftovers(given_up("23505")))
    assert unrecorded.message.endswith("invalid index i on t, no row in the schema history")
    assert "add row 7 of app.flyway_schema_history" in unrecorded.hint
    lost = failure_of(with_leftovers(given_up("", AttemptEnd.LOST)))
    assert lost.message.startswith("V5__add_email.sql:17 connection lost; left behind: ")
    late = failure_of(with_leftovers(given_up("57014", AttemptEnd.OUT_OF_TIME)))
    assert late.message.startswith("V5__add_email.sql:17 PRESYNC_DEADLINE is used up; left behind")


def test_finished_objects_stand_in_place_of_their_line() -> None:
    """They are named in message, facts and hint."""
    last = with_leftovers(given_up("42703"))
    attempt = replace(last.attempt, done_objects=("index i1 (line 1)",), left_behind=())
    error = failure_of(replace(last, attempt=attempt, is_recorded=True))
    assert error.message.endswith("; left behind: index i1 (line 1)")
    assert error.facts["left_behind"] == ["index i1 (line 1)"]
    assert error.hint.startswith("Undo by hand index i1 (line 1) and remove row 7")


def test_interruption_says_where_and_what_is_left() -> None:
    """Exit 40 whatever is left, which is named."""
    stopped = replace(given_up("57014", AttemptEnd.INTERRUPTED), outside=STOPPED)
    plain = interruption_of(stopped)
    assert plain.message == "SIGTERM received in V5__add_email.sql:17"
    assert (plain.facts["script"], plain.facts["line"]) == ("V5__add_email.sql", 17)
    left = with_leftovers(stopped)
    error = interruption_of(replace(left, is_recorded=True))
    assert error.exit_code is ExitCode.INTERRUPTED
    assert error.message == (
        "SIGTERM received in V5__add_email.sql:17;"
        " left behind: everything up to line 4, invalid index i on t"
    )
    assert error.hint
    unsent = replace(left, attempt=Attempt(AttemptEnd.INTERRUPTED, 0))
    assert interruption_of(unsent).message == "SIGTERM received before V5__add_email.sql began"


def test_unknown_end_needs_a_human_unless_the_next_run_can_see() -> None:
    """The history row tells the next run of a script in a transaction how it ended."""
    lost = given_up("", AttemptEnd.LOST)
    error = unknown_of(lost, DatabaseUnreachable("nobody answers"))
    assert error.exit_code is ExitCode.PARTIAL
    assert error.message == (
        "V5__add_email.sql:17: connection lost, and whether it was committed is unknown:"
        " nobody answers"
    )
    assert "row 7 of app.flyway_schema_history" in error.hint
    stopped = unknown_of(lost, Interrupted("SIGTERM"))
    assert (
        stopped.message == "SIGTERM received before it was known what became of V5__add_email.sql"
    )
    partial = unknown_of(with_leftovers(lost), Interrupted("SIGTERM"))
    assert partial.exit_code is ExitCode.PARTIAL


def test_what_the_ledger_knows_of_is_left_to_the_next_run() -> None:
    """Where no failed row could be written, and nobody could look."""
    last = with_leftovers(given_up("", AttemptEnd.LOST))
    noted = replace(last, attempt=replace(last.attempt, is_noted=True))
    for error in (failure_of(noted), unknown_of(noted, DatabaseRejected("nobody is let in"))):
        assert error.exit_code is ExitCode.PARTIAL
        assert error.message.endswith("invalid index i on t, no row in the schema history")
        assert error.hint == "Run again: it goes on behind what the ledger says is done."
    assert "by hand" in failure_of(replace(noted, is_recorded=True)).hint
    holding = replace(noted, attempt=replace(noted.attempt, may_hold=True))
    assert failure_of(holding).hint.startswith("Run again: unless the ledger says that the lost")


def test_what_the_ledger_knows_of_is_in_no_doubt_for_the_next_run() -> None:
    """The note is there exactly if the statement took effect; so the reason is all there is."""
    last = given_up("", AttemptEnd.LOST)
    left = replace(last.attempt, left_behind=("what line 17 may have done",), is_noted=True)
    reason = DatabaseUnreachable("nobody answers")
    error = unknown_of(replace(last, attempt=left_unasked(left, reason)), reason)
    assert error.exit_code is ExitCode.UNREACHABLE
    assert error.message == "V5__add_email.sql:17: connection lost; then nobody answers"
    assert left_unasked(left, DatabaseRejected("nobody is let in")) is left
    holding = replace(left, may_hold=True)
    assert left_unasked(holding, reason) is holding
    other = replace(left, is_noted=False)
    assert left_unasked(other, reason) is other


def test_attempt_without_an_answer_says_where_it_was() -> None:
    """Nothing is made up when the server gave no reason."""
    error = failure_of(given_up(""))
    assert error.exit_code is ExitCode.SQL_FAILED
    assert error.message.startswith("V5__add_email.sql:17")
