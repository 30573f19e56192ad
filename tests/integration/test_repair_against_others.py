"""The command `repair` while another session, or the network, is in its way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from tests.testbed.contention import blockers_of, holder
from tests.testbed.database import Role
from tests.testbed.deployment import OURS
from tests.testbed.gate import WORDING, Gate, deciding
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually, target_of

LOCKED_ROW = "SELECT 1 FROM flyway_schema_history WHERE version = '3' FOR UPDATE"
ROWS = "SELECT flyway_schema_history::text FROM flyway_schema_history ORDER BY 1"


@pytest.fixture(autouse=True)
def _broken(gate: Gate) -> None:
    """Begin with two failed rows; the first is in nobody's way."""
    files = dict.fromkeys(("V1__a.sql", "V2__b.sql", "V3__c.sql"), "SELECT 1")
    assert gate.run(files).exit_code is ExitCode.OK
    gate.database.execute("UPDATE flyway_schema_history SET success = (version = '1')")


def repair(gate: Gate) -> Report:
    """Run the command, confirmed."""
    return bootstrap.repair(gate.settings, gate.context(), Orders(is_confirmed=True), WORDING)


def rows(gate: Gate) -> list[object]:
    """Return the rows of the history, every byte of them."""
    return [text for (text,) in gate.database.query(ROWS)]


def through(gate: Gate, proxy: Proxy) -> None:
    """Let *gate* reach its database through *proxy*."""
    target = proxy.target(gate.database)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))


def test_repair_waits_for_a_locked_row_no_longer_than_it_says(gate: Gate) -> None:
    """Nothing is half changed, and the reader learns who holds the row and since when."""
    before = rows(gate)
    with holder(gate, LOCKED_ROW) as other:
        report = repair(gate)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION
    assert report.verdict.endswith("; rolled back, at 1")
    finding = deciding(report)
    assert finding.message.startswith("waited ")
    assert f" for pid {pid} (user postgres, console, client " in finding.message
    assert "transaction open for " in finding.message
    assert f"SELECT pg_terminate_backend({pid});" in finding.hint
    assert [item["pid"] for item in blockers_of(report)] == [pid]
    assert rows(gate) == before
    assert repair(gate).exit_code is ExitCode.OK


def test_repair_that_cannot_look_says_that_nobody_knows_who_holds_the_row(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """The role may open no further session to look with; the server ends the wait."""
    role = make_role(attributes="CONNECTION LIMIT 2")
    gate.database.execute(
        "GRANT ALL ON SCHEMA public TO PUBLIC; GRANT ALL ON flyway_schema_history TO PUBLIC"
    )
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))
    with holder(gate, LOCKED_ROW):
        report = repair(gate)
    assert report.exit_code is ExitCode.CONTENTION
    assert "whom it waited for could not be found out: " in deciding(report).message
    assert "too many connections" in deciding(report).message


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_repair_that_loses_its_connection_claims_nothing(
    gate: Gate, proxy: Proxy, fault: Fault
) -> None:
    """Whether it was done is not known; all rows are changed or none, and it can be repeated."""
    through(gate, proxy)
    before = rows(gate)
    proxy.lose("DELETE FROM", fault)
    report = repair(gate)
    assert report.exit_code is ExitCode.UNREACHABLE
    assert "connection lost" in report.verdict
    for claim in ("untouched", "rolled back", "removed"):
        assert claim not in report.verdict
    ours = f"SELECT 1 {OURS} '{gate.database.name}'"
    eventually(lambda: not gate.database.query(ours))
    assert rows(gate) == (before if fault is Fault.REQUEST else before[:1])
    again = repair(gate)
    assert again.exit_code is ExitCode.OK
    assert rows(gate) == before[:1]
