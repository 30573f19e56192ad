"""What is told of an index whose build was cut off, with its connection or without."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import ApplyTask, Attempt, AttemptEnd, Limits, Place
from hook.core.execution.contended import Tries
from hook.core.execution.given_up import (
    GivenUp,
    failure_of,
    interruption_of,
    unknown_of,
    without_session,
)
from hook.core.execution.mending import with_doubt
from hook.core.execution.outside import Outside
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.schema_history.history import History
from hook.errors import DatabaseRejected, DatabaseUnreachable, ExitCode, MigrationLocked
from tests.testbed.release import SERVER, migration

STOPPED = Outside(signal_name="SIGTERM")
HISTORY = History("app", "flyway_schema_history", exists=True)
TASK = ApplyTask(migration("V5__i.sql"), HISTORY, 7, SERVER, Limits(100, 1000, 60))
DOUBT = "an invalid index of line 17"
LOST = Attempt(AttemptEnd.LOST, 1, Place(Moment.SCRIPT, 17, "CREATE INDEX"), in_doubt=DOUBT)
INDEX = "invalid index public.i on t"
SEEN = f"; left behind: {INDEX} (the next run mends that)"


def test_build_that_was_lost_every_time_is_nothing_for_a_human() -> None:
    """The index is named, and the next run looks for it."""
    error = failure_of(GivenUp(TASK, LOST, Tries(2)))
    assert error.exit_code is ExitCode.UNREACHABLE
    assert error.message == (
        f"V5__i.sql: connection lost in 2 attempts; maybe left behind: {DOUBT}"
    )
    assert error.hint.endswith("; the next run goes on there.")


def test_stop_after_a_lost_build_names_the_index() -> None:
    """Whether it is there was not found out any more."""
    stopped = interruption_of(GivenUp(TASK, LOST, Tries(1), outside=STOPPED))
    assert stopped.message == (f"SIGTERM received in V5__i.sql:17; maybe left behind: {DOUBT}")


def test_whatever_follows_names_the_index() -> None:
    """The lock is lost, or nobody answers: the next run looks."""
    given_up = GivenUp(TASK, LOST, Tries(1))
    for reason in (MigrationLocked("lost"), DatabaseUnreachable("silence")):
        assert unknown_of(given_up, reason) is reason
        assert with_doubt(reason, LOST).message.endswith(f"; maybe left behind: {DOUBT}")
    unknown = unknown_of(given_up, DatabaseRejected("no"))
    assert unknown.exit_code is ExitCode.PARTIAL


def cut_off(sqlstate: str, end: AttemptEnd) -> GivenUp:
    """Return a build whose index was seen."""
    failure = ServerMessage("ERROR", sqlstate, "it is so")
    attempt = replace(LOST, end=end, failure=failure, in_doubt="", for_next_run=(INDEX,))
    return GivenUp(TASK, attempt, Tries(1))


@pytest.mark.parametrize(
    ("sqlstate", "end", "code"),
    [
        ("57014", AttemptEnd.OUT_OF_TIME, ExitCode.BUDGET),
        ("57014", AttemptEnd.FAILED, ExitCode.BUDGET),
        ("55P03", AttemptEnd.FAILED, ExitCode.CONTENTION),
        ("53100", AttemptEnd.FAILED, ExitCode.SQL_FAILED),
    ],
)
def test_what_the_next_run_mends_needs_no_human(
    sqlstate: str, end: AttemptEnd, code: ExitCode
) -> None:
    """The code is that of what cut the build off, and the index is named."""
    error = failure_of(cut_off(sqlstate, end))
    assert error.exit_code is code
    assert error.message.endswith(SEEN)
    assert error.facts["for_next_run"] == [INDEX]


def test_stop_of_a_build_names_its_index() -> None:
    """So it does where the stop came before the next attempt had begun."""
    given_up = replace(cut_off("57014", AttemptEnd.INTERRUPTED), outside=STOPPED)
    error = interruption_of(given_up)
    assert error.message == f"SIGTERM received in V5__i.sql:17{SEEN}"
    assert error.facts["for_next_run"] == [INDEX]
    unsent = replace(given_up.attempt, place=Place(Moment.UNSENT))
    early = interruption_of(replace(given_up, attempt=unsent))
    assert early.message == f"SIGTERM received before V5__i.sql began{SEEN}"


def test_error_behind_a_refused_write_names_the_statement() -> None:
    """Where no other session was had, nothing else tells of it; of others the attempt does."""
    failure = ServerMessage("ERROR", "25006", "read-only")
    refused = Attempt(AttemptEnd.FAILED, 1, Place(Moment.SCRIPT, 17, "CREATE TABLE c"), failure)
    error = without_session(
        DatabaseUnreachable("nobody writes there"), GivenUp(TASK, refused, Tries(1))
    )
    assert error.message == "V5__i.sql:17 25006 read-only; then nobody writes there"
    assert (error.facts["sqlstate"], error.facts["line"]) == ("25006", 17)
    lost = without_session(MigrationLocked("gone"), GivenUp(TASK, LOST, Tries(1)))
    assert lost.message == f"gone; maybe left behind: {DOUBT}"
