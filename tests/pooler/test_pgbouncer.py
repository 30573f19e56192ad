"""presync behind a real pgbouncer: served in session mode, refused in any other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from hook.errors import ExitCode
from tests.testbed.database import Database
from tests.testbed.deployment import Deployment
from tests.testbed.pgbouncer import running_pgbouncer
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.readers import reading
from tests.testbed.run_context import eventually

RunPresync = Callable[..., Completed]
ADVISORY = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
SERVED = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%advisory%'"
)
TABLES = "SELECT count(*) FROM pg_class WHERE relname IN ('t', 'flyway_schema_history')"


@pytest.fixture
def deployment(database: Database, tmp_path: Path) -> Deployment:
    """Return a release in front of an empty database, not yet through a pooler."""
    folder = tmp_path / "deployment"
    (folder / "sql").mkdir(parents=True)
    deployment = Deployment(database, folder)
    deployment.release(
        {
            "V1__t.sql": "CREATE TABLE t (id int)",
            "V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)",
        }
    )
    return deployment


def through(port: int, deployment: Deployment) -> dict[str, str]:
    """Return the environment of a run through the pooler at *port*."""
    database = deployment.database
    url = f"postgresql://{database.server.superuser}@127.0.0.1:{port}/{database.name}"
    return deployment.env(PRESYNC_URL=url)


def assert_refused(done: Completed, database: Database) -> None:
    """Check that *done* is a refusal that left nothing, no lock of a shared backend either."""
    assert done.exit_code == ExitCode.UNSUPPORTED, done.stderr
    assert "pooler in transaction mode" in done.report["verdict"]
    assert done.report["verdict"].endswith("; database untouched")
    (hint,) = [event["hint"] for event in done.events_named("finding") if "code" in event]
    assert "session mode" in hint
    assert database.query(ADVISORY) == [(0,)]
    assert database.query(TABLES) == [(0,)]


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_pool_that_shares_backends_is_refused(
    mode: str, deployment: Deployment, run_presync: RunPresync
) -> None:
    """A lock of the session excludes nobody there."""
    with running_pgbouncer(deployment.database.server, pool_mode=mode) as port:
        done = run_presync(["run"], through(port, deployment))
        assert_refused(done, deployment.database)


def test_pool_that_takes_turns_is_refused_as_well(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """With several backends in turn two sessions may never meet on one, and still own none."""
    database = deployment.database
    pool = {"pool_mode": "transaction", "server_round_robin": "1"}
    with running_pgbouncer(database.server, **pool) as port:
        with contextlib.ExitStack() as at_once:
            for _ in range(2):
                url = through(port, deployment)["PRESYNC_URL"]
                at_once.enter_context(psycopg.connect(url)).execute("SELECT 1")
        done = run_presync(["run"], through(port, deployment))
        assert_refused(done, database)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_check_says_that_the_run_would_be_refused(
    mode: str, deployment: Deployment, run_presync: RunPresync
) -> None:
    """It takes no lock to find out, and asks the other gates all the same."""
    database = deployment.database
    with running_pgbouncer(database.server, pool_mode=mode) as port:
        done = run_presync(["check"], through(port, deployment))
        assert_refused(done, database)
        names = [item["name"] for item in done.report["stages"]]
        assert names[names.index("lock") :][1:3] == ["rights", "blockers"]


def test_check_lets_a_pool_in_session_mode_pass(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Each connection has a backend of its own there."""
    with running_pgbouncer(deployment.database.server, pool_mode="session") as port:
        done = run_presync(["check"], through(port, deployment))
        assert done.exit_code == ExitCode.OK, done.stderr
        assert "a backend of its own" in done.stdout


def test_pool_in_session_mode_serves_a_whole_run(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Transactions, an index without one, and a second run with nothing to do."""
    with running_pgbouncer(deployment.database.server, pool_mode="session") as port:
        environment = through(port, deployment)
        first, second = (run_presync(["run"], environment) for _ in range(2))
        assert first.exit_code == ExitCode.OK, first.stderr
        assert "2 applied (V1, V2)" in first.report["verdict"]
        assert "up to date at 2" in second.report["verdict"]
        assert deployment.database.query(ADVISORY) == [(0,)]


def test_pool_in_session_mode_serves_a_script_that_is_sent_statement_by_statement(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Nothing of it is left out, and an error has its line."""
    note = "a note; " * 100
    rows = "".join(f"INSERT INTO t VALUES ({number}, '{note}');\n" for number in range(12_000))
    table = "CREATE TABLE t (id int, note text);\n"
    with running_pgbouncer(deployment.database.server, pool_mode="session") as port:
        environment = through(port, deployment)
        deployment.release({"V1__t.sql": f"{table}{rows}", "V2__i.sql": "SELECT 1"})
        done = run_presync(["run"], environment)
        assert done.exit_code == ExitCode.OK, done.stderr
        deployment.release({"V3__t.sql": f"SELECT 1;\nSELECT 1 / 0;\n{rows}"})
        failed = run_presync(["run"], environment)
    assert "V3__t.sql:2 22012" in failed.report["verdict"]
    assert deployment.database.query("SELECT count(*), sum(id) FROM t") == [
        (12_000, sum(range(12_000)))
    ]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("CREATE TABLE u ()", ExitCode.OK),
        ("SELECT 1/0", ExitCode.SQL_FAILED),
        ("DISCARD ALL", ExitCode.OK),
        ("VACUUM missing", ExitCode.SQL_FAILED),
    ],
)
def test_pool_that_resets_nothing_is_left_without_a_lock(
    script: str, code: ExitCode, deployment: Deployment, run_presync: RunPresync
) -> None:
    """Its backends go on, and so would each lock of the session, whatever became of the run."""
    database = deployment.database
    deployment.release({"V3__x.sql": script, "afterConnect.sql": "SELECT 1"})
    pool = {"pool_mode": "session", "server_reset_query": ""}
    with running_pgbouncer(database.server, **pool) as port:
        environment = through(port, deployment)
        assert run_presync(["run"], environment).exit_code == code
        assert database.query(SERVED) != [(0,)], "the pool has kept what served the run"
        assert database.query(ADVISORY) == [(0,)]


def test_stop_is_heard_through_a_pool(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> None:
    """The cancel goes to the pooler, which knows whose backend is meant."""
    deployment.release({"V3__x.sql": "CREATE TABLE half (); SELECT pg_sleep(600)"})
    database = deployment.database
    with running_pgbouncer(database.server, pool_mode="session") as port:
        running = start_presync(["run"], through(port, deployment))
        asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        eventually(lambda: bool(database.query(asleep)))
        running.send_signal()
        done = running.wait()
        assert done.exit_code == ExitCode.INTERRUPTED
        assert done.report["verdict"].endswith(
            "in V3__x.sql:1; rolled back, 2 applied before, at 2"
        )
        assert database.query(ADVISORY) == [(0,)]


def test_harm_to_others_is_seen_through_a_pool(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The watcher has a backend of its own there, knows ours, and cancels what that runs."""
    database = deployment.database
    with running_pgbouncer(database.server, pool_mode="session") as port:
        environment = through(port, deployment) | {
            "PRESYNC_BLOCKERS_POLICY": "off",
            "PRESYNC_LOCK_LADDER": "60s",
            "PRESYNC_DAMAGE_BUDGET": "0.4,60",
        }
        assert run_presync(["run"], environment).exit_code == ExitCode.OK
        deployment.release({"V3__x.sql": "ALTER TABLE t ADD x int"})
        with database.connect(autocommit=False) as holder, reading(database, 1) as readers:
            holder.execute("SELECT id FROM t")
            done = run_presync(["run"], environment)
            pid = holder.info.backend_pid
        assert done.exit_code == ExitCode.CONTENTION, done.stderr
        verdict = done.report["verdict"]
        assert verdict.startswith("FAILED 32 CONTENTION: V3__x.sql:1 given up, as 1 session")
        (finding,) = [item for item in done.events_named("finding") if "code" in item]
        assert f"in the way: pid {pid} " in finding["message"]
        assert readers.longest < 30  # and not the minute that the server would wait
        assert database.query(ADVISORY) == [(0,)]
