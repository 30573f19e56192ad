"""The events of the log that tell a finding, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.outcome import Finding, Status

if TYPE_CHECKING:
    from hook.core.reporting.report import Report
    from hook.stages import Events

_LEVELS = {
    Status.PASSED: "debug",
    Status.SKIPPED: "info",
    Status.WARNED: "warning",
    Status.UNKNOWN: "error",
    Status.FAILED: "error",
}


def finding_fields(stage: str, finding: Finding) -> dict[str, object]:
    """Return the fields of the event that tells *finding*; a good one is told in short."""
    fields: dict[str, object] = {
        "level": _LEVELS[finding.status],
        "stage": stage,
        "rule": finding.rule,
        "status": finding.status.value,
    }
    if finding.code:
        fields |= {"code": finding.code.name, "exit_code": int(finding.code)}
    if finding.hint:
        fields["hint"] = finding.hint
    if finding.status is Status.PASSED:
        return fields
    return {**finding.facts, **fields}


def tell_way_back(events: Events, report: Report) -> None:
    """Tell how to go back to before the run of *report*, which has a way."""
    ways = report.marker.restore if report.marker else ()
    events(
        "marker.restore",
        f"to go back to before this run, {ways[0].purpose}: {ways[0].command}",
        level="warning",
        restore=[{"purpose": way.purpose, "command": way.command} for way in ways],
    )
