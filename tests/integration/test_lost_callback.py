"""Callbacks whose connection, or that of the lock, is lost."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.callbacks import SLEEPING, TABLE, prepare_trace, told, trace
from tests.testbed.gate import Gate
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


@pytest.fixture(autouse=True)
def _traced(gate: Gate) -> None:
    """Begin with an empty trace."""
    prepare_trace(gate)


def test_callback_whose_session_the_server_ends_is_tried_again(gate: Gate) -> None:
    """It has said so in front of the COMMIT: what the callback did is rolled back."""
    wait = "SELECT pg_sleep(CASE count(*) WHEN 0 THEN 60 ELSE 0 END) FROM audit.ended"
    gate.database.execute("CREATE TABLE audit.ended ()")
    running = gate.start(TABLE | {"afterMigrate.sql": f"{told('it')};\n{wait}"})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.execute("INSERT INTO audit.ended DEFAULT VALUES")
    gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPING}) AS sleeping")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["it"]
    assert gate.events.named("retry.scheduled")[0]["sqlstate"] == "57P01"


def test_callback_whose_session_is_always_ended_is_given_up(gate: Gate) -> None:
    """Nothing of it is left, and nothing is unknown."""
    ending = f"{told('it')};\nSELECT pg_terminate_backend(pg_backend_pid())"
    report = gate.run(TABLE | {"afterMigrate.sql": ending})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "callback afterMigrate.sql:2 57P01" in report.verdict
    assert "(3 attempts); 1 applied, at 1" in report.verdict
    assert trace(gate) == []


def test_callback_is_not_tried_again_without_the_lock(gate: Gate) -> None:
    """A server that restarts ends both: somebody else may have migrated meanwhile."""
    ending = f"{told('it')};\n{END_LOCK};\nSELECT pg_terminate_backend(pg_backend_pid())"
    report = gate.run(TABLE | {"beforeMigrate.sql": ending})
    assert report.exit_code is ExitCode.LOCKED, report.verdict
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


def test_lost_lock_runs_no_more_callbacks(gate: Gate) -> None:
    """Somebody else may have migrated meanwhile."""
    files = {"afterVersioned.sql": "SELECT pg_sleep(1)", "afterMigrate.sql": told("it")}
    running = gate.start(TABLE | files)
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.query(END_LOCK)
    report = running.report()
    assert report.exit_code is ExitCode.LOCKED, report.verdict
    assert trace(gate) == []


def test_lock_lost_in_front_of_the_repeatables_is_had_before_them(gate: Gate) -> None:
    """And not only in front of what follows them, as there may be nothing."""
    report = gate.run(TABLE | {"beforeRepeatables.sql": LOSE_LOCK, "R__v.sql": told("R")})
    assert report.exit_code is ExitCode.OK, report.verdict
    names = [name for name, _, _ in gate.events.told]
    assert "lock.retaken" in names
    assert names.index("lock.retaken") < len(names) - names[::-1].index("migration.started") - 1
