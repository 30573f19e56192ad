"""The flags of the commands that edit the schema history."""

from __future__ import annotations

import pytest

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from hook.settings import Settings
from hook.stages import Context
from tests.testbed.execution import DATABASE, Run
from tests.unit.render.reports import PASSED_RUN

FIVE = Version.parse("5.1")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Orders]:
    """Return the orders that the commands which write were given."""
    seen: list[Orders] = []

    def edit(_settings: Settings, _ctx: Context, orders: Orders, **_: object) -> Report:
        seen.append(orders)
        return PASSED_RUN

    monkeypatch.setattr(bootstrap, "repair", edit)
    monkeypatch.setattr(bootstrap, "baseline", edit)
    monkeypatch.setattr(bootstrap, "run", edit)
    return seen


def test_edits_are_confirmed_by_a_flag(run: Run, given: list[Orders]) -> None:
    """Without it nothing is to be changed."""
    assert run("repair", env=DATABASE).code == 0
    assert run("baseline", "--yes", env=DATABASE).code == 0
    assert run("repair", "--version", "5_1", "--yes", env=DATABASE).code == 0
    assert given == [Orders(), Orders(is_confirmed=True), Orders(is_confirmed=True, only=FIVE)]


def test_remembered_failure_is_tried_again_by_a_flag(run: Run, given: list[Orders]) -> None:
    """Only whoever starts this one run can say so."""
    assert run("run", env=DATABASE).code == 0
    assert run("run", "--retry-failed", env=DATABASE).code == 0
    assert run("run", env=DATABASE | {"PRESYNC_RETRY_FAILED": "true"}).code == ExitCode.CONFIG
    assert given == [Orders(), Orders(retries_failed=True)]


@pytest.mark.parametrize("name", ["PRESYNC_YES", "PRESYNC_CONFIRMED", "PRESYNC_VERSION"])
def test_edits_are_not_confirmed_by_a_variable(run: Run, given: list[Orders], name: str) -> None:
    """It would stay in a manifest, and confirm what nobody has looked at."""
    assert run("repair", env=DATABASE | {name: "true"}).code == ExitCode.CONFIG
    assert not given


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--sql"),
        ("run", "--ids"),
        ("info", "--of-state", "done"),
        ("repair", "--version", "five"),
        ("run", "--yes"),
        ("baseline", "--version", "1"),
    ],
)
def test_flags_of_other_commands_and_bad_versions_are_refused(
    run: Run, given: list[Orders], arguments: tuple[str, ...]
) -> None:
    """Nothing is guessed."""
    assert run(*arguments, env=DATABASE).code == ExitCode.USAGE
    assert not given
