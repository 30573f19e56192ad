"""SIGKILL where no transaction undoes anything: the next run goes on, or asks for a human."""

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
