"""Pods that are taken away in the middle of a migration, and runs that take too long."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.cluster.rollout import Attempt, MakeRelease, Rollout
from tests.testbed.database import Database
from tests.testbed.run_context import eventually

# Goes on as soon as somebody fills the table that the test has made.
_WAIT_FOR_GO = """\
CREATE TABLE t (a int);
DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM go.go) LOOP PERFORM pg_sleep(0.05); END LOOP;
END $$;
"""
_WAITING = {"V1__wait.sql": _WAIT_FOR_GO}


@pytest.fixture
def database(database: Database) -> Database:
    """Return a database in which the migrations of this file wait for `_let_go`."""
    database.execute(
        "CREATE SCHEMA go CREATE TABLE go (a int);"
        " GRANT USAGE ON SCHEMA go TO PUBLIC; GRANT SELECT ON go.go TO PUBLIC"
    )
    return database


def _let_go(database: Database) -> None:
    database.execute("INSERT INTO go.go VALUES (1)")


def _wait_until_inside(database: Database) -> None:
    inside = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%FROM go.go%'"
    eventually(lambda: bool(database.query(f"{inside} AND pid <> pg_backend_pid()")))


def _is_untouched(database: Database) -> bool:
    return database.query("SELECT to_regclass('t')") == [(None,)]


def _stop(rollout: Rollout, database: Database, take_away: Callable[[str], None]) -> Attempt:
    """Take the pod away from the middle of its migration, and return how it ended."""
    _wait_until_inside(database)
    pod = rollout.attempt().name
    with rollout.kept(pod):
        take_away(pod)
        stopped = rollout.wait_for(lambda: rollout.ended(pod), f"end of {pod}")
    assert stopped.exit_code == ExitCode.INTERRUPTED
    assert stopped.message.startswith("FAILED 40 INTERRUPTED: SIGTERM received")
    assert _is_untouched(database)
    return stopped


def test_evicted_pod_is_replaced_and_not_counted(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """A drained node costs no attempt, even where none is to spare."""
    rollout.sync(release(scripts=_WAITING, spec={"backoffLimit": 0}))
    stopped = _stop(rollout, database, rollout.evict)
    assert "DisruptionTarget" in stopped.conditions
    _let_go(database)
    assert rollout.outcome().condition == "Complete"
    assert rollout.attempt().name != stopped.name
    assert rollout.job()["status"].get("failed", 0) == 0


def test_deleted_pod_is_replaced_and_counted(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """Somebody's hand is no disruption: the next pod is one of the two retries."""
    rollout.sync(release(scripts=_WAITING))
    stopped = _stop(rollout, database, rollout.delete_pod)
    assert "DisruptionTarget" not in stopped.conditions
    _let_go(database)
    assert rollout.outcome().condition == "Complete"
    assert rollout.job()["status"]["failed"] == 1


def test_sync_after_a_terminated_one_finds_nobody(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """The Job is only gone when its pod is: never do two of them migrate."""
    rollout.sync(release(scripts=_WAITING))
    _wait_until_inside(database)
    rollout.delete_job()
    sessions = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'presync/%'"
    assert database.query(f"{sessions} AND datname = current_database()") == []
    assert rollout.attempts() == []
    assert _is_untouched(database)
    _let_go(database)
    rollout.sync(release(scripts=_WAITING))
    assert rollout.outcome().condition == "Complete"


_SHORT_WAITS = {
    "PRESYNC_WAIT_TIMEOUT": "1s",
    "PRESYNC_LOCK_WAIT": "1s",
    "PRESYNC_BLOCKER_WAIT": "1s",
}


def test_run_that_takes_too_long_says_so_itself(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """The deadline of the run is the first one: pod, log and message stay."""
    env = {"PRESYNC_DEADLINE": "5s", "PRESYNC_STATEMENT_TIMEOUT": "4s", **_SHORT_WAITS}
    rollout.sync(release(scripts=_WAITING, env=env, spec={"activeDeadlineSeconds": 70}))
    outcome, attempt = rollout.outcome(), rollout.attempt()
    assert attempt.exit_code == ExitCode.BUDGET
    assert outcome.message.endswith("failed with exit code 23 matching FailJob rule at index 2")
    assert attempt.message.startswith("FAILED 23 BUDGET")
    assert rollout.log(attempt.name)[-1]["exit_code"] == ExitCode.BUDGET
    assert _is_untouched(database)


def test_deadline_of_the_job_takes_pod_and_log_away(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """Why the run's own deadline has to be the shorter one."""
    rollout.sync(release(scripts=_WAITING, spec={"activeDeadlineSeconds": 30}))
    _wait_until_inside(database)
    assert rollout.outcome().message == "Job was active longer than specified deadline"
    rollout.wait_for(lambda: not rollout.attempts() or None, "pod to be deleted")
    assert _is_untouched(database)
