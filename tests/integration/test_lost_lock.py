"""Runs that lose the migration lock in the middle of their work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from tests.testbed.gate import Gate, Running, deciding, run_settings
from tests.testbed.run_context import eventually, is_running, meanwhile

KEY = migration_lock_key("public", "flyway_schema_history")
OURS = "application_name LIKE 'presync/%' AND datname = current_database()"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table."""
    report = gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    assert report.exit_code is ExitCode.OK


def end_lock(gate: Gate) -> None:
    """End the backend that has the migration lock."""
    holder = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        " AND objid <> 1 AND database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database())"
    )
    ((pid,),) = gate.database.query(holder)
    gate.database.query(f"SELECT pg_terminate_backend({pid})")
    eventually(lambda: not gate.database.query(holder))


@contextmanager
def losing_the_lock(gate: Gate, **more: str) -> Iterator[Running]:
    """Yield a run that has lost its lock amid the second migration, before V3 or *more*."""
    scripts = {"V2__x.sql": "SELECT pg_advisory_lock(1)"}
    if more:
        scripts |= {f"{name}.sql": script for name, script in more.items()}
    else:
        scripts["V3__y.sql"] = "CREATE TABLE y ()"
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = gate.start(scripts)
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting)))
        end_lock(gate)
        yield running
        other.execute("SELECT pg_advisory_unlock(1)")


def test_lost_lock_is_taken_again(gate: Gate) -> None:
    """Nobody else has it, and nobody has migrated: the plan still stands."""
    gate.limit(run_settings(ladder=[30]))
    with losing_the_lock(gate) as running:
        pass
    report = running.report()
    assert report.verdict.startswith("PASSED 0 OK: 2 applied"), report.verdict
    (told,) = gate.events.named("lock.retaken")
    assert told["level"] == "warning"
    assert [row[2] for row in gate.history()] == ["V1__t.sql", "V2__x.sql", "V3__y.sql"]


def test_migration_of_somebody_else_while_the_lock_was_lost_is_noticed(gate: Gate) -> None:
    """The next run plans anew; this one must not run what may be applied by now."""
    gate.limit(run_settings(ladder=[30]))
    with losing_the_lock(gate) as running:
        gate.database.execute(
            "INSERT INTO flyway_schema_history SELECT 3, '9', description, type, 'V9__z.sql', 1,"
            " installed_by, installed_on, 1, true FROM flyway_schema_history"
        )
    report = running.report()
    assert report.verdict == (
        "FAILED 31 LOCKED: row 3 (V9__z.sql) was written by somebody else meanwhile, while the"
        " migration lock was lost; 1 applied, at 2"
    )
    assert gate.database.query("SELECT to_regclass('y')") == [(None,)]


def test_lock_that_somebody_keeps_is_not_waited_for_without_end(gate: Gate) -> None:
    """As in front of the migrations: for PRESYNC_LOCK_WAIT, and the owner is named."""
    gate.limit(run_settings(ladder=[30], lock_wait=0.2))
    with gate.database.connect() as other:
        with losing_the_lock(gate) as running:
            other.execute(f"SELECT pg_advisory_lock({KEY})")
        report = running.report()
        pid = other.info.backend_pid
    assert report.verdict.startswith(f"FAILED 31 LOCKED: migration lock is held by pid {pid} (")
    assert report.verdict.endswith("; 1 applied, at 2")
    assert gate.database.query("SELECT to_regclass('y')") == [(None,)]


def test_run_whose_lock_somebody_took_while_it_was_lost_says_so(gate: Gate) -> None:
    """As when the server restarts: what became of the script, and who may migrate now."""
    with gate.database.connect() as holder, gate.database.connect() as other:
        holder.execute("SELECT pg_advisory_lock(1)")
        gate.limit(run_settings(ladder=[30], lock_wait=0.2))
        running = gate.start({"V2__x.sql": "CREATE TABLE x ();\nSELECT pg_advisory_xact_lock(1)"})
        eventually(lambda: is_running(gate.database, "pg_advisory_xact_lock"))
        with meanwhile(lambda: other.execute(f"SELECT pg_advisory_lock({KEY})")):
            eventually(lambda: is_running(gate.database, str(KEY)))
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


def test_script_that_is_lost_with_the_lock_is_run_again(gate: Gate) -> None:
    """As when the server restarts: both are had again, and nothing is applied twice."""
    gate.limit(run_settings(ladder=[30, 30]))
    with gate.database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        running = gate.start({"V2__x.sql": "CREATE TABLE x ();\nSELECT pg_advisory_xact_lock(1)"})
        eventually(lambda: is_running(gate.database, "pg_advisory_xact_lock"))
        gate.database.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
        holder.execute("SELECT pg_advisory_unlock(1)")
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert len(gate.events.named("lock.retaken")) == 1


def test_build_that_is_lost_with_the_lock_is_done_again(gate: Gate) -> None:
    """What it has left is replaced."""
    gate.limit(run_settings(ladder=[30, 30]))
    waiting = f"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {OURS}"
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        running = gate.start({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
        eventually(lambda: bool(gate.database.query(waiting)))
        gate.database.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
        eventually(lambda: bool(gate.events.named("lock.retaken")))
        writer.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")


def test_callback_behind_a_lost_lock_is_run_once_it_is_had_again(gate: Gate) -> None:
    """The history is looked at in front of it."""
    gate.limit(run_settings(ladder=[30]))
    with losing_the_lock(gate, afterMigrate="CREATE TABLE c ()") as running:
        pass
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert len(gate.events.named("lock.retaken")) == 1
    assert gate.database.query("SELECT 1 FROM c") == []


def test_callback_is_not_run_behind_a_migration_of_somebody_else(gate: Gate) -> None:
    """Who had the lock while it was lost."""
    gate.limit(run_settings(ladder=[30]))
    with losing_the_lock(gate, afterMigrate="CREATE TABLE c ()") as running:
        gate.database.execute(
            "INSERT INTO flyway_schema_history SELECT 3, '9', description, type, 'V9__z.sql', 1,"
            " installed_by, installed_on, 1, true FROM flyway_schema_history"
        )
    report = running.report()
    assert report.verdict == (
        "FAILED 31 LOCKED: row 3 (V9__z.sql) was written by somebody else meanwhile, while the"
        " migration lock was lost; 1 applied, at 2"
    )
    assert gate.database.query("SELECT to_regclass('c')") == [(None,)]


def test_callback_behind_a_migration_that_has_the_lock_again_is_run(gate: Gate) -> None:
    """The migration has looked at the history."""
    gate.limit(run_settings(ladder=[30]))
    more = {"V3__y": "CREATE TABLE y ()", "afterMigrate": "CREATE TABLE c ()"}
    with losing_the_lock(gate, **more) as running:
        pass
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert len(gate.events.named("lock.retaken")) == 1
    assert gate.database.query("SELECT 1 FROM c") == []
