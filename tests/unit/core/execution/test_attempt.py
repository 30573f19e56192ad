"""What follows from how an attempt ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hook.core.execution.attempt import (
    Attempt,
    AttemptEnd,
    Limits,
    NextStep,
    Place,
    is_row_of,
    judge_attempt,
    progress_after,
    with_toll,
)
from hook.core.execution.progress import Progress
from hook.core.execution.read_only import with_culprit
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.scripts.callback import Callback
from hook.core.sessions.census import Census, Party, Toll
from hook.core.sessions.damage import Damage, Reason, Withdrawal
from hook.core.sessions.damage_budget import DamageBudget
from hook.core.sessions.server import WriteState
from tests.testbed.activity_samples import SELECTING
from tests.testbed.release import migration, row

IN_SCRIPT = Place(Moment.SCRIPT, 3, "SELECT 1")


def ended(end: AttemptEnd, sqlstate: str = "", schema: str = "") -> Attempt:
    """Return an attempt that ended in line 3, with an error of *sqlstate* if one is given."""
    failure = ServerMessage("ERROR", sqlstate, "tuple concurrently updated", schema=schema)
    return Attempt(end, 1, IN_SCRIPT, failure if sqlstate else None)


LOCKED = ended(AttemptEnd.FAILED, "55P03")
READ_ONLY = ended(AttemptEnd.FAILED, "25006")
LOST = ended(AttemptEnd.LOST)
RACE = ended(AttemptEnd.FAILED, "XX000")
WITHDRAWN = ended(AttemptEnd.WITHDRAWN, "57014")
TOLL = Toll(Damage(), DamageBudget(10, 20))
GIVEN_UP = TOLL._replace(withdrawal=Withdrawal(Reason.SHARE, was_waiting=True))


@pytest.mark.parametrize(
    ("attempt", "number", "step"),
    [
        (ended(AttemptEnd.APPLIED), 1, NextStep.DONE),
        (LOCKED, 7, NextStep.RETRY),
        (ended(AttemptEnd.FAILED, "40P01"), 1, NextStep.RETRY),
        (ended(AttemptEnd.FAILED, "40001"), 1, NextStep.RETRY),
        (READ_ONLY, 1, NextStep.RETRY),
        (LOST, 1, NextStep.RETRY),
        (RACE, 2, NextStep.RETRY),
        (RACE, 3, NextStep.GIVE_UP),
        (ended(AttemptEnd.FAILED, "23505", "pg_catalog"), 1, NextStep.RETRY),
        (ended(AttemptEnd.FAILED, "23505", "public"), 1, NextStep.GIVE_UP),
        (ended(AttemptEnd.FAILED, "42601"), 1, NextStep.GIVE_UP),
        (ended(AttemptEnd.FAILED, "57014"), 1, NextStep.GIVE_UP),
        (ended(AttemptEnd.INTERRUPTED, "57014"), 1, NextStep.GIVE_UP),
        (ended(AttemptEnd.OUT_OF_TIME, "57014"), 1, NextStep.GIVE_UP),
        (ended(AttemptEnd.WITHDRAWN, "57014"), 7, NextStep.RETRY),
        (replace(WITHDRAWN, left_behind=("invalid index i",)), 1, NextStep.GIVE_UP),
        (replace(LOCKED, done=2, done_line=2), 1, NextStep.RETRY),
        (replace(LOST, done=2, done_line=2, is_known=True), 1, NextStep.RETRY),
        (replace(LOCKED, left_behind=("invalid index i",)), 1, NextStep.GIVE_UP),
        (replace(READ_ONLY, done=2, done_line=2), 1, NextStep.GIVE_UP),
        (replace(READ_ONLY, done=2, done_line=0), 1, NextStep.RETRY),
        (replace(LOST, done=2, done_line=2), 1, NextStep.GIVE_UP),
    ],
)
def test_only_what_may_succeed_is_tried_again(
    attempt: Attempt, number: int, step: NextStep
) -> None:
    """By SQLSTATE, and never over what was left behind."""
    assert judge_attempt(attempt, number, is_last=False) is step


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (WriteState(takes_writes=True, settled_ms=101), NextStep.GIVE_UP),
        # It was told of other settings since the attempt began.
        (WriteState(takes_writes=True, settled_ms=100), NextStep.RETRY),
        (WriteState(takes_writes=False, settled_ms=101), NextStep.RETRY),
    ],
)
def test_refused_write_is_the_scripts_doing_where_the_server_took_writes_all_along(
    state: WriteState, step: NextStep
) -> None:
    """And then it is not tried again."""
    attempt = with_culprit(READ_ONLY, state, 100)
    assert judge_attempt(attempt, 1, is_last=False) is step
    assert attempt.wants_new_session is (step is NextStep.RETRY)
    assert with_culprit(LOST, state, 100) is LOST


def test_last_attempt_is_the_last() -> None:
    """The ladder ends."""
    assert judge_attempt(LOCKED, 8, is_last=True) is NextStep.GIVE_UP
    assert judge_attempt(ended(AttemptEnd.APPLIED), 8, is_last=True) is NextStep.DONE


@pytest.mark.parametrize(
    ("attempt", "progress"),
    [
        (ended(AttemptEnd.APPLIED), Progress.COMMITTED),
        (Attempt(AttemptEnd.INTERRUPTED, 0), Progress.COMMITTED),
        (Attempt(AttemptEnd.LOST, 0), Progress.COMMITTED),
        (LOST, Progress.UNKNOWN),
        (LOCKED, Progress.ROLLED_BACK),
        (replace(LOCKED, done=1, done_line=1), Progress.UNKNOWN),
        (replace(LOCKED, left_behind=("invalid index i",)), Progress.UNKNOWN),
    ],
)
def test_progress_follows_from_the_attempt(attempt: Attempt, progress: Progress) -> None:
    """An attempt of which nothing was sent changes nothing about what was before."""
    assert progress_after(attempt, Progress.COMMITTED) is progress


def test_place_names_the_line_or_what_was_done() -> None:
    """Whoever reads it opens the file at that line, or knows that no line is to blame."""
    told = [Place(moment, 3).describe("V1__x.sql") for moment in Moment]
    assert told == [
        "V1__x.sql",
        "V1__x.sql (before its first statement)",
        "V1__x.sql (dropping what a failed build left)",
        "V1__x.sql (noting in the ledger how far it is)",
        "V1__x.sql (correcting that note)",
        "V1__x.sql (finishing what an earlier attempt began)",
        "V1__x.sql:3",
        "V1__x.sql (its row in the schema history)",
        "V1__x.sql (its row in the schema history, read back)",
        "V1__x.sql (COMMIT)",
    ]


def test_row_of_a_migration_is_known_by_its_fields() -> None:
    """Version, description and checksum, and that it succeeded."""
    script = migration("V1__x.sql", 7)
    assert is_row_of(row(1, "V1__x.sql", 7), script)
    assert not is_row_of(row(1, "V1__x.sql", 8), script)
    assert not is_row_of(row(1, "V1__x.sql", 7, success=False), script)
    assert is_row_of(row(1, "R__x.sql", 7), migration("R__x.sql", 7))


@pytest.mark.parametrize(
    ("done", "moment", "expected"),
    [
        (2, Moment.RECORDING, True),
        (2, Moment.CONFIRMING, True),
        (2, Moment.SCRIPT, False),
        (0, Moment.RECORDING, False),
    ],
)
def test_attempt_is_complete_that_lacks_its_row_only(
    *, done: int, moment: Moment, expected: bool
) -> None:
    """Of a script without transaction, all of which is settled."""
    attempt = replace(LOST, done=done, place=Place(moment))
    assert attempt.is_complete is expected


@pytest.mark.parametrize(
    ("attempt", "toll", "end"),
    [
        (ended(AttemptEnd.FAILED, "57014"), GIVEN_UP, AttemptEnd.WITHDRAWN),
        (ended(AttemptEnd.FAILED, "57014"), TOLL, AttemptEnd.FAILED),
        (ended(AttemptEnd.FAILED, "57014"), None, AttemptEnd.FAILED),
        (ended(AttemptEnd.FAILED, "55P03"), GIVEN_UP, AttemptEnd.FAILED),
        (ended(AttemptEnd.LOST), GIVEN_UP, AttemptEnd.LOST),
        (ended(AttemptEnd.INTERRUPTED, "57014"), GIVEN_UP, AttemptEnd.INTERRUPTED),
    ],
)
def test_our_own_cancel_is_told_from_others(
    attempt: Attempt, toll: Toll | None, end: AttemptEnd
) -> None:
    """The server says the same of each; and one that came too late changed nothing."""
    told = with_toll(attempt, toll)
    assert (told.end, told.toll) == (end, toll)


def test_attempt_that_has_applied_its_script_has_no_toll() -> None:
    """Nobody asks for it, and it is made for each of thousands of scripts."""
    applied = ended(AttemptEnd.APPLIED)
    assert with_toll(applied, GIVEN_UP) is applied


def test_limits_fit_into_the_settings_of_the_server() -> None:
    """Which are 32-bit numbers of milliseconds: a month is cut to 24 days."""
    limits = Limits.of(timedelta(milliseconds=250), timedelta(days=31), 60)
    assert (limits.lock_timeout_ms, limits.statement_timeout_ms) == (250, 2**31 - 1)


def test_reason_of_another_attempt_is_told() -> None:
    """The server's, or ours if we gave up; who was in the way; a lost connection has no words."""
    lost = Attempt(AttemptEnd.LOST, 1)
    assert lost.why_again() == ("connection lost", {})
    failure = ServerMessage("ERROR", "55P03", "no lock")
    failed = Attempt(AttemptEnd.FAILED, 1, failure=failure)
    assert failed.why_again() == ("55P03 no lock", {"sqlstate": "55P03"})
    census = Census((Party(SELECTING),))
    met = replace(failed, toll=Toll(Damage(), DamageBudget(1, 2), census))
    message, facts = met.why_again()
    assert message.startswith("55P03 no lock; in the way: pid 7 (user app")
    assert facts["blockers"]
    withdrawal = Withdrawal(Reason.SHARE, was_waiting=True, waiting=3)
    given_up = replace(failed, toll=Toll(Damage(), DamageBudget(1, 2), withdrawal=withdrawal))
    assert given_up.why_again()[0] == "given up, as 3 sessions waited behind it"


def test_attempt_that_ended_in_no_statement_ended_in_no_callback() -> None:
    """What is told of its place is then about the transaction."""
    callback = Callback("afterEachMigrate", "", "afterEachMigrate.sql", "")
    in_callback = LOCKED.in_callback(callback)
    assert in_callback.place.callback is callback
    assert LOCKED.in_callback(None) is LOCKED
    at_commit = replace(LOCKED, place=Place(Moment.COMMIT))
    assert at_commit.in_callback(callback) is at_commit
