"""What to type next."""

from __future__ import annotations

import pytest

from hook.commands import SHAPES
from hook.core.outcome import failed
from hook.core.reporting.next_steps import next_steps
from hook.errors import ExitCode

RULES = ("", "failure-remembered", "cut-off", "syntax", "script-empty")
FINDINGS = [failed(code, rule, "") for code in ExitCode for rule in RULES]


def test_steps_are_commands_that_exist() -> None:
    """What a report tells to type can be typed, flags included."""
    steps = {step for finding in FINDINGS for step in next_steps(finding, "")}
    flags = {shape.name: {flag.value for flag in shape.flags} for shape in SHAPES}
    for _, command, *own in map(str.split, steps):
        assert set(own) <= flags[command]


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        ("history-failed", ("presync info", "presync repair")),
        ("failure-remembered", ("presync info --runs",)),
        ("cut-off", ("presync info --runs",)),
    ],
)
def test_steps_lead_to_what_remembers_the_failure(rule: str, steps: tuple[str, ...]) -> None:
    """A failed row stands in the schema history, a failed run in the ledger."""
    assert next_steps(failed(ExitCode.FAILED_BEFORE, rule, ""), "run") == steps


@pytest.mark.parametrize("rule", ["syntax", "script-empty"])
def test_lint_is_no_step_after_what_it_does_not_find(rule: str) -> None:
    """It has no server that parses, and no history."""
    assert next_steps(failed(ExitCode.BAD_SET, rule, ""), "run") == ("presync plan",)


def test_who_is_blocked_is_sent_to_the_locks_of_each_script() -> None:
    """The gate names the lock that is wanted, and not by which script."""
    assert "presync plan" in next_steps(failed(ExitCode.BLOCKED, "blocker-lock", ""), "run")


def test_command_is_no_step_after_itself() -> None:
    """It has told what it knows."""
    finding = failed(ExitCode.NO_WAY_BACK, "backup-age", "")
    assert next_steps(finding, "run") == ("presync check",)
    assert next_steps(finding, "check") == ()
