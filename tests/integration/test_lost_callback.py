"""Callbacks whose connection, or that of the lock, is lost."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.callbacks import SLEEPING, TABLE, prepare_trace, told, trace
from tests.testbed.gate import Gate, Running
from tests.testbed.run_context import eventually

END_LOCK = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    " AND mode = 'ExclusiveLock' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
LOSE_LOCK = (
    f"{END_LOCK}; DO $$BEGIN WHILE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'"
    " AND mode = 'ExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname ="
    " current_database())) LOOP PERFORM pg_sleep(0.01); END LOOP; END$$"
)

END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'presync/%'"
    " AND datname = current_database()"
)
# Sleeps for as long as nothing of it was ever ended.
WAIT = "SELECT pg_sleep(CASE count(*) WHEN 0 THEN 60 ELSE 0 END) FROM audit.ended"


@pytest.fixture(autouse=True)
def _traced(gate: Gate) -> None:
    """Begin with an empty trace."""
    prepare_trace(gate)


def sleeping(gate: Gate, event: str) -> Running:
    """Return a run whose callback of *event* sleeps, and will not once its session was ended."""
    gate.database.execute("CREATE TABLE audit.ended ()")
    running = gate.start(TABLE | {f"{event}.sql": f"{told('it')};\n{WAIT}"})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.execute("INSERT INTO audit.ended DEFAULT VALUES")
    return running


def test_callback_whose_session_the_server_ends_is_tried_again(gate: Gate) -> None:
    """It has said so in front of the COMMIT: what the callback did is rolled back."""
    running = sleeping(gate, "afterMigrate")
    gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPING}) AS sleeping")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["it"]
    assert gate.events.named("retry.scheduled")[0]["sqlstate"] == "57P01"


def test_callback_is_not_tried_again_without_what_an_earlier_one_has_set(gate: Gate) -> None:
    """It might do something else than it was meant to."""
    sets, waits = "SET app.tenant = 'a'", f"{told('it')};\nSELECT pg_sleep(60)"
    running = gate.start(TABLE | {"afterMigrate.sql": sets, "afterMigrate__then.sql": waits})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPING}) AS sleeping")
    report = running.report()
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "what earlier ones have SET there" in report.verdict
    assert "1 applied, at 1" in report.verdict
    assert trace(gate) == []


def test_callback_whose_session_is_always_ended_is_given_up(gate: Gate) -> None:
    """Nothing of it is left, and nothing is unknown."""
    ending = f"{told('it')};\nSELECT pg_terminate_backend(pg_backend_pid())"
    report = gate.run(TABLE | {"afterMigrate.sql": ending})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "callback afterMigrate.sql:2 57P01" in report.verdict
    assert "(3 attempts); 1 applied, at 1" in report.verdict
    assert trace(gate) == []


def test_callback_that_takes_the_lock_along_is_given_up(gate: Gate) -> None:
    """It is had again each time, and nothing of the callback is left."""
    ending = f"{told('it')};\n{END_LOCK};\nSELECT pg_terminate_backend(pg_backend_pid())"
    report = gate.run(TABLE | {"beforeMigrate.sql": ending})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert len(gate.events.named("lock.retaken")) == 2
    assert trace(gate) == []


@pytest.mark.parametrize("event", ["afterConnect", "beforeMigrate", "afterMigrate"])
def test_callback_goes_on_when_every_connection_is_lost(gate: Gate, event: str) -> None:
    """As when the server restarts: the lock is had again, and nobody has migrated."""
    running = sleeping(gate, event)
    gate.database.query(END_ALL)
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["it"]
    assert len(gate.events.named("lock.retaken")) == 1


@pytest.mark.parametrize("event", ["afterConnect", "beforeMigrate"])
def test_callback_does_not_go_on_behind_a_migration_of_somebody_else(
    gate: Gate, event: str
) -> None:
    """Who had the lock while it was lost."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    gate.release({"V2__x.sql": "CREATE TABLE x ()"})
    running = sleeping(gate, event)
    gate.database.execute(
        "INSERT INTO flyway_schema_history SELECT 2, '2', description, type, 'V2__x.sql', 1,"
        " installed_by, installed_on, 1, true FROM flyway_schema_history"
    )
    gate.database.query(END_ALL)
    report = running.report()
    assert report.exit_code is ExitCode.LOCKED, report.verdict
    assert "by somebody else" in report.verdict
    assert report.verdict.endswith("; rolled back, at 1")
    assert trace(gate) == []


def test_callback_without_transaction_whose_session_is_ended_is_not_repeated(gate: Gate) -> None:
    """Nothing takes back what it has done, so that somebody has to look."""
    gate.release({"afterMigrate.sql.conf": "executeInTransaction=false"})
    running = gate.start(TABLE | {"afterMigrate.sql": "SELECT pg_sleep(60)"})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPING}) AS sleeping")
    report = running.report()
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert "what line 1 may have done" in report.verdict


def test_lost_lock_is_had_again_in_front_of_the_next_callback(gate: Gate) -> None:
    """And the history looked at."""
    waiting = (
        "DO $$BEGIN WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'go_on')"
        " LOOP PERFORM pg_sleep(0.01); END LOOP; END$$"
    )
    running = gate.start(TABLE | {"afterVersioned.sql": waiting, "afterMigrate.sql": told("it")})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.query(END_LOCK)
    gate.database.execute("CREATE TABLE audit.go_on ()")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["it"]
    assert len(gate.events.named("lock.retaken")) == 1


def test_lock_lost_in_front_of_the_repeatables_is_had_before_them(gate: Gate) -> None:
    """And not only in front of what follows them, as there may be nothing."""
    report = gate.run(TABLE | {"beforeRepeatables.sql": LOSE_LOCK, "R__v.sql": told("R")})
    assert report.exit_code is ExitCode.OK, report.verdict
    names = [name for name, _, _ in gate.events.told]
    assert "lock.retaken" in names
    assert names.index("lock.retaken") < len(names) - names[::-1].index("migration.started") - 1
