"""Migrations that give up for the sake of those who wait behind them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.contention import (
    ALTER,
    WATCHING,
    holder,
    patient,
    reasons,
    released,
    waiting_of,
)
from tests.testbed.gate import Gate, deciding
from tests.testbed.readers import reading
from tests.testbed.run_context import eventually, meanwhile

ASLEEP = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
WAITING = "SELECT 1 FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and leave no session of the run behind."""
    with released(gate):
        yield


def test_budget_of_an_attempt_lets_the_readers_go_on(gate: Gate) -> None:
    """The queue behind us is dissolved each time; in the end nothing was harmed or changed."""
    patient(gate, 0.4, 60)
    with holder(gate) as other, reading(gate.database, 1) as readers:
        report = gate.run(ALTER)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert report.verdict.startswith("FAILED 32 CONTENTION: V2__x.sql:2 given up, as 1 session")
    assert report.verdict.endswith("; rolled back, at 1")
    finding = deciding(report)
    assert f"(3 attempts); in the way: pid {pid} (user postgres, console, client" in finding.message
    assert "idle in transaction for" in finding.message
    assert "holds AccessShareLock on t; waiting: pid " in finding.message
    assert "waits for AccessShareLock on t" in finding.message
    assert f"SELECT pg_terminate_backend({pid});" in finding.hint
    assert reasons(gate) == ["damage budget of an attempt"] * 2
    # The server may be slow to notice, but not as slow as the lock_timeout of 30 s.
    assert readers.longest < 10
    assert gate.history() == [(1, "1", "V1__t.sql", True)]


def test_budget_of_the_run_ends_the_ladder(gate: Gate) -> None:
    """Although attempts are left, no more damage is done."""
    patient(gate, 0.4, 0.6, rungs=20)
    with holder(gate), reading(gate.database, 1):
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    finding = deciding(report)
    assert finding.facts["given_up_for"] == "damage budget of the run"
    assert "0.6 are the run's budget" in finding.message
    assert finding.facts["attempts"] in {1, 2, 3}


def test_share_of_waiting_sessions_is_limited(gate: Gate) -> None:
    """Most clients of a small pool are stuck long before the seconds add up."""
    patient(gate, 1000, 1000)
    with holder(gate), reading(gate.database, 3) as readers:
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert reasons(gate)[:2] == ["share of waiting sessions"] * 2
    assert readers.longest < 10


def test_holder_that_leaves_in_time_costs_nothing(gate: Gate) -> None:
    """Who waits without anybody behind has all the time of the ladder."""
    with holder(gate) as other:
        running = gate.start(ALTER)
        eventually(lambda: bool(gate.database.query(WATCHING)))
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1


def test_locks_held_for_long_are_damage_too(gate: Gate) -> None:
    """Nobody is in the way: the migration itself takes too long, and will do so again."""
    script = {"V2__x.sql": "ALTER TABLE t ADD x int;\nSELECT pg_sleep(60)"}
    patient(gate, 0.4, 0.6)
    with reading(gate.database, 1) as readers:
        report = gate.run(script)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert report.verdict.startswith("FAILED 23 BUDGET: V2__x.sql:2 given up, as 1 session waited")
    assert "PRESYNC_DAMAGE_BUDGET" in deciding(report).hint
    assert "in the way" not in deciding(report).message
    assert readers.longest < 10


def test_queue_behind_somebody_else_counts(gate: Gate) -> None:
    """The reader waits for a TRUNCATE that waits for us: only both are too many."""
    script = {"V2__x.sql": "SELECT id FROM t;\nSELECT pg_sleep(60)"}
    patient(gate, 1000, 1000, rungs=1)
    with gate.database.connect() as truncating:
        running = gate.start(script)
        eventually(lambda: bool(gate.database.query(ASLEEP)))
        with meanwhile(lambda: truncating.execute("TRUNCATE t")):
            eventually(lambda: bool(gate.database.query(f"{WAITING} AND mode LIKE 'AccessEx%'")))
            with reading(gate.database, 1, "SELECT id FROM t WHERE id = 1"):
                report = running.report()
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    locks = [item["locks"][0]["mode"] for item in waiting_of(report)]
    assert sorted(locks) == ["AccessExclusiveLock", "AccessShareLock"]


def test_maintenance_that_waits_is_no_damage(gate: Gate) -> None:
    """A VACUUM can wait; nobody waits for it."""
    script = {"V2__x.sql": "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE;\nSELECT pg_sleep(2)"}
    patient(gate, 0.1, 0.1)
    with gate.database.connect() as vacuuming:
        running = gate.start(script)
        eventually(lambda: bool(gate.database.query(ASLEEP)))
        with meanwhile(lambda: vacuuming.execute("VACUUM t")):
            report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1


def test_writer_behind_a_row_counts(gate: Gate) -> None:
    """A row lock makes others wait as a table lock does."""
    script = {"V2__x.sql": "UPDATE t SET name = 'b';\nSELECT pg_sleep(60)"}
    query = "UPDATE t SET name = 'c' WHERE id = 1"
    with reading(gate.database, 1, query):
        report = gate.run(script)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert "waits for a row" in deciding(report).message


def test_nobody_harmed_is_no_reason_to_give_up(gate: Gate) -> None:
    """A long migration on tables of its own is left alone."""
    patient(gate, 0.001, 0.001)
    with reading(gate.database, 2):
        report = gate.run({"V2__x.sql": "CREATE TABLE u (); SELECT pg_sleep(1)"})
    assert report.exit_code is ExitCode.OK, report.verdict
