"""Decides whether what the gates found is just what a new backup would put right."""

from __future__ import annotations

from dataclasses import replace

from hook.core.outcome import Finding, Status, deciding_finding

# No usable backup, or an old one. Not one of another cluster, and never one that could not
# be read: there may be a fresh one.
_NO_FRESH_BACKUP = frozenset({"backup-age", "backup-usable"})
# WAL that is missing behind the last backup, or no backup to replay it on.
_NO_WAY_FROM_BACKUP = frozenset({"wal-archive", "wal-timeline"})


class Deferral:
    """Looks at the findings of each gate, in order, before they are put on record.

    What a new backup would put right becomes a warning, as long as nothing else stands
    against the run: then no backup would help.

    Attributes:
        is_called_for: A backup is to be made; then the gates are to be asked again.
    """

    def __init__(self) -> None:
        self.is_called_for = False
        self._is_hopeless = False

    def revise(self, gate: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Return the *findings* of *gate* as they count."""
        if deciding_finding(findings) is None or self._is_hopeless:
            return findings
        healed = _NO_FRESH_BACKUP if gate == "backup" else frozenset()
        if gate == "archive" and self.is_called_for:
            healed = _NO_WAY_FROM_BACKUP
        if any(item.code and not _is_healed(item, healed) for item in findings):
            self._is_hopeless, self.is_called_for = True, False
            return findings
        self.is_called_for = True
        return tuple(
            replace(item, status=Status.WARNED, code=type(item.code).OK) if item.code else item
            for item in findings
        )


def _is_healed(finding: Finding, rules: frozenset[str]) -> bool:
    return finding.status is Status.FAILED and finding.rule in rules
