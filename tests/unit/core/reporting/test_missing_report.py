"""The verdict of a run whose report could not be written."""

from __future__ import annotations

import pytest

from hook.core.outcome import failed
from hook.core.reporting.report import AppliedMigration
from hook.core.reporting.verdict import RunFacts, compose_verdict
from hook.errors import ExitCode

ADDED = AppliedMigration("4", "add", "V4__add.sql", 1, 1, transactional=True)


@pytest.mark.parametrize(
    ("applied", "after", "state"),
    [((ADDED,), "4", "; 1 applied, at 4"), ((), "4", "; database at 4"), ((), None, "")],
)
def test_verdict_of_a_missing_report_says_what_the_run_did(
    applied: tuple[AppliedMigration, ...], after: str | None, state: str
) -> None:
    """A version behind a comma would be read as part of the path."""
    finding = failed(ExitCode.REPORT, "report", "it is so")
    verdict = compose_verdict(RunFacts(finding, applied, after=after))
    assert verdict == f"FAILED 50 REPORT: it is so{state}"
