"""REINDEX TABLE CONCURRENTLY of a partitioned table: writers have to queue behind it after all."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.contention import blockers_of, holder, patient, reasons, waiting_of
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.readers import reading

PARTITIONED = (
    "CREATE TABLE p (id int) PARTITION BY RANGE (id);"
    " CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE INDEX i ON p (id)"
)
REINDEX = {"V2__r.sql": "REINDEX TABLE CONCURRENTLY p"}
WRITE = "INSERT INTO p VALUES (1)"


pytestmark = pytest.mark.since_server(14, "REINDEX of partitioned tables")


def test_writers_wait_no_longer_than_the_damage_budget_allows(gate: Gate) -> None:
    """It asks for a lock on all partitions first, without a limit of its own."""
    assert gate.run({"V1__p.sql": PARTITIONED}).exit_code is ExitCode.OK
    patient(gate, 0.4, 60)
    with holder(gate, WRITE) as other, reading(gate.database, 1, WRITE) as writers:
        report = gate.run(REINDEX)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert reasons(gate) == ["damage budget of an attempt"] * 2
    assert [item["pid"] for item in blockers_of(report)] == [pid]
    assert waiting_of(report)[0]["application"] == "web"
    assert "left behind" not in deciding(report).message
    assert writers.longest < 10
    assert gate.run().exit_code is ExitCode.OK


def test_statement_timeout_alone_ends_the_wait_without_a_budget(gate: Gate) -> None:
    """A rung of the ladder is far shorter, and ends nothing here, however many wait."""
    assert gate.run({"V1__p.sql": PARTITIONED}).exit_code is ExitCode.OK
    limits = run_settings(ladder=[0.05], statement_timeout=2)
    gate.limit(limits._replace(damage_budget=None))
    with holder(gate, WRITE), reading(gate.database, 1, WRITE) as writers:
        report = gate.run(REINDEX)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert deciding(report).facts["sqlstate"] == "57014"
    assert writers.longest > 1
    gate.limit(run_settings())
    assert gate.run().exit_code is ExitCode.OK
