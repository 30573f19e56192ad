"""The event of the log that tells a finding."""

from __future__ import annotations

from hook.core.outcome import Finding, Status

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
