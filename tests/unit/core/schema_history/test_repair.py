"""What a repair changes in a schema history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.outcome import Finding
from hook.core.schema_history.applied import read_rows
from hook.core.schema_history.history import History, HistoryRow
from hook.core.schema_history.history_rules import HistoryRules, parse_ignore_pattern, parse_target
from hook.core.schema_history.repair import Repair, plan_repair, repaired
from hook.core.schema_history.repair_findings import judge_repair, summarize_repair
from hook.core.scripts.script import Migration
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from tests.testbed.release import baseline, history, migration, row


def plan(
    files: str | tuple[Migration, ...],
    *rows: HistoryRow,
    rules: HistoryRules | None = None,
    only: str | None = None,
) -> Repair:
    """Return the repair of *rows* for *files*, names or made ones."""
    made = tuple(map(migration, files.split())) if isinstance(files, str) else files
    version = None if only is None else Version.parse(only)
    return plan_repair(history(*rows), made, rules or HistoryRules(), version)


def judge(repair: Repair, *rows: HistoryRow, only: str | None = None) -> tuple[Finding, ...]:
    """Return what is said of *repair*."""
    return judge_repair(history(*rows), repair, None if only is None else Version.parse(only))


def ranks(rows: tuple[HistoryRow, ...]) -> list[int]:
    """Return the ranks of *rows*."""
    return [item.installed_rank for item in rows]


def test_repair_of_a_history_that_agrees_is_empty() -> None:
    """Pending, outdated, deleted and successful rows need no repair."""
    rows = (
        row(1, "V1__a.sql"),
        row(2, "R__r.sql", 7),
        row(3, "V2__gone.sql"),
        row(4, "V2__gone.sql")._replace(type="DELETE"),
    )
    found = plan("V1__a.sql V3__c.sql R__r.sql", *rows)
    assert found.is_empty
    assert summarize_repair(found) == ""
    (told,) = judge(found, *rows)
    assert (
        told.message == "public.flyway_schema_history has no failed row: nothing has to be removed"
    )


def test_repair_removes_failed_rows_and_no_others() -> None:
    """Whatever their kind, and only what failed."""
    rows = (
        row(1, "V1__a.sql"),
        row(2, "V2__b.sql", success=False),
        row(3, "R__r.sql", success=False),
    )
    found = plan("V1__a.sql V2__b.sql R__r.sql", *rows)
    assert found == Repair(removed=rows[1:])
    assert repaired(history(*rows), found).rows == rows[:1]


def test_repair_marks_what_is_gone_behind_the_last_row_that_stays() -> None:
    """Ranks follow the rows that are left, as in Flyway."""
    rows = (
        row(1, "V1__a.sql"),
        row(2, "R__r.sql"),
        row(4, "V2__b.sql"),
        row(5, "V3__c.sql", success=False),
    )
    found = plan("V2__b.sql", *rows)
    assert ranks(found.removed) == [5]
    (first, second) = (edit.result for edit in found.marked)
    assert (first.installed_rank, first.version, first.type) == (5, "1", "DELETE")
    assert (first.script, first.checksum, first.execution_time) == ("V1__a.sql", 1, 0)
    assert (second.installed_rank, second.version, second.description) == (6, None, "r")


@pytest.mark.parametrize(
    ("pattern", "marked"),
    [("*:future", [1]), ("*:missing", [3]), ("versioned:missing", [3]), ("*:*", [])],
)
def test_repair_leaves_what_the_patterns_let_pass(pattern: str, marked: list[int]) -> None:
    """By default the rows of a newer release stay as they are."""
    rules = HistoryRules(ignore_patterns=(parse_ignore_pattern(pattern),))
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V3__c.sql"))
    found = plan("V2__b.sql", *rows, rules=rules)
    assert ranks(tuple(edit.row for edit in found.marked)) == marked


def test_repair_takes_over_checksum_and_description() -> None:
    """Also a checksum that somebody cleared, and below a baseline."""
    rows = (row(1, "V1__a.sql", 5), row(2, "V2__old.sql"), row(3, "V3__c.sql", None))
    found = plan("V1__a.sql V2__new.sql V3__c.sql", *rows, baseline(4, "9"))
    assert ranks(tuple(edit.row for edit in found.aligned)) == [1, 2, 3]
    first, second, third = (edit.result for edit in found.aligned)
    assert (first.checksum, second.description, third.checksum) == (1, "new", 1)
    assert (second.script, second.installed_by) == ("V2__old.sql", "app")


def test_repair_compares_descriptions_as_they_are_stored() -> None:
    """More than 200 characters do not fit, and are no reason to change anything."""
    script = f"V1__{'x' * 250}.sql"
    stored = row(1, script)._replace(description="x" * 197 + "...")
    assert plan(script, stored).is_empty


def test_repair_of_a_repeatable_replaces_the_raw_checksum_only() -> None:
    """A changed repeatable is due to run again, and not to be hidden."""
    files = (migration("R__a.sql", 1, 2), migration("R__b.sql", 1, 2))
    found = plan(files, row(1, "R__a.sql", 2), row(2, "R__b.sql", 3))
    (edit,) = found.aligned
    assert (edit.row.description, edit.result.checksum) == ("a", 1)


def test_repair_ignores_target_and_order() -> None:
    """They say what a run applies, and nothing of what was applied."""
    rules = HistoryRules(target=parse_target("1"))
    found = plan("V1__a.sql V2__b.sql", row(1, "V2__b.sql", 5), rules=rules)
    assert ranks(tuple(edit.row for edit in found.aligned)) == [1]


def test_repair_leaves_markers_alone() -> None:
    """Rows that record no script have no file to be compared with."""
    schema = row(0, "R__x.sql", None, "SCHEMA")._replace(description="<< created >>")
    assert plan("V1__a.sql", schema, baseline(1, "1"), row(2, "V1__a.sql")).is_empty


def test_repair_of_one_version_leaves_the_others() -> None:
    """Each of the three effects is limited to it."""
    rows = (
        row(1, "V1__a.sql", 5),
        row(2, "V2__gone.sql"),
        row(3, "V3__c.sql", success=False),
        row(4, "R__r.sql", success=False),
        row(5, "V4__d.sql"),
    )
    files = "V1__a.sql V3__c.sql V4__d.sql"
    assert summarize_repair(plan(files, *rows)) == (
        "2 rows removed, 1 row marked as deleted, 1 row aligned"
    )
    assert summarize_repair(plan(files, *rows, only="1.0")) == "1 row aligned"
    assert summarize_repair(plan(files, *rows, only="2")) == "1 row marked as deleted"
    assert summarize_repair(plan(files, *rows, only="3")) == "1 row removed"


def test_repair_of_a_successful_version_is_refused() -> None:
    """A row of a migration that worked is never removed."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql", success=False))
    (found,) = judge(plan("V1__a.sql V2__b.sql", *rows, only="1"), *rows, only="1")
    assert found.code is ExitCode.CONFIG
    assert "successful" in found.message
    (found,) = judge(plan("V1__a.sql", *rows, only="7"), *rows, only="7")
    assert (found.code, "no row of that version" in found.message) == (ExitCode.CONFIG, True)


def test_changes_are_told_row_by_row_and_whole() -> None:
    """Nothing is lost: what goes and what was there before is in the findings."""
    rows = (
        row(1, "V1__a.sql", 5),
        row(2, "R__gone.sql"),
        row(3, "V3__c.sql", success=False),
    )
    removal, mark, alignment = judge(plan("V1__a.sql V3__c.sql", *rows), *rows)
    assert removal.message == ("remove row 3: version 3 (V3__c.sql), failed at 2026-03-01 12:00:00")
    assert mark.message == ("mark repeatable 'gone' (R__gone.sql) of row 2 as deleted: add row 3")
    assert alignment.message == "align row 1, version 1 (V1__a.sql): checksum 5 → 1"
    assert removal.facts["row"] == {
        "installed_rank": 3,
        "version": "3",
        "description": "c",
        "type": "SQL",
        "script": "V3__c.sql",
        "checksum": 1,
        "installed_by": "app",
        "installed_on": "2026-03-01 12:00:00",
        "execution_time": 1,
        "success": False,
    }
    assert alignment.facts["changed"] == {"description": "a", "type": "SQL", "checksum": 1}


def test_history_that_cannot_be_read_is_not_repaired() -> None:
    """One row that nobody understands may change what the others mean."""
    rows = (row(1, "V1__a.sql", kind="MAGIC"), row(2, "V2__b.sql", success=False))
    (found,) = judge(plan("V1__a.sql", *rows), *rows)
    assert found.code is ExitCode.UNSUPPORTED


def test_repair_that_would_damage_the_history_is_refused() -> None:
    """Two rows of one version that are both gone cannot both be marked as deleted."""
    rows = (row(1, "V1__a.sql"), row(2, "V1__a.sql"), row(3, "V2__b.sql"))
    (found,) = judge(plan("V2__b.sql", *rows), *rows)
    assert (found.code, found.rule) == (ExitCode.DRIFT, "repair-damage")


def test_repair_that_would_take_back_another_row_is_refused() -> None:
    """A deletion takes back the last row of its version, be that one's file still there."""
    rows = (row(1, "V1__a.sql", kind="JDBC"), row(2, "V1__a.sql"), row(3, "V2__b.sql"))
    (found,) = judge(plan("V1__a.sql V2__b.sql", *rows), *rows)
    assert (found.code, found.rule) == (ExitCode.DRIFT, "repair-damage")
    assert "marking version 1 (V1__a.sql) of row 1 as deleted" in found.message


def test_repair_of_rows_that_share_a_rank_is_refused() -> None:
    """The rank is how a row is told from the others."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql", 5), row(2, "V3__c.sql", 6))
    (found,) = judge(plan("V1__a.sql V2__b.sql V3__c.sql", *rows), *rows)
    assert (found.code, found.rule) == (ExitCode.DRIFT, "repair-damage")
    assert "several rows of rank 2" in found.message


SCRIPTS = ("V1__a.sql", "V2__b.sql", "V3__c.sql", "R__r.sql", "R__s.sql")
ROWS = st.lists(
    st.tuples(st.sampled_from(SCRIPTS), st.sampled_from([1, 2, None]), st.booleans()), max_size=6
)


@given(files=st.sets(st.sampled_from(SCRIPTS), min_size=1), rows=ROWS)
def test_repair_after_a_repair_is_empty(
    files: set[str], rows: list[tuple[str, int | None, bool]]
) -> None:
    """What can be repaired is so at once, whatever the history."""
    made = tuple(migration(name, 1, 2) for name in sorted(files))
    applied = tuple(
        row(rank, name, checksum, success=success)
        for rank, (name, checksum, success) in enumerate(rows, 1)
    )
    repair = plan(made, *applied)
    after = repaired(history(*applied), repair)
    assert all(item.success for item in after.rows)
    if not read_rows(after.rows)[1]:
        assert plan(made, *after.rows).is_empty


def test_repair_without_a_history_has_nothing_to_do() -> None:
    """There is no row, and it is not called clean either."""
    absent = History("public", "flyway_schema_history", exists=False)
    found = plan_repair(absent, (migration("V1__a.sql"),), HistoryRules(), None)
    (told,) = judge_repair(absent, found, None)
    assert told.message == "there is no public.flyway_schema_history: nothing to repair"
