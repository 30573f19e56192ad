"""Only some migrations of a release, in an order of their own."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding, Status
from hook.core.schema_history.cherry_pick import CherryPick, Pick
from hook.core.schema_history.cherry_pick_findings import judge_picks
from hook.core.schema_history.drift import judge_history
from hook.core.schema_history.history import HistoryRow, MigrationState
from hook.core.schema_history.history_rules import HistoryRules, parse_target
from hook.core.schema_history.plan import Plan, plan_pending
from hook.core.schema_history.repair import plan_repair
from hook.core.schema_history.verification import judge_level
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from tests.testbed.release import baseline, history, infos, migration, row

FILES = "V1__a.sql V2__b.sql V3__c.sql R__x_y.sql R__z.sql"


def picking(*texts: str, target: str = "latest", out_of_order: bool = False) -> HistoryRules:
    """Return the rules with a list."""
    picks = CherryPick(tuple(Pick(text) for text in texts))
    return HistoryRules(
        cherry_pick=picks, target=parse_target(target), is_out_of_order=out_of_order
    )


def plan(rules: HistoryRules, *rows: HistoryRow, files: str = FILES) -> Plan:
    """Return the plan for *files* on *rows*."""
    made = tuple(map(migration, files.split()))
    return plan_pending(infos(made, rows, rules), history(*rows), rules)


def pending(rules: HistoryRules, *rows: HistoryRow) -> list[str]:
    """Return what the plan applies."""
    return [item.script for item in plan(rules, *rows).pending]


def judged(rules: HistoryRules, *rows: HistoryRow) -> tuple[Finding, ...]:
    """Return what is said of the list."""
    return judge_picks(plan(rules, *rows), rules)


@pytest.mark.parametrize(
    ("text", "version", "description", "expected"),
    [
        ("2", "2.0", "b", True),
        ("2_0", "2", "b", True),
        ("2", "2.1", "b", False),
        ("create_view", None, "create view", True),
        ("create view", None, "create view", True),
        ("create_view", "7", "create view", True),
        ("Create_view", None, "create view", False),
        ("2", None, "2", True),
        ("2", "3", "2", False),
    ],
)
def test_pick_names_a_version_or_a_description(
    text: str, version: str | None, description: str, *, expected: bool
) -> None:
    """A number is a version, unless it is a repeatable that is asked."""
    found = None if version is None else Version.parse(version)
    assert Pick(text).names(found, description) is expected


def test_picked_migrations_run_in_the_order_of_the_list() -> None:
    """A repeatable may come first."""
    expected = ["R__x_y.sql", "V1__a.sql", "V3__c.sql"]
    assert pending(picking("x_y", "1", "3")) == expected


def test_what_is_not_picked_is_ignored_and_no_mistake() -> None:
    """As Flyway's info shows it; validation passes over it."""
    rules = picking("1", "3")
    made = plan(rules, row(1, "V3__c.sql"))
    states = {info.migration.script: info.state for info in made.infos if info.migration}
    assert states["V2__b.sql"] is states["R__z.sql"] is MigrationState.IGNORED
    late = [item.message for item in judge_history(made.infos, rules) if item.code]
    assert late == ["version 1 (V1__a.sql) was not applied before newer versions were"]


def test_applied_migrations_are_compared_though_they_are_not_picked() -> None:
    """A changed file is drift, whatever this run is about."""
    rules = picking("2")
    made = plan(rules, row(1, "V1__a.sql", 99))
    (found,) = (item for item in judge_history(made.infos, rules) if item.code)
    assert found.code is ExitCode.DRIFT


def test_level_that_is_needed_is_that_of_the_list() -> None:
    """What was not asked for does not keep a rollout waiting."""
    rules = picking("1", "z")
    (found,) = judge_level(plan(rules, row(1, "V1__a.sql"), row(2, "R__z.sql")))
    assert found.status is Status.PASSED
    (found,) = judge_level(plan(rules, row(1, "V1__a.sql")))
    assert found.code is ExitCode.NOT_YET


def test_list_that_can_be_carried_out_is_told() -> None:
    """How much of the release it leaves out is worth a line."""
    (found,) = judged(picking("1", "3"))
    assert found.message == "FLYWAY_CHERRY_PICK: 2 of 5 to be applied"


@pytest.mark.parametrize("text", ["7", "X_y", "x", "V1", "1__a"])
def test_unknown_item_is_refused_by_name(text: str) -> None:
    """A typing error would else apply less than was meant."""
    (found,) = judged(picking("1", text))
    assert found.code is ExitCode.CONFIG
    assert found.message.endswith(f"no migration has the version or description {text}")


def test_item_that_was_applied_is_no_mistake() -> None:
    """Also when its file is gone: validation says so."""
    (found,) = judged(picking("1", "8"), row(1, "V1__a.sql"), row(2, "V8__gone.sql"))
    assert found.status is Status.PASSED


@pytest.mark.parametrize(
    ("rules", "rows", "reason"),
    [
        (picking("3", target="2"), (), "3 is not applied: Above Target"),
        (picking("1"), (baseline(1, "2"),), "1 is not applied: Below Baseline"),
        (picking("b"), (baseline(1, "2"),), "b is not applied: Ignored (Baseline)"),
    ],
)
def test_item_that_never_would_be_applied_is_refused(
    rules: HistoryRules, rows: tuple[HistoryRow, ...], reason: str
) -> None:
    """Passing would say that the schema has it."""
    (found,) = judged(rules, *rows)
    assert (found.code, found.message) == (ExitCode.CONFIG, f"FLYWAY_CHERRY_PICK: {reason}")


def test_version_behind_a_newer_one_needs_out_of_order() -> None:
    """When its turn comes it is out of order, and so would the next run find it."""
    (found,) = judged(picking("3", "1"))
    assert found.code is ExitCode.DRIFT
    assert "V1__a.sql is listed behind the newer version 3" in found.message
    allowed = picking("3", "1", out_of_order=True)
    assert pending(allowed) == ["V3__c.sql", "V1__a.sql"]
    (found,) = judged(allowed)
    assert found.status is Status.PASSED


def test_next_is_the_next_of_the_list() -> None:
    """One step at a time, and no item is in the way of another."""
    rules = picking("z", "2", "3", target="next")
    assert pending(rules) == ["R__z.sql"]
    assert pending(rules, row(1, "R__z.sql")) == ["V2__b.sql"]
    assert pending(rules, row(1, "R__z.sql"), row(2, "V2__b.sql")) == ["V3__c.sql"]
    (found,) = judged(rules)
    assert found.status is Status.PASSED


def test_baseline_script_that_is_not_picked_stands_for_nothing() -> None:
    """Else all versions below it would be left out."""
    made = plan(picking("1"), files="V1__a.sql B2__b.sql V3__c.sql")
    assert [item.script for item in made.pending] == ["V1__a.sql"]


def test_version_of_the_baseline_counts_as_applied() -> None:
    """The row of the baseline stands for it."""
    (found,) = judged(picking("2"), baseline(1, "2"))
    assert found.status is Status.PASSED


def test_version_that_its_baseline_script_stands_for_is_applied() -> None:
    """The list cannot tell the two apart, and need not."""
    rules = picking("2")
    made = plan(rules, files="V1__a.sql B2__b.sql V2__b.sql")
    assert [item.script for item in made.pending] == ["B2__b.sql"]
    (found,) = judge_picks(made, rules)
    assert found.status is Status.PASSED


def test_repair_removes_failed_rows_of_the_list_only() -> None:
    """Marking and aligning are about all rows, as with Flyway."""
    files = [migration("V1__a.sql"), migration("V2__b.sql", 5)]
    rows = (
        row(1, "V1__a.sql", success=False),
        row(2, "V2__b.sql", 4),
        row(3, "V3__c.sql", success=False),
        row(4, "R__z.sql", success=False),
    )
    repair = plan_repair(history(*rows), files, picking("1", "z"))
    assert [item.script for item in repair.removed] == ["V1__a.sql", "R__z.sql"]
    assert [edit.row.script for edit in repair.aligned] == ["V2__b.sql"]
