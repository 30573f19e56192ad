"""Reports of commands that ended before their first stage."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding
from hook.core.reporting.early_report import Hanging, report_of_abandoned, report_of_error
from hook.core.reporting.report import Report
from hook.errors import BadFlags, ConfigError, ExitCode, HookError
from tests.fakes import NOON

HELP = "presync run --help"
HINT = "Correct both."


def findings_of(error: HookError) -> tuple[Finding, ...]:
    """Return what the report of *error* finds."""
    (result,) = report_of_error(error, "run", "r1", NOON, HELP).results
    return result.findings


@pytest.mark.parametrize("error", [ConfigError(("a", "b"), HINT), BadFlags(("a", "b"), HINT)])
def test_each_problem_is_a_finding_with_the_next_step_for_all(error: HookError) -> None:
    """A list is read one line at a time, and a line of the log alone."""
    findings = findings_of(error)
    assert [(item.message, item.hint) for item in findings] == [("a", HINT), ("b", HINT)]
    assert {item.code for item in findings} == {error.exit_code}


@pytest.mark.parametrize("kind", [ConfigError, BadFlags])
def test_each_problem_is_a_finding_with_its_own_next_step(
    kind: type[ConfigError | BadFlags],
) -> None:
    """What mends one of them does not mend another."""
    findings = findings_of(kind(("a", "b"), "Mend a. Mend b.", ("Mend a.", "Mend b.")))
    assert [(item.message, item.hint) for item in findings] == [("a", "Mend a."), ("b", "Mend b.")]


@pytest.mark.parametrize("error", [ConfigError((), HINT), HookError("broken", HINT)])
def test_an_error_without_a_list_is_one_finding(error: HookError) -> None:
    """Nothing that ends a command is left untold."""
    (finding,) = findings_of(error)
    assert (finding.message, finding.hint) == (error.message, HINT)


@pytest.mark.parametrize(
    ("error", "steps"),
    [(ConfigError(("a",)), (HELP,)), (BadFlags(("a",)), (HELP,)), (HookError("broken"), ())],
)
def test_no_command_is_named_that_would_end_in_the_same_way(
    error: HookError, steps: tuple[str, ...]
) -> None:
    """The settings that were refused are those that any command but help is given."""
    report = report_of_error(error, "run", "r1", NOON, HELP)
    assert report.next_steps == steps
    assert report.exit_code is error.exit_code
    assert report.exit_code is not ExitCode.OK


@pytest.mark.parametrize(
    ("signal_name", "why"),
    [
        ("SIGTERM", "FAILED 40 INTERRUPTED: SIGTERM received"),
        ("", "FAILED 23 BUDGET: PRESYNC_DEADLINE (25m) is used up"),
    ],
)
@pytest.mark.parametrize(
    ("stage", "state"), [("resolve", "; database untouched"), ("migrate", ""), ("callbacks", "")]
)
def test_what_hangs_claims_of_the_database_what_is_known(
    signal_name: str, why: str, stage: str, state: str
) -> None:
    """Behind the first statement only the thread that hangs knows what it did."""
    hanging = Hanging(signal_name, "PRESYNC_DEADLINE (25m)", stage, "run", "r1")
    report = report_of_abandoned(hanging, NOON)
    assert report.verdict == (
        f"{why} and a call in stage {stage} that nothing can interrupt does not return{state}"
    )
    assert int(report.exit_code) == int(report.verdict.split()[1])
    assert report.results[0].name == stage
    assert report.results[0].findings[0].hint


def test_what_hangs_behind_a_commit_is_not_said_to_be_rolled_back() -> None:
    """The server may have done it, and only its answer is missing."""
    hanging = Hanging("SIGTERM", "PRESYNC_DEADLINE (25m)", "migrate", "run", "r1")
    (finding,) = report_of_abandoned(hanging, NOON).results[0].findings
    assert finding.hint.endswith(" is rolled back, unless its COMMIT was under way.")


@pytest.mark.parametrize(
    ("signal_name", "why"),
    [("SIGTERM", "SIGTERM received"), ("", "PRESYNC_DEADLINE (25m) is used up")],
)
@pytest.mark.parametrize(
    ("code", "told"),
    [
        (ExitCode.OK, "FAILED 50 REPORT: {}, and nobody takes the report"),
        (ExitCode.DRIFT, "the verdict of the run"),
    ],
)
def test_report_that_nobody_takes_changes_no_worse_verdict(
    code: ExitCode, told: str, signal_name: str, why: str
) -> None:
    """What became of the database is known, and stays told."""
    ended = Report("run", "r1", "the verdict of the run", code, NOON, NOON)
    hanging = Hanging(signal_name, "PRESYNC_DEADLINE (25m)", "report", "run", "r1", ended)
    report = report_of_abandoned(hanging, NOON)
    assert report.verdict == told.format(why)
    assert report.exit_code is (code or ExitCode.REPORT)
    assert report.results[-1].findings[0].hint
