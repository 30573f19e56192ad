"""SIGTERM in every stage: exit 40, nothing half-written, no lock and no session left."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.clock import ABANDON_SECONDS
from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from tests.testbed.database import Database
from tests.testbed.deployment import OURS, Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

# Of its own accord: before it would be abandoned.
PROMPTLY = ABANDON_SECONDS
TABLE = {"V1__t.sql": "CREATE TABLE t (id int)"}
StartPresync = Callable[..., RunningPresync]
Connection = psycopg.Connection[TupleRow]


@pytest.fixture
def released(deployment: Deployment) -> Deployment:
    """Return a deployment with one migration applied."""
    deployment.apply(TABLE)
    return deployment


def stopped(running: RunningPresync, number: signal.Signals = signal.SIGTERM) -> Completed:
    """Stop *running* and return how it ended; every channel says the same."""
    running.send_signal(number)
    completed = running.wait(PROMPTLY)
    assert completed.exit_code == ExitCode.INTERRUPTED
    last = completed.events[-1]
    assert (last["event"], last["code"], last["exit_code"]) == ("run.finished", "INTERRUPTED", 40)
    assert last["verdict"].startswith(f"FAILED 40 INTERRUPTED: {number.name} received")
    assert completed.report["verdict"] == last["verdict"]
    return completed


def test_stop_while_waiting_for_the_server(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """The wait ends at once."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/shop"
        running = start_presync(["run"], deployment.env(PRESYNC_URL=url))
        running.wait_for_event("stage.started", matching={"stage": "wait"})
        with closing(silent.accept()[0]):
            completed = stopped(running)
    assert completed.report["verdict"].endswith("; database untouched")


def test_stop_while_waiting_for_the_lock(released: Deployment, start_presync: StartPresync) -> None:
    """Another migrator keeps its lock; ours was never there."""
    released.release({"V2__x.sql": "CREATE TABLE x ()"})
    key = migration_lock_key("public", "flyway_schema_history")
    with released.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        running = start_presync(["run"], released.env())
        running.wait_for_event("retry.scheduled", matching={"stage": "lock"})
        completed = stopped(running)
    assert completed.report["verdict"].endswith("; database untouched")
    eventually(lambda: not released.has_sessions())
    assert len(released.history()) == 1


def test_stop_while_waiting_for_blockers(released: Deployment, start_presync: StartPresync) -> None:
    """The gate is left, the lock is given back."""
    released.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    with released.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = start_presync(["run"], released.env())
        running.wait_for_event("retry.scheduled", matching={"stage": "blockers"})
        completed = stopped(running)
        eventually(lambda: not released.has_sessions())
    assert completed.report["verdict"].endswith("; database untouched")


def test_stop_while_the_storage_is_silent(
    released: Deployment, start_presync: StartPresync
) -> None:
    """The threads that read backups and WAL are left alone, and the process ends at once."""
    released.release({"V2__u.sql": "CREATE TABLE u ()"})
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        storage = {
            "PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://backups",
            "PRESYNC_BACKUP_STANZA": "app",
            "PRESYNC_S3_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        running = start_presync(["run"], released.env(**storage))
        running.wait_for_event("stage.started", matching={"stage": "backup"})
        with closing(silent.accept()[0]):
            completed = stopped(running)
    assert completed.report["verdict"].endswith("; database untouched")
    # A backend outlives its client by a moment.
    eventually(lambda: not released.has_sessions())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_in_a_statement_rolls_back(
    released: Deployment, start_presync: StartPresync, number: signal.Signals
) -> None:
    """The statement is cancelled; what came before it in the script is undone."""
    released.release({"V2__x.sql": "CREATE TABLE half ();\nSELECT pg_sleep(60)"})
    running = start_presync(["run"], released.env())
    wait_until_asleep(released.database)
    completed = stopped(running, number)
    assert completed.report["verdict"] == (
        f"FAILED 40 INTERRUPTED: {number.name} received in V2__x.sql:2; rolled back, at 1"
    )
    eventually(lambda: not released.has_sessions())
    assert released.history() == [(1, "1", "V1__t.sql", True)]
    assert released.database.query("SELECT to_regclass('half')") == [(None,)]
    assert released.termination_log.read_text().startswith(completed.report["verdict"])


def test_stop_between_scripts_keeps_what_is_applied(
    released: Deployment, start_presync: StartPresync
) -> None:
    """Finished migrations stay and are recorded; no new one is begun."""
    released.release(
        {
            "V2__a.sql": "CREATE TABLE a ()",
            "V3__b.sql": "SELECT pg_sleep(60)",
            "V4__c.sql": "SELECT",
        }
    )
    running = start_presync(["run"], released.env())
    wait_until_asleep(released.database)
    completed = stopped(running)
    assert [item["script"] for item in completed.report["migrations"]] == ["V2__a.sql"]
    assert completed.report["pending"] == ["V3__b.sql", "V4__c.sql"]
    assert completed.report["verdict"].endswith(
        "in V3__b.sql:1; rolled back, 1 applied before, at 2"
    )


def test_stop_while_a_concurrent_index_waits(
    released: Deployment, start_presync: StartPresync, run_presync: Callable[..., Completed]
) -> None:
    """The invalid index is named, and is the next run's to replace: no failed row stops that."""
    released.release({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
    with released.database.connect(autocommit=False) as other:
        other.execute("INSERT INTO t VALUES (1)")
        env = released.env(PRESYNC_BLOCKERS_POLICY="off")
        running = start_presync(["run"], env)
        index = "SELECT 1 FROM pg_class WHERE relname = 'i'"
        eventually(lambda: bool(released.database.query(index)))
        completed = stopped(running)
        eventually(lambda: not released.has_sessions())
    assert completed.report["verdict"] == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:1;"
        " left behind: invalid index public.i on t (the next run mends that), at 1"
    )
    assert released.history()[1:] == []
    again = run_presync(["run"], env)
    assert again.exit_code == ExitCode.OK, again.stderr
    assert released.history()[1:] == [(2, "2", "V2__i.sql", True)]


def test_stop_between_two_attempts(released: Deployment, start_presync: StartPresync) -> None:
    """The pause of the ladder ends at once."""
    released.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    with released.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        ladder = ",".join(["1100ms", *["100ms"] * 20])
        env = released.env(PRESYNC_LOCK_LADDER=ladder, PRESYNC_BLOCKERS_POLICY="off")
        running = start_presync(["run"], env)
        running.wait_for_event("retry.scheduled", matching={"attempts": 4})
        completed = stopped(running)
        eventually(lambda: not released.has_sessions())
    assert completed.report["verdict"].endswith("; rolled back, at 1")
    assert len(released.history()) == 1


def test_stop_while_the_history_is_locked(
    released: Deployment, start_presync: StartPresync
) -> None:
    """A read that waits for somebody is cancelled."""
    with released.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE flyway_schema_history")
        running = start_presync(["run"], released.env())
        wait_until_waiting(released.database)
        completed = stopped(running)
        eventually(lambda: not ours_waits(released.database))
    assert completed.report["verdict"].endswith(
        "SIGTERM received at stage history; database untouched"
    )


def test_stop_while_the_backups_are_read(released: Deployment, start_presync: StartPresync) -> None:
    """A storage that takes the connection and never answers holds nobody."""
    released.release({"V2__x.sql": "CREATE TABLE x ()"})
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        env = released.env(
            PRESYNC_BACKUP_SOURCE="pgbackrest:s3://backups/shop",
            PRESYNC_BACKUP_STANZA="app",
            PRESYNC_S3_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
        )
        running = start_presync(["run"], env)
        with closing(silent.accept()[0]):
            completed = stopped(running)
    assert completed.report["verdict"].endswith(
        "SIGTERM received at stage backup; database untouched"
    )
    eventually(lambda: not released.has_sessions())
    assert len(released.history()) == 1


def test_stop_while_the_outcome_is_verified(
    released: Deployment, start_presync: StartPresync
) -> None:
    """What was applied is told and stays."""
    script = "SELECT FROM flyway_schema_history; CREATE TABLE x (); SELECT pg_advisory_xact_lock(1)"
    released.release({"V2__x.sql": script})
    with (
        closing(released.database.connect()) as holder,
        closing(released.database.connect(autocommit=False)) as other,
    ):
        holder.execute("SELECT pg_advisory_lock(1)")
        patient = released.env(PRESYNC_LOCK_LADDER="60s", PRESYNC_DAMAGE_BUDGET="off")
        running = start_presync(["run"], patient)
        wait_until_waiting(released.database)
        other.execute("SELECT")
        # Queued behind the script, in front of the look that follows it.
        other.pgconn.send_query(b"LOCK TABLE flyway_schema_history")
        queued = f"SELECT 1 FROM pg_stat_activity WHERE pid = {other.info.backend_pid}"
        queued += " AND wait_event_type = 'Lock'"
        eventually(lambda: bool(released.database.query(queued)))
        holder.close()
        eventually(lambda: not released.database.query(queued))
        wait_until_waiting(released.database)
        completed = stopped(running)
    assert completed.report["verdict"].endswith("SIGTERM received at stage verify; 1 applied, at 2")
    eventually(lambda: not released.has_sessions())
    assert released.history()[1:] == [(2, "2", "V2__x.sql", True)]


def wait_until_waiting(database: Database) -> None:
    """Return once a session of presync waits for a lock."""
    eventually(lambda: ours_waits(database))


def ours_waits(database: Database) -> bool:
    """Tell whether a session of presync waits for a lock."""
    waiting = f"SELECT 1 {OURS} '{database.name}' AND wait_event_type = 'Lock'"
    return bool(database.query(waiting))


def wait_until_asleep(database: Database) -> None:
    """Return once a script sleeps."""
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    asleep += f" AND datname = '{database.name}'"
    eventually(lambda: bool(database.query(asleep)))
