"""Connections that are lost amid statements that are only work, as VACUUM is."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually

WAITING = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE"
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table with an index."""
    gate.limit(run_settings(ladder=[30, 30]))
    report = gate.run({"V1__t.sql": "CREATE TABLE t (id int PRIMARY KEY)"})
    assert report.exit_code is ExitCode.OK


@pytest.mark.parametrize(
    "statement",
    ["VACUUM t", "VACUUM FULL t", "ANALYZE t", "REINDEX TABLE t", "CLUSTER t USING t_pkey"],
)
def test_work_that_is_lost_is_done_again(gate: Gate, statement: str) -> None:
    """Nobody knows whether it was done, and to do it once more does no harm."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start({"V2__x.sql": f"SET lock_timeout = 0;\n{statement};", **ALONE})
        waiting = (
            f"FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '{statement}%'"
        )
        eventually(lambda: bool(gate.database.query(f"SELECT {waiting}")))
        gate.database.query(f"SELECT pg_terminate_backend(pid) {waiting}")
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert [row[2:] for row in gate.history()] == [("V1__t.sql", True), ("V2__x.sql", True)]


def test_work_that_is_lost_in_every_attempt_is_left_to_the_next_run(gate: Gate) -> None:
    """No failed row keeps that one away."""
    gate.limit(run_settings(ladder=[30]))
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start({"V2__x.sql": "ANALYZE pg_class;\nVACUUM t;", **ALONE})
        waiting = f"{WAITING} 'VACUUM t%'"
        eventually(lambda: bool(gate.database.query(f"SELECT {waiting}")))
        gate.database.query(f"SELECT pg_terminate_backend(pid) {waiting}")
        report = running.report()
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert deciding(report).message.endswith(
        "; maybe left behind: everything up to line 1, the work of line 2"
    )
    assert deciding(report).hint.endswith("; the next run goes on there.")
    assert gate.run().exit_code is ExitCode.OK
