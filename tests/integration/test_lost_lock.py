"""Runs that lose the migration lock in the middle of their work."""

from __future__ import annotations

import pytest

from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually, is_running, meanwhile

OURS = "application_name LIKE 'presync/%' AND datname = current_database()"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table."""
    report = gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    assert report.exit_code is ExitCode.OK


def test_lost_lock_ends_the_run(gate: Gate) -> None:
    """Without the lock somebody else may be migrating: what runs is finished, no more."""
    scripts = {"V2__x.sql": "SELECT pg_advisory_lock(1)", "V3__y.sql": "CREATE TABLE y ()"}
    holder = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        " AND objid <> 1 AND database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database())"
    )
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        gate.limit(run_settings(ladder=[30]))
        running = gate.start(scripts)
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting)))
        ((pid,),) = gate.database.query(holder)
        gate.database.query(f"SELECT pg_terminate_backend({pid})")
        eventually(lambda: not gate.database.query(holder))
        other.execute("SELECT pg_advisory_unlock(1)")
    report = running.report()
    assert report.verdict == (
        "FAILED 31 LOCKED: the connection that held the migration lock is lost; nobody has it now;"
        " 1 applied, at 2"
    )
    assert gate.database.query("SELECT to_regclass('y')") == [(None,)]


def test_run_whose_lock_somebody_took_while_it_was_lost_says_so(gate: Gate) -> None:
    """As when the server restarts: what became of the script, and who may migrate now."""
    key = migration_lock_key("public", "flyway_schema_history")
    with gate.database.connect() as holder, gate.database.connect() as other:
        holder.execute("SELECT pg_advisory_lock(1)")
        gate.limit(run_settings(ladder=[30]))
        running = gate.start({"V2__x.sql": "CREATE TABLE x ();\nSELECT pg_advisory_xact_lock(1)"})
        eventually(lambda: is_running(gate.database, "pg_advisory_xact_lock"))
        with meanwhile(lambda: other.execute(f"SELECT pg_advisory_lock({key})")):
            eventually(lambda: is_running(gate.database, str(key)))
            lost = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}"
            gate.database.query(lost)
        report = running.report()
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.LOCKED
    assert report.verdict.startswith(
        "FAILED 31 LOCKED: V2__x.sql:2 connection lost, and the migration lock with it;"
        f" pid {pid} ("
    )
    assert report.verdict.endswith("; rolled back, at 1")
    told = deciding(report)
    assert (
        f"pid {pid} (without application name, client 127.0.0.1, connected since " in told.message
    )
    assert told.message.endswith(" has it now")
    assert "V2__x.sql was rolled back, and what was applied so far is recorded." in told.hint
    assert gate.database.query("SELECT to_regclass('x')") == [(None,)]


def test_build_that_is_lost_with_the_lock_is_not_called_rolled_back(gate: Gate) -> None:
    """What is left of it is told, and the next run looks for it."""
    waiting = f"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {OURS}"
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        running = gate.start({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
        eventually(lambda: bool(gate.database.query(waiting)))
        gate.database.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
        report = running.report()
    assert report.verdict == (
        "FAILED 31 LOCKED: V2__i.sql:1 connection lost, and the migration lock with it;"
        " nobody has it now; maybe left behind: an invalid index of line 1, at 1"
    )
    assert gate.run().exit_code is ExitCode.OK
