"""A migration that was given up, for tests of what is said then."""

from __future__ import annotations

from dataclasses import replace

from hook.core.execution.attempt import ApplyTask, Attempt, AttemptEnd, Limits, Place
from hook.core.execution.contended import Tries
from hook.core.execution.given_up import GivenUp
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.schema_history.history import History
from tests.testbed.release import SERVER, migration

HISTORY = History("app", "flyway_schema_history", exists=True)
TASK = ApplyTask(migration("V5__add_email.sql"), HISTORY, 7, SERVER, Limits(100, 1000, 60))
PLACE = Place(Moment.SCRIPT, 17, "ALTER TABLE t")


def given_up(
    sqlstate: str, end: AttemptEnd = AttemptEnd.FAILED, moment: Moment = Moment.SCRIPT
) -> GivenUp:
    """Return a migration given up after two attempts."""
    failure = ServerMessage("ERROR", sqlstate, "it is so", hint="Perhaps not.", table="t")
    place = replace(PLACE, moment=moment)
    return GivenUp(TASK, Attempt(end, 1, place, failure if sqlstate else None), Tries(2))


def with_leftovers(last: GivenUp) -> GivenUp:
    """Return *last* as that of a script without transaction which left work behind."""
    attempt = replace(last.attempt, done=3, done_line=4, left_behind=("invalid index i on t",))
    return replace(last, attempt=attempt)
