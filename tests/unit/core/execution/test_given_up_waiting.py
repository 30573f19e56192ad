"""Whom a migration waited for that was given up, in words."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import ApplyTask, Attempt, AttemptEnd, Limits, Place
from hook.core.execution.contended import Tries
from hook.core.execution.given_up import GivenUp, failure_of
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.schema_history.history import History
from hook.core.sessions.census import Census, Party, Stand, Toll
from hook.core.sessions.damage import Damage
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import ExitCode
from tests.testbed.activity_samples import SELECTING
from tests.testbed.release import SERVER, migration

HISTORY = History("app", "flyway_schema_history", exists=True)
TASK = ApplyTask(migration("V5__add_email.sql"), HISTORY, 7, SERVER, Limits(100, 1000, 60))
PLACE = Place(Moment.SCRIPT, 17, "ALTER TABLE t")
HELD = Stand("relation", "AccessShareLock", is_granted=True, relation="t")
HOLDER = Party(SELECTING, (HELD,))


def given_up(sqlstate: str, census: Census | None, end: AttemptEnd = AttemptEnd.FAILED) -> GivenUp:
    """Return a migration given up in a wait of which *census* tells, none if nobody watched."""
    failure = ServerMessage("ERROR", sqlstate, "it is so")
    toll = None
    if census is not None:
        toll = Toll(Damage(), DamageBudget(10, 20), census, is_waiting=census.accuses)
    return GivenUp(TASK, Attempt(end, 1, PLACE, failure, toll=toll), Tries(2))


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (AttemptEnd.OUT_OF_TIME, "PRESYNC_DEADLINE is used up"),
        (AttemptEnd.FAILED, "57014 it is so"),
    ],
)
def test_end_of_the_time_names_whom_it_has_met_waiting(end: AttemptEnd, told: str) -> None:
    """What took the time may be somebody else, at the deadline as at the statement's own limit."""
    error = failure_of(given_up("57014", Census((HOLDER,)), end))
    assert error.message.startswith(f"V5__add_email.sql:17 {told}, waiting for pid 7 ")
    assert error.exit_code is ExitCode.BUDGET


@pytest.mark.parametrize("end", [AttemptEnd.OUT_OF_TIME, AttemptEnd.FAILED])
def test_end_of_the_time_in_a_wait_leads_to_who_took_it(end: AttemptEnd) -> None:
    """A higher limit is no remedy for somebody who sits in a transaction."""
    limit = "DEADLINE" if end is AttemptEnd.OUT_OF_TIME else "STATEMENT_TIMEOUT"
    hint = failure_of(given_up("57014", Census((HOLDER,)), end)).hint
    assert hint.startswith("Try again when they have ended, or end them")
    assert f": SELECT pg_terminate_backend(7); Otherwise raise PRESYNC_{limit}, or split" in hint
    hint = failure_of(given_up("57014", Census(), end)).hint
    assert hint.startswith(f"Raise PRESYNC_{limit}, or split")


@pytest.mark.parametrize(
    ("sqlstate", "end"),
    [
        ("57014", AttemptEnd.OUT_OF_TIME),
        ("57014", AttemptEnd.FAILED),
        ("55P03", AttemptEnd.FAILED),
    ],
)
def test_wait_that_nobody_could_look_at_is_told_as_unknown(sqlstate: str, end: AttemptEnd) -> None:
    """That nobody is named is no sign that nobody was there."""
    error = failure_of(given_up(sqlstate, Census(unseen="too many clients"), end))
    assert error.message == (
        f"{failure_of(given_up(sqlstate, None, end)).message}; whom it waited for could not be"
        " found out: too many clients"
    )


def test_lock_that_nobody_looked_at_is_not_promised_to_be_named() -> None:
    """The gate knows what scripts name; what a DO block locks it cannot tell beforehand."""
    error = failure_of(given_up("55P03", None))
    assert error.exit_code is ExitCode.CONTENTION
    assert error.hint.endswith("names those that lock a relation which the script names.")
