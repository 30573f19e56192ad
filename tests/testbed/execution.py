"""Commands carried out within the test's own process."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hook.core.reporting.report import Report

CANARY = "c4nary/p@ss"
DATABASE = {"PRESYNC_URL": "postgresql://shop:c4nary%2Fp%40ss@db/shop"}
Work = Callable[..., Report]


class Outcome:
    """What one execution said."""

    def __init__(self, code: int, captured: pytest.CaptureFixture[str]) -> None:
        """Take what was written since the last time."""
        self.code = code
        self.stdout, self.stderr = captured.readouterr()

    @property
    def report(self) -> dict[str, object]:
        """Return stdout as JSON."""
        parsed: dict[str, object] = json.loads(self.stdout)
        return parsed

    @property
    def events(self) -> list[dict[str, object]]:
        """Return the log."""
        return [json.loads(line) for line in self.stderr.splitlines()]


Run = Callable[..., Outcome]


def returning(report: Report) -> Work:
    """Return a command that ends with *report*."""
    return lambda *_given, **_orders: report
