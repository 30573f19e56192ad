"""Locks that show only when a statement runs."""

from __future__ import annotations

from hook import bootstrap
from hook.core.outcome import Finding, Policy
from hook.core.reporting.report import Report
from tests.testbed.gate import Gate

BLOCK = "DO $$ BEGIN ALTER TABLE t ADD y int; END $$"


def findings_of(report: Report) -> list[Finding]:
    """Return the findings of all stages."""
    return [item for result in report.results for item in result.findings]


def test_locks_that_nobody_can_foresee_are_told_alike(gate: Gate) -> None:
    """The plan names the place, and the gate of the blockers claims no more than it saw."""
    gate.release(
        {
            "V1__t.sql": "CREATE TABLE t (id int)",
            "V2__x.sql": f"ALTER TABLE t ADD x int;\n{BLOCK}",
            "afterMigrate.sql": "CALL p()",
        }
    )
    blockers = gate.settings.blockers._replace(policy=Policy.ENFORCE)
    gate.settings = gate.settings._replace(blockers=blockers)
    checked = findings_of(bootstrap.check(gate.settings, gate.context()))
    planned = findings_of(bootstrap.plan(gate.settings, gate.context()))
    told = "what V2__x.sql:2, afterMigrate.sql:1 may lock shows only at run time"
    assert told in [item.message for item in checked]
    unforeseen = [item.facts["unforeseen"] for item in planned if "unforeseen" in item.facts]
    assert unforeseen == [[], ["V2__x.sql:2"], ["afterMigrate.sql:1"]]
