"""When a history may be started with a baseline on request."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding, Status
from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.baseline_command import judge_baseline_command, summarize_baseline
from hook.core.schema_history.history import History, HistoryRow
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from tests.testbed.release import baseline, history, row

ABSENT = History(
    "app", "flyway_schema_history", exists=False, existing_objects=("table app.orders",)
)
SCHEMA = row(0, "R__x.sql", None, "SCHEMA")._replace(description="<< Flyway Schema Creation >>")
ONE = BaselineRules()


def judge(found: History, rules: BaselineRules = ONE) -> tuple[Finding, ...]:
    """Return the findings where missing schemas are created."""
    return judge_baseline_command(found, rules, creates_schemas=True)


def test_baseline_of_a_schema_with_objects_names_them() -> None:
    """Whoever confirms it sees what is adopted, and where."""
    (found,) = judge(ABSENT)
    assert found.status is Status.WARNED
    assert found.message == (
        "create app.flyway_schema_history with row 1: what is there (table app.orders)"
        " is baseline version 1 '<< Flyway Baseline >>'"
    )
    summary = summarize_baseline(ABSENT, ONE, creates_schemas=True)
    assert summary == "baseline version 1 '<< Flyway Baseline >>'"


def test_baseline_creates_the_schemas_that_are_missing() -> None:
    """They are told one by one; those that may not be created are left."""
    absent = ABSENT._replace(missing_schemas=("app", "more"), existing_objects=())
    assert [item.message for item in judge(absent)][:2] == [
        "create schema app",
        "create schema more",
    ]
    (found,) = judge_baseline_command(absent, ONE, creates_schemas=False)
    assert (found.code, found.message) == (ExitCode.CONFIG, "schema app does not exist")
    other = absent._replace(missing_schemas=("more",))
    assert len(judge_baseline_command(other, ONE, creates_schemas=False)) == 1


def test_baseline_that_is_there_is_as_good_as_new() -> None:
    """Versions are compared as numbers."""
    there = history(baseline(1, "1.0"))
    (found,) = judge(there)
    assert found.status is Status.PASSED
    assert summarize_baseline(there, ONE, creates_schemas=True) == ""
    (found,) = judge(history(SCHEMA, baseline(1, "1")))
    assert found.status is Status.PASSED
    described = BaselineRules(description="x" * 250)
    stored = baseline(1, "1")._replace(description="x" * 197 + "...")
    assert not judge(history(stored), described)[0].code


@pytest.mark.parametrize(
    ("rows", "version", "code", "rule"),
    [
        ((baseline(1, "2"),), "1", ExitCode.CONFIG, "baseline-other"),
        ((), "1", ExitCode.DRIFT, "baseline-empty"),
        ((SCHEMA,), "0", ExitCode.CONFIG, "baseline-version"),
        ((SCHEMA,), "1", ExitCode.DRIFT, "baseline-late"),
        ((row(1, "V1__a.sql"),), "1", ExitCode.DRIFT, "baseline-late"),
        ((SCHEMA, row(1, "V1__a.sql"), baseline(2, "1")), "1", ExitCode.DRIFT, "baseline-late"),
        ((row(1, "V1__a.sql", kind="MAGIC"),), "1", ExitCode.UNSUPPORTED, "history-row"),
    ],
)
def test_baseline_of_a_history_with_rows_is_refused(
    rows: tuple[HistoryRow, ...], version: str, code: ExitCode, rule: str
) -> None:
    """A baseline is where a history starts, and nothing that is added to one."""
    (found,) = judge(history(*rows), BaselineRules(version=Version.parse(version)))
    assert (found.code, found.rule) == (code, rule)
    assert found.hint


def test_baseline_version_must_fit_the_history() -> None:
    """The column holds 50 characters."""
    (found,) = judge(ABSENT, BaselineRules(version=Version.parse("1" * 51)))
    assert found.code is ExitCode.CONFIG
