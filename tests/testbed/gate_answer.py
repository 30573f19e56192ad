"""What presync answered, as a test looks at it."""

from __future__ import annotations

from typing import Any

from hook.errors import ExitCode
from tests.testbed.process import Completed


def findings(done: Completed, gate: str) -> list[dict[str, Any]]:
    """Return the findings of *gate* in the report."""
    return [
        finding
        for stage in done.report["stages"]
        if stage["name"] == gate
        for finding in stage["findings"]
    ]


def told(done: Completed, gate: str) -> str:
    """Return the messages of *gate*, one a line."""
    return "\n".join(finding["message"] for finding in findings(done, gate))


def assert_answer(done: Completed, code: ExitCode, gate: str, *parts: str) -> None:
    """Fail unless *done* ended with *code*, and *gate* said all *parts*."""
    assert done.exit_code == code, done.stderr
    text = told(done, gate)
    for part in parts:
        assert part in text
