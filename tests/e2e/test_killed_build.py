"""SIGKILL while an index is built without a lock: the next run finishes the work."""

from __future__ import annotations

from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.deployment import OURS, Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

RELEASE = {"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"}
BUILDING = "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('i')"


def test_next_run_keeps_what_the_server_has_finished(
    deployment: Deployment,
    start_presync: Callable[..., RunningPresync],
    run_presync: Callable[..., Completed],
) -> None:
    """The server did not notice that its client was gone."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t (id int)"})
    database = deployment.database
    deployment.release(RELEASE)
    env = deployment.env(PRESYNC_BLOCKERS_POLICY="off", PRESYNC_FAILURE_MEMORY="0s")
    with database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        running = start_presync(["run"], env)
        eventually(lambda: bool(database.query(BUILDING)))
        running.process.kill()
        running.wait()
        assert database.query(BUILDING), "it works on for nobody"
    eventually(lambda: database.query(VALID) == [(True,)])
    completed = run_presync(["run"], env)
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.history()[1:] == [(2, "2", "V2__i.sql", True)]
    eventually(lambda: not database.query(f"SELECT 1 {OURS} '{database.name}'"))


def test_next_run_builds_anew_what_was_cut_off(
    deployment: Deployment,
    start_presync: Callable[..., RunningPresync],
    run_presync: Callable[..., Completed],
) -> None:
    """An administrator ended the build, or the server did: an invalid index is in the way."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t (id int)"})
    database = deployment.database
    deployment.release(RELEASE)
    env = deployment.env(PRESYNC_BLOCKERS_POLICY="off", PRESYNC_FAILURE_MEMORY="0s")
    with database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        running = start_presync(["run"], env)
        eventually(lambda: bool(database.query(BUILDING)))
        running.process.kill()
        running.wait()
        database.query(f"SELECT pg_terminate_backend(pid) FROM ({BUILDING}) AS b")
        eventually(lambda: not database.query(BUILDING))
    assert database.query(VALID) == [(False,)]
    completed = run_presync(["run"], env)
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert database.query(VALID) == [(True,)]
    assert deployment.history()[1:] == [(2, "2", "V2__i.sql", True)]
