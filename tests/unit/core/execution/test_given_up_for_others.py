"""The errors of migrations that were given up, and who was in their way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import AttemptEnd
from hook.core.execution.contended import Tries
from hook.core.execution.given_up import GivenUp, failure_of
from hook.core.outcome import failed
from hook.core.sessions.census import Census, Party, Stand, Toll
from hook.core.sessions.damage import Damage, Reason, Withdrawal
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import ExitCode
from tests.testbed.activity_samples import SELECTING
from tests.testbed.given_up_samples import given_up, with_leftovers

HOLDER = Party(SELECTING, (Stand("relation", "AccessShareLock", is_granted=True, relation="t"),))
NAMED = "; in the way: pid 7 (user app, web, client 10.0.0.3) active for 8s"


def withdrawn(reason: Reason, *, was_waiting: bool) -> GivenUp:
    """Return a migration that was given up for others."""
    last = given_up("57014", AttemptEnd.WITHDRAWN)
    census = Census((HOLDER,) if was_waiting else (), (HOLDER._replace(row=SELECTING),))
    withdrawal = Withdrawal(reason, was_waiting, 12, "connection lost")
    toll = Toll(Damage(10, 20), DamageBudget(10, 20), census, withdrawal)
    return replace(last, attempt=replace(last.attempt, toll=toll))


def test_wait_given_up_for_others_is_contention() -> None:
    """Somebody was in the way, and may be gone the next time."""
    error = failure_of(withdrawn(Reason.SHARE, was_waiting=True))
    assert error.exit_code is ExitCode.CONTENTION
    assert error.message.startswith(
        "V5__add_email.sql:17 given up, as 12 sessions waited behind it (2 attempts)" + NAMED
    )
    assert "; waiting: pid 7 (user app, web" in error.message
    assert "pg_terminate_backend(7)" in error.hint
    assert error.facts["given_up_for"] == "share of waiting sessions"
    assert error.facts["blockers"] == [HOLDER.facts()]


def test_locks_held_too_long_are_a_budget() -> None:
    """Nobody was in the way, and trying again does the same harm."""
    error = failure_of(withdrawn(Reason.RUN, was_waiting=False))
    assert error.exit_code is ExitCode.BUDGET
    assert "in the way" not in error.message
    assert "PRESYNC_DAMAGE_BUDGET" in error.hint


def test_lost_sight_names_the_override() -> None:
    """What took the sight is told, and how to go on without it."""
    error = failure_of(withdrawn(Reason.SIGHT, was_waiting=False))
    assert error.exit_code is ExitCode.CONTENTION
    assert "as nobody could see who waits: connection lost" in error.message
    assert "PRESYNC_DAMAGE_BUDGET=off" in error.hint


def test_leftovers_of_a_migration_given_up_are_partial() -> None:
    """A human has to look, whatever the reason was."""
    error = failure_of(with_leftovers(withdrawn(Reason.SHARE, was_waiting=True)))
    assert error.exit_code is ExitCode.PARTIAL
    assert "given up, as 12 sessions waited behind it; left behind: " in error.message


BLOCKER = failed(ExitCode.BLOCKED, "blocker-lock", "pid 9 holds t", "End 9.", pid=9)
STILL = "; still in the way: pid 9 holds t"


@pytest.mark.parametrize(
    "last", [given_up("55P03"), withdrawn(Reason.SHARE, was_waiting=True)], ids=["own", "others"]
)
def test_withheld_attempts_name_who_was_in_the_way(last: GivenUp) -> None:
    """As found at the end; whom the last attempt met may be gone."""
    error = failure_of(replace(last, tries=Tries(2, 3, (BLOCKER,))))
    assert error.exit_code is ExitCode.CONTENTION
    assert error.message.endswith(f" (2 attempts, 3 more withheld){STILL}")
    assert error.hint == "End 9."
    assert error.facts["withheld"] == 3
    assert error.facts["still_in_the_way"] == [{"pid": 9}]


def test_who_is_in_the_way_is_told_where_no_watcher_saw_more() -> None:
    """The last attempt's own census is newer than the look before it."""
    last = replace(given_up("55P03"), tries=Tries(2, 0, (BLOCKER,)))
    assert failure_of(last).message.endswith(f"(2 attempts){STILL}")
    toll = Toll(Damage(), DamageBudget(10, 20), Census((HOLDER,)))
    seen = failure_of(replace(last, attempt=replace(last.attempt, toll=toll)))
    assert NAMED in seen.message
    assert STILL not in seen.message


def test_lock_timeout_names_who_was_in_the_way() -> None:
    """As far as anybody was seen."""
    last = given_up("55P03")
    toll = Toll(Damage(), DamageBudget(10, 20), Census((HOLDER,)))
    seen = failure_of(replace(last, attempt=replace(last.attempt, toll=toll)))
    assert seen.message.startswith("V5__add_email.sql:17 55P03 it is so (2 attempts)" + NAMED)
    assert "pg_terminate_backend(7)" in seen.hint
    unseen = toll._replace(census=Census())
    nobody = failure_of(replace(last, attempt=replace(last.attempt, toll=unseen)))
    assert nobody.message == failure_of(last).message
    assert nobody.hint == failure_of(last).hint
    wrong = given_up("42703")
    facts = failure_of(replace(wrong, attempt=replace(wrong.attempt, toll=toll))).facts
    assert facts == failure_of(wrong).facts
