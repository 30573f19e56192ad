"""What is told of an index whose build was lost with its connection."""

from __future__ import annotations

from hook.core.attempt import ApplyTask, Attempt, AttemptEnd, Limits, Place
from hook.core.given_up import GivenUp, failure_of, interruption_of, with_doubt
from hook.core.history import History
from hook.core.script_message import Moment
from hook.errors import ExitCode, MigrationLocked
from tests.testbed.release import SERVER, migration

HISTORY = History("app", "flyway_schema_history", exists=True)
TASK = ApplyTask(migration("V5__i.sql"), HISTORY, 7, SERVER, Limits(100, 1000, 60))
DOUBT = "an invalid index of line 17"
LOST = Attempt(AttemptEnd.LOST, 1, Place(Moment.SCRIPT, 17, "CREATE INDEX"), in_doubt=DOUBT)


def test_build_that_was_lost_every_time_is_nothing_for_a_human() -> None:
    """The index is named, and the next run looks for it."""
    error = failure_of(GivenUp(TASK, LOST, 2))
    assert error.exit_code is ExitCode.UNREACHABLE
    assert error.message == (
        f"V5__i.sql: connection lost in 2 attempts; maybe left behind: {DOUBT}"
    )
    assert error.hint.endswith("; the next run looks for what it has left.")


def test_stop_after_a_lost_build_names_the_index() -> None:
    """Whether it is there was not found out any more."""
    stopped = interruption_of(GivenUp(TASK, LOST, 1), "SIGTERM")
    assert stopped.message == (f"SIGTERM received in V5__i.sql:17; maybe left behind: {DOUBT}")


def test_loss_of_the_lock_names_the_index() -> None:
    """Every other error tells of something else."""
    assert with_doubt(MigrationLocked("lost"), LOST).message == (
        f"lost; maybe left behind: {DOUBT}"
    )
    other = failure_of(GivenUp(TASK, LOST, 2))
    assert with_doubt(other, LOST) is other
