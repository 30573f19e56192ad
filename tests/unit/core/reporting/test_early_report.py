"""Reports of commands that ended before their first stage."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding
from hook.core.reporting.early_report import report_of_abandoned, report_of_error
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


def test_what_hangs_claims_nothing_of_the_database() -> None:
    """Only the thread that hangs knows what it did."""
    report = report_of_abandoned("SIGTERM", "run", "r1", NOON)
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received and a call that nothing can interrupt does not"
        " return"
    )
    assert report.exit_code is ExitCode.INTERRUPTED
    assert report.results[0].findings[0].hint
