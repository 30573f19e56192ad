"""A question that the server did not answer in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.sessions.census import Census, Party, Stand
from hook.core.sessions.unanswered import lock_not_had, unanswered
from hook.errors import ExitCode, LockContention
from tests.testbed.activity_samples import SELECTING

IDLE = SELECTING._replace(state="idle in transaction", state_age=timedelta(seconds=35))
HOLDER = Party(IDLE, (Stand("relation", "AccessExclusiveLock", is_granted=True, relation="h"),))
WHO = (
    "pid 7 (user app, web, client 10.0.0.3) idle in transaction for 35s, transaction open for 8s,"
    " holds AccessExclusiveLock on h"
)


@pytest.mark.parametrize(
    ("census", "unknown", "hint"),
    [
        (None, "", "Find who locks the table that is read, or why the server hangs."),
        (Census(), "", "Find why the server hangs; no session is in the way of the query."),
        (
            Census(unseen="too many clients"),
            "; whom it waited for could not be found out: too many clients",
            "Find who locks the table that is read, or why the server hangs.",
        ),
    ],
)
def test_silence_for_no_known_reason_is_worth_another_attempt(
    census: Census | None, unknown: str, hint: str
) -> None:
    """Nobody looked, nobody was seen in the way, or nobody could look: nobody is accused."""
    error = unanswered("u@h/d", 60, census)
    assert error.message == f"u@h/d: no answer to a query within 1m{unknown}"
    assert (error.exit_code, error.facts, error.hint) == (ExitCode.UNREACHABLE, {}, hint)


def test_silence_until_the_deadline_names_it() -> None:
    """What it was spent on is told as well."""
    error = unanswered("u@h/d", 3, Census(), "PRESYNC_DEADLINE")
    assert error.message == "PRESYNC_DEADLINE is used up: u@h/d: no answer to a query within 3s"
    assert error.exit_code is ExitCode.BUDGET


@pytest.mark.parametrize(
    ("used_up", "code", "head"),
    [
        ("", ExitCode.CONTENTION, ""),
        ("PRESYNC_DEADLINE", ExitCode.BUDGET, "PRESYNC_DEADLINE is used up: "),
    ],
)
def test_who_is_in_the_way_is_named(used_up: str, code: ExitCode, head: str) -> None:
    """With what would end them; a prepared transaction has no session."""
    error = unanswered("u@h/d", 3, Census((HOLDER,), prepared=("gid",)), used_up)
    told = f"{head}waited 3s for {WHO}; prepared transaction gid; asked by u@h/d"
    assert (error.exit_code, error.message) == (code, told)
    assert "SELECT pg_terminate_backend(7);" in error.hint
    assert "ROLLBACK PREPARED 'gid';" in error.hint
    assert error.facts["blockers"] == [HOLDER.facts()]
    assert error.facts["prepared_transactions"] == ["gid"]


REFUSAL = LockContention("u@h/d: canceling statement (55P03)", "Find who locks it.")


def test_wait_that_the_server_has_ended_names_whom_it_was_for() -> None:
    """With what would end them."""
    error = lock_not_had(REFUSAL, Census((HOLDER,)))
    assert error.message == f"waited for {WHO}; {REFUSAL.message}"
    assert "SELECT pg_terminate_backend(7);" in error.hint
    assert error.facts["blockers"] == [HOLDER.facts()]


@pytest.mark.parametrize("census", [None, Census()])
def test_wait_that_the_server_has_ended_accuses_nobody_who_was_not_seen(
    census: Census | None,
) -> None:
    """Whoever held the lock came later, or nobody has looked."""
    error = lock_not_had(REFUSAL, census)
    assert (error.message, error.hint, error.facts) == (REFUSAL.message, REFUSAL.hint, {})


def test_wait_that_the_server_has_ended_tells_that_nobody_could_look() -> None:
    """That is no sign that nobody was there."""
    error = lock_not_had(REFUSAL, Census(unseen="too many clients"))
    assert error.message == (
        f"{REFUSAL.message}; whom it waited for could not be found out: too many clients"
    )
    assert error.hint == REFUSAL.hint
