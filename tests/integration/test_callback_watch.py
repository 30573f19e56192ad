"""Callbacks on a connection of their own, watched as scripts are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.contention import blockers_of, holder, patient, reasons, released, waiting_of
from tests.testbed.gate import Gate, deciding
from tests.testbed.readers import reading

LOCKING = "SELECT 1;\nLOCK TABLE t"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and leave no session of the run behind."""
    with released(gate):
        yield


@pytest.mark.parametrize("event", ["beforeMigrate", "afterConnect"])
def test_callback_gives_up_its_wait_for_those_behind_it(gate: Gate, event: str) -> None:
    """Within the stage that migrates, and in front of it."""
    patient(gate, 0.4, 60)
    with holder(gate) as other, reading(gate.database, 1) as readers:
        report = gate.run({f"{event}.sql": LOCKING})
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    finding = deciding(report)
    assert finding.message.startswith(f"callback {event}.sql:2 given up, as 1 session waited")
    assert f"(3 attempts); in the way: pid {pid} (user postgres, console, " in finding.message
    assert f"SELECT pg_terminate_backend({pid});" in finding.hint
    assert reasons(gate) == ["damage budget of an attempt"] * 2
    assert [item["pid"] for item in blockers_of(report)] == [pid]
    assert waiting_of(report)[0]["application"] == "web"
    assert readers.longest < 10


def test_callback_that_keeps_its_locks_is_ended(gate: Gate) -> None:
    """Nobody is in the way: it takes too long. What was applied before it stays."""
    patient(gate, 0.4, 0.6)
    script = {
        "V2__x.sql": "CREATE TABLE u ()",
        "afterMigrate.sql": "LOCK TABLE t;\nSELECT pg_sleep(60)",
    }
    with reading(gate.database, 1) as readers:
        report = gate.run(script)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert deciding(report).message.startswith("callback afterMigrate.sql:2 given up, as 1 session")
    assert "PRESYNC_DAMAGE_BUDGET" in deciding(report).hint
    assert readers.longest < 10
    assert len(gate.history()) == 2


def test_callback_without_transaction_leaves_what_it_did(gate: Gate) -> None:
    """It is given up all the same, for those who wait, and somebody has to look."""
    patient(gate, 0.4, 0.6)
    gate.release({"afterMigrate.sql.conf": "executeInTransaction=false"})
    script = "CREATE TABLE u ();\nBEGIN; LOCK TABLE t; SELECT pg_sleep(60);\nCOMMIT"
    with reading(gate.database, 1):
        report = gate.run({"afterMigrate.sql": script})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    message = deciding(report).message
    assert message.startswith("callback afterMigrate.sql:2 given up, as 1 session waited")
    assert message.endswith("; left behind: table u (line 1)")


def test_budget_of_the_run_is_that_of_callbacks_and_migrations(gate: Gate) -> None:
    """What a callback has cost is no longer there for a migration."""
    patient(gate, 4.0, 60, rungs=1)
    files = {
        "beforeMigrate.sql": "LOCK TABLE t; SELECT pg_sleep(2)",
        "V2__x.sql": "LOCK TABLE t; SELECT pg_sleep(60)",
    }
    with reading(gate.database, 1):
        report = gate.run(files)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    damage = deciding(report).facts["damage"]
    assert isinstance(damage, dict)
    assert damage["run_s"] > damage["attempt_s"] + 0.1


def test_progress_of_a_callback_tells_whom_it_waits_for(gate: Gate) -> None:
    """As that of a migration."""
    gate.events.pace /= 100
    patient(gate, 30, 60)
    with holder(gate) as other:
        running = gate.start({"beforeMigrate.sql": LOCKING})
        while not any("in_the_way" in item for item in gate.events.named("callback.progress")):
            assert not any(item.get("exit_code") for item in gate.events.named("finding"))
            other.execute("SELECT pg_sleep(0.05)")
        pid = other.info.backend_pid
        other.rollback()
        assert running.report().exit_code is ExitCode.OK
    told = [item for item in gate.events.named("callback.progress") if "in_the_way" in item]
    assert f"pid {pid} (user " in str(told[0]["in_the_way"])
