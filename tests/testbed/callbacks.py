"""Callbacks that leave a trace, and what they have left."""

from __future__ import annotations

from hook.core.outcome import Finding
from hook.core.reporting.report import Report
from tests.testbed.gate import Gate

BAD = "SELECT nothing_like_this()"
TABLE = {"V1__t.sql": "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)"}
SLEEPING = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'"
    " AND datname = current_database()"
)
_EVENTS = "SELECT event FROM audit.trace ORDER BY n"


def prepare_trace(gate: Gate) -> None:
    """Make an empty trace, out of the way of the schema history."""
    gate.database.execute("CREATE SCHEMA audit CREATE TABLE trace (n serial, event text)")


def told(event: str) -> str:
    """Return SQL that leaves *event* in the trace."""
    return f"INSERT INTO audit.trace (event) VALUES ('{event}')"


def telling(*events: str) -> dict[str, str]:
    """Return a callback for each of *events*."""
    return {f"{event}.sql": told(event) for event in events}


def trace(gate: Gate) -> list[str]:
    """Return the trace, and empty it."""
    found = [event for (event,) in gate.database.query(_EVENTS)]
    gate.database.execute("TRUNCATE audit.trace")
    return [str(event) for event in found]


def findings(report: Report, rule: str = "callback") -> list[Finding]:
    """Return the findings of *rule*."""
    return [item for result in report.results for item in result.findings if item.rule == rule]
