"""SIGKILL where no transaction undoes anything: the next run goes on, or asks for a human."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

# The index is in the catalog by then.
BUILDING = (
    "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
    " AND phase = 'waiting for writers before build'"
)
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('i')"


@pytest.fixture
def building(deployment: Deployment) -> Deployment:
    """Return a release with a build in it, and a table to build on."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t (id int)"})
    deployment.release({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
    return deployment


@pytest.fixture
def env(building: Deployment) -> Mapping[str, str]:
    """Return the environment of its runs: nothing stops them in front of the build."""
    return building.env(PRESYNC_BLOCKERS_POLICY="off", PRESYNC_FAILURE_MEMORY="0s")


@contextlib.contextmanager
def killed(
    building: Deployment, start_presync: Callable[..., RunningPresync], env: Mapping[str, str]
) -> Iterator[None]:
    """Kill a run in the middle of its build, which waits until this is left for a writer."""
    database = building.database
    with database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        running = start_presync(["run"], env)
        eventually(lambda: bool(database.query(BUILDING)))
        running.process.kill()
        running.wait()
        yield


def assert_goes_on(building: Deployment, completed: Completed) -> None:
    """The run has led to the release's index and row."""
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert building.database.query(VALID) == [(True,)]
    assert building.history()[1:] == [(2, "2", "V2__i.sql", True)]


def test_next_run_keeps_what_the_server_has_finished(
    building: Deployment,
    env: Mapping[str, str],
    start_presync: Callable[..., RunningPresync],
    run_presync: Callable[..., Completed],
) -> None:
    """The server did not notice that its client was gone."""
    database = building.database
    with killed(building, start_presync, env):
        assert database.query(BUILDING), "it works on for nobody"
    eventually(lambda: database.query(VALID) == [(True,)])
    index = database.query("SELECT 'i'::regclass::oid")
    assert_goes_on(building, run_presync(["run"], env))
    assert database.query("SELECT 'i'::regclass::oid") == index
    eventually(lambda: not building.has_sessions())


def test_next_run_builds_anew_what_was_cut_off(
    building: Deployment,
    env: Mapping[str, str],
    start_presync: Callable[..., RunningPresync],
    run_presync: Callable[..., Completed],
) -> None:
    """An administrator ended the build, or the server did: an invalid index is in the way."""
    database = building.database
    with killed(building, start_presync, env):
        database.query(f"SELECT pg_terminate_backend(pid) FROM ({BUILDING}) AS b")
        eventually(lambda: not database.query(BUILDING))
    assert database.query(VALID) == [(False,)]
    assert_goes_on(building, run_presync(["run"], env))


def test_next_run_does_nothing_twice(
    deployment: Deployment,
    start_presync: Callable[..., RunningPresync],
    run_presync: Callable[..., Completed],
) -> None:
    """How far the script came is written nowhere: somebody has to look, and to say so."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t (id int)"})
    database, env = deployment.database, deployment.env()
    script = "INSERT INTO t VALUES (1);\nSELECT pg_advisory_lock(1)"
    deployment.release({"V2__x.sql": script, "V2__x.sql.conf": "executeInTransaction=false"})
    with database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = start_presync(["run"], env)
        eventually(lambda: bool(database.query("SELECT FROM pg_locks WHERE NOT granted")))
        running.process.kill()
        running.wait()
    eventually(lambda: not deployment.has_sessions())
    refused = run_presync(["run"], env)
    assert refused.exit_code == ExitCode.FAILED_BEFORE, refused.stderr
    assert "may have run a part of V2__x.sql" in refused.report["verdict"]
    database.execute("DELETE FROM t")
    completed = run_presync(["run", "--retry-failed"], env)
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert database.query("SELECT id FROM t") == [(1,)]


def test_next_run_waits_for_a_script_that_has_changed_its_name(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> None:
    """The server works on at it, and no setting of the script's hides that."""
    database = deployment.database
    env = deployment.env(PRESYNC_LOCK_WAIT="60s", PRESYNC_LOCK_LADDER="60s")
    script = "SET application_name = 'mine';\nSELECT pg_advisory_xact_lock(1);\nCREATE TABLE x ()"
    deployment.release({"V1__x.sql": script})
    with database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = start_presync(["run"], env)
        eventually(lambda: bool(database.query("SELECT FROM pg_locks WHERE NOT granted")))
        running.process.kill()
        running.wait()
        second = start_presync(["run"], env)
        told = second.wait_for_event("retry.scheduled")
        other.execute("SELECT pg_advisory_unlock(1)")
    completed = second.wait()
    assert "(mine, client " in told["message"]
    assert "as after a killed run" in told["message"]
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert completed.report["verdict"].startswith("PASSED 0 OK: up to date at 1")
