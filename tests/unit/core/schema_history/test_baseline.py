"""A schema with objects and without history."""

from __future__ import annotations

import pytest

from hook.core.outcome import Status
from hook.core.schema_history.baseline import BaselineRules, judge_baseline, with_baseline
from hook.core.schema_history.history import History
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from tests.testbed.release import history, row

FOUND = History(
    "public", "flyway_schema_history", exists=False, existing_objects=("table public.orders",)
)
BOTH = BaselineRules(on_migrate=True, is_allowed=True, version=Version.parse("0"))


@pytest.mark.parametrize(
    "rules", [BaselineRules(), BaselineRules(on_migrate=True), BaselineRules(is_allowed=True)]
)
def test_baseline_needs_both_switches(rules: BaselineRules) -> None:
    """Flyway's own switch would adopt any database, also the wrong one."""
    (found,) = judge_baseline(FOUND, rules)
    assert found.code is ExitCode.CONFIG
    assert found.message == (
        "schema public has no flyway_schema_history but holds table public.orders"
    )
    assert "FLYWAY_BASELINE_ON_MIGRATE=true and PRESYNC_ALLOW_BASELINE=true" in found.hint
    assert with_baseline(FOUND, rules) == FOUND


def test_baseline_with_both_switches_is_told_and_planned_on() -> None:
    """The plan sees the row that will be there."""
    (found,) = judge_baseline(FOUND, BOTH)
    assert found.status is Status.WARNED
    assert "adopted as version 0" in found.message
    (first,) = with_baseline(FOUND, BOTH).rows
    assert (first.installed_rank, first.version, first.type) == (1, "0", "BASELINE")
    assert first.description == first.script == "<< Flyway Baseline >>"


@pytest.mark.parametrize("is_wanted", [False, True])
def test_baseline_is_dispensable_where_no_script_is_run(
    is_wanted: bool,  # noqa: FBT001 - a parameter
) -> None:
    """As with Flyway, which then makes none either way, but not in silence."""
    rules = BaselineRules(on_migrate=is_wanted, is_allowed=is_wanted, is_dispensable=True)
    (found,) = judge_baseline(FOUND, rules)
    assert found.status is Status.WARNED
    assert "holds table public.orders; no script is run" in found.message
    assert with_baseline(FOUND, rules) == FOUND


def test_baseline_is_not_made_where_it_is_not_needed() -> None:
    """A schema that is empty or new, or a history that is there, even an empty one."""
    empty = History("public", "flyway_schema_history", exists=False)
    new = FOUND._replace(schema="app", missing_schemas=("app",))
    for found in (empty, new, history(), history(row(1, "V1__a.sql"))):
        assert judge_baseline(found, BOTH) == ()
        assert with_baseline(found, BOTH) == found
