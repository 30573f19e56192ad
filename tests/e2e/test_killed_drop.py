"""SIGKILL amid a DROP or DETACH that locks nobody out: the next run finds out how far it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import OURS, Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

BASE = """\
CREATE TABLE t (id int);
CREATE INDEX i ON t (id);
CREATE TABLE p (id int) PARTITION BY LIST (id);
CREATE TABLE c PARTITION OF p FOR VALUES IN (1);
"""
DROP = "DROP INDEX CONCURRENTLY i"
DETACH = "ALTER TABLE p DETACH PARTITION c CONCURRENTLY"
NOT_DONE = (
    "SELECT to_regclass('i') IS NOT NULL,"
    " EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'c'::regclass)"
)

pytestmark = pytest.mark.usefixtures("_released")


@pytest.fixture
def _released(deployment: Deployment) -> None:
    """Begin with an index and a partition."""
    deployment.apply({"V1__base.sql": BASE})


@pytest.fixture
def kill(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> Iterator[Callable[..., None]]:
    """Return what kills a run that has to wait for others with the script it is given."""
    database = deployment.database
    waiting = f"SELECT {OURS} '{database.name}' AND wait_event_type = 'Lock'"

    def kill_in(script: str, name: str = "V2__x.sql") -> None:
        deployment.release({name: script})
        with database.connect(autocommit=False) as other:
            other.execute("INSERT INTO t VALUES (1)")
            other.execute("SELECT FROM p")
            running = start_presync(["run"], env_of(deployment))
            eventually(lambda: bool(database.query(waiting)))
            running.process.kill()
            running.wait()
        eventually(lambda: not deployment.has_sessions())

    yield kill_in
    eventually(lambda: not deployment.has_sessions())


def env_of(deployment: Deployment) -> dict[str, str]:
    """Return the environment of runs that nothing stops in front of the script, or within it."""
    return deployment.env(
        PRESYNC_BLOCKERS_POLICY="off",
        PRESYNC_FAILURE_MEMORY="0s",
        PRESYNC_LOCK_LADDER="1m",
        PRESYNC_DAMAGE_BUDGET="off",
    )


@pytest.mark.parametrize(
    ("script", "told", "left"),
    [
        (DROP, "index i is not there: dropped by an attempt", (False, True)),
        (DETACH, "c is no partition of p: detached by an attempt", (True, False)),
        (f"{DROP};\n{DETACH}", "index i is not there: dropped by an attempt", (False, False)),
    ],
    ids=["drop", "detach", "both"],
)
def test_next_run_takes_what_the_server_has_finished_for_done(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    script: str,
    told: str,
    left: tuple[bool, bool],
) -> None:
    """The server did not notice that its client was gone, and refuses the same once more."""
    kill(script)
    completed = run_presync(["run"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    notices = [event["message"] for event in completed.events_named("migration.notice")]
    assert any(told in notice for notice in notices), notices
    assert deployment.database.query(NOT_DONE) == [left]
    assert deployment.history()[1:] == [(2, "2", "V2__x.sql", True)]


def test_what_is_not_there_is_an_error_to_whoever_knows_of_no_run_before(
    deployment: Deployment, run_presync: Callable[..., Completed]
) -> None:
    """A name that is spelled wrong is none that somebody has dropped."""
    deployment.release({"V2__x.sql": "DROP INDEX CONCURRENTLY j"})
    refused = run_presync(["run"], env_of(deployment))
    assert refused.exit_code == ExitCode.SQL_FAILED
    assert 'index "j" does not exist' in refused.report["verdict"]
    assert "IF EXISTS" in str(refused.report)
    assert len(deployment.history()) == 1


def test_script_that_does_more_is_looked_at_by_a_human(
    deployment: Deployment, kill: Callable[..., None], run_presync: Callable[..., Completed]
) -> None:
    """Of its other statement the server does not tell whether it was run."""
    deployment.release({"V2__x.sql.conf": "executeInTransaction=false"})
    kill(f"LISTEN l;\n{DROP}")
    refused = run_presync(["run"], env_of(deployment))
    assert refused.exit_code == ExitCode.FAILED_BEFORE, refused.stderr
    assert "may have run a part of V2__x.sql" in refused.report["verdict"]


def test_name_in_a_script_that_was_never_begun_is_wrong(
    deployment: Deployment, kill: Callable[..., None], run_presync: Callable[..., Completed]
) -> None:
    """The run was killed in the one before, which the server has finished for nobody."""
    deployment.release({"V3__y.sql": "DROP INDEX CONCURRENTLY j"})
    kill("LOCK TABLE t;\nDROP INDEX i")
    assert deployment.history()[1:] == [(2, "2", "V2__x.sql", True)]
    refused = run_presync(["run"], env_of(deployment))
    assert refused.exit_code == ExitCode.SQL_FAILED, refused.stderr
    assert 'index "j" does not exist' in refused.report["verdict"]


def test_run_that_was_killed_in_front_of_it_passes_on_what_was_begun(
    deployment: Deployment, kill: Callable[..., None], run_presync: Callable[..., Completed]
) -> None:
    """The one before that had begun the script; its successor did not come that far."""
    kill(DROP)
    kill("LOCK TABLE t", "beforeMigrate.sql")
    completed = run_presync(["run"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.history()[1:] == [(2, "2", "V2__x.sql", True)]
