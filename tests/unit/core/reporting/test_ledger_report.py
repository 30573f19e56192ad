"""What a report of a run that failed leaves for the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.outcome import Result, failed
from hook.core.reporting.ledger import (
    failed_script_of,
    goes_on_after,
)
from hook.core.reporting.past_run import FailedScript
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from tests.unit.render.reports import PASSED_RUN

MESSAGE = 'V5__add.sql:17 42703 column "emial" does not exist'
FAILED = FailedScript("V5__add.sql", 7, 5, MESSAGE)


def report(code: ExitCode, **facts: object) -> Report:
    """Return the report of a run that ended with *code*."""
    finding = replace(failed(code, "sql", MESSAGE), facts=facts)
    return PASSED_RUN._replace(exit_code=code, results=(Result("migrate", (finding,)),))


def test_failed_script_is_that_of_the_deciding_finding() -> None:
    """Script, checksum and rank are the facts of the error that ended the run."""
    told = report(ExitCode.SQL_FAILED, script="V5__add.sql", checksum=7, rank=5, sqlstate="42703")
    assert failed_script_of(told) == FAILED


def test_checksum_may_be_missing() -> None:
    """A script whose checksum is not known is compared by its name alone."""
    told = report(ExitCode.SQL_FAILED, script="V5__add.sql", rank=5)
    assert failed_script_of(told) == FAILED._replace(checksum=None)


@pytest.mark.parametrize(
    "told",
    [
        PASSED_RUN,
        report(ExitCode.CONTENTION, script="V5__add.sql", checksum=7, rank=5),
        report(ExitCode.SQL_FAILED),
        report(ExitCode.SQL_FAILED, script="V5__add.sql"),
        PASSED_RUN._replace(exit_code=ExitCode.SQL_FAILED),
        report(ExitCode.SQL_FAILED, script="V5__add.sql", checksum=7, rank=5, sqlstate="53100"),
    ],
    ids=["passed", "lost against others", "no script", "no rank", "no finding", "disk full"],
)
def test_other_failures_are_not_remembered(told: Report) -> None:
    """What may succeed the next time is tried the next time."""
    assert failed_script_of(told) is None


def test_report_tells_whether_the_row_says_how_far_a_script_came() -> None:
    """Only the errors know whether something else does, a failed row for example."""
    assert goes_on_after(report(ExitCode.PARTIAL, goes_on="V5__add.sql"))
    assert not goes_on_after(report(ExitCode.PARTIAL, script="V5__add.sql"))
