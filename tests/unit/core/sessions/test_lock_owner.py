"""Who is in the way of a migrator, in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hook.core.outcome import from_error
from hook.core.reporting.verdict import RunFacts, compose_verdict
from hook.core.sessions.lock_owner import (
    LockOwner,
    Succession,
    left_at_work,
    lock_elsewhere,
    locked_by,
    lost_lock,
)
from hook.errors import ExitCode

OWNER = LockOwner(42, "app", "", "10.0.0.7", "idle", datetime(2026, 11, 21, 12, tzinfo=UTC))


def test_owner_is_named_with_all_that_is_visible() -> None:
    """Pid, user, application, client, state and since when; and how to end it."""
    error = locked_by("public.h", OWNER, 59.6)
    assert error.exit_code is ExitCode.LOCKED
    assert error.message == (
        "migration lock is held by pid 42 (without application name, client 10.0.0.7, connected"
        " since 2026-11-21T12:00:00Z, user app, idle), for public.h; waited 60s"
    )
    assert error.hint.endswith("SELECT pg_terminate_backend(42);")


def test_verdict_tells_of_the_lock_and_its_holder() -> None:
    """All that Argo CD has room for: what is held, which process and which run it is."""
    owner = OWNER._replace(application="presync/0.1.0 run=7d149c06badf")
    finding = from_error(locked_by("public.flyway_schema_history", owner, 60))
    assert compose_verdict(RunFacts(finding)) == (
        "FAILED 31 LOCKED: migration lock is held by pid 42 (presync/0.1.0 run=7d149c06badf, client"
        " 10.0.0.7, connected since 2026-11-21T12:00:00Z…); database untouched"
    )
    assert finding.facts == {
        "pid": 42,
        "user": "app",
        "application": "presync/0.1.0 run=7d149c06badf",
        "client": "10.0.0.7",
        "state": "idle",
        "connected_at": owner.connected_at,
    }


def test_owner_hidden_from_our_role_is_said_to_be_hidden() -> None:
    """What cannot be seen is not made up."""
    owner = LockOwner(42, "app", "psql", "", "", None)
    assert "client and start hidden from this role" in owner.describe()
    assert owner.facts == {"pid": 42, "user": "app", "application": "psql"}


def test_owner_that_left_meanwhile_is_nobody_in_particular() -> None:
    """Between the try and the question the lock changed hands."""
    error = locked_by("public.h", None, 3)
    assert error.message == (
        "migration lock is held by a session that changes, for public.h; waited 3s"
    )
    assert error.hint == "Run again when the other migrations have ended."


def test_backend_that_works_for_nobody_is_named_and_how_to_end_it() -> None:
    """Its run is gone, so nobody else would tell."""
    error = left_at_work("public.h", OWNER._replace(application="presync/1 run=x"), 59.6)
    assert error.exit_code is ExitCode.LOCKED
    assert error.message == (
        "a session without the migration lock is still at work on public.h, as after a killed"
        " run: pid 42 (presync/1 run=x, client 10.0.0.7, connected since 2026-11-21T12:00:00Z,"
        " user app, idle); waited 60s"
    )
    assert error.hint.endswith("SELECT pg_terminate_backend(42);")


REST = "what was applied is recorded."


@pytest.mark.parametrize(
    ("succession", "told", "step"),
    [
        (Succession(OWNER), f"{OWNER.describe()} has it now", "Wait for that run to end, then run"),
        (Succession(), "nobody has it now", "Run"),
        (Succession(unseen="no route"), "who has it now could not be found out: no route", "Run"),
    ],
)
def test_lost_lock_tells_who_has_it_now(succession: Succession, told: str, step: str) -> None:
    """Somebody, nobody, or that it could not be found out."""
    error = lost_lock(succession, REST)
    assert error.exit_code is ExitCode.LOCKED
    assert error.message == f"the connection that held the migration lock is lost; {told}"
    assert error.hint == f"{step} again; {REST}"


def test_lock_on_another_server_is_no_lock() -> None:
    """Where the run works nobody has it, or somebody else."""
    error = lock_elsewhere(Succession(), "db:5432", REST)
    assert error.exit_code is ExitCode.LOCKED
    assert error.message == (
        "the connection that held the migration lock is lost, and db:5432 leads to another server"
        " now; on that of this run nobody has it now"
    )
    assert error.hint == f"Find out which server is the primary, then run again; {REST}"
