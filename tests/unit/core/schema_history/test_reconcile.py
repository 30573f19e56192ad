"""The states of migrations: Flyway's rules as tables."""

from __future__ import annotations

from hook.core.schema_history.applied import read_rows
from hook.core.schema_history.history import MigrationState
from hook.core.schema_history.history_rules import HistoryRules, parse_target
from hook.core.schema_history.reconcile import reconcile
from hook.errors import ExitCode
from tests.testbed.release import baseline, infos, migration, row, states

OUT_OF_ORDER = HistoryRules(is_out_of_order=True)


def upto(target: str) -> HistoryRules:
    """Return rules that stop at *target*."""
    return HistoryRules(target=parse_target(target))


def test_files_without_rows_are_pending() -> None:
    """An empty history: everything is to be done."""
    assert states("V2__b.sql V1__a.sql R__v.sql") == ["1 Pending", "2 Pending", "v Pending"]


def test_files_with_rows_are_done() -> None:
    """Numbers decide, not spelling."""
    rows = (row(1, "V1__a.sql"), row(2, "V2.0__b.sql"), row(3, "R__v.sql"))
    assert states("V1__a.sql V2__b.sql R__v.sql", rows) == ["1 Success", "2.0 Success", "v Success"]


def test_older_file_is_ignored_or_pending_out_of_order() -> None:
    """It comes after the rows; once applied out of order it stays marked."""
    rows = (row(1, "V2__b.sql"),)
    assert states("V1__a.sql V2__b.sql", rows) == ["2 Success", "1 Ignored"]
    assert states("V1__a.sql V2__b.sql", rows, OUT_OF_ORDER) == ["2 Success", "1 Pending"]
    both = (*rows, row(2, "V1__a.sql"))
    assert states("V1__a.sql V2__b.sql", both, OUT_OF_ORDER) == ["2 Success", "1 Out of Order"]


def test_file_between_rows_is_pending_last_when_out_of_order_is_allowed() -> None:
    """Rows first, by rank."""
    rows = (row(1, "V1__a.sql"), row(2, "V3__c.sql"))
    expected = ["1 Success", "3 Success", "2 Pending"]
    assert states("V1__a.sql V2__b.sql V3__c.sql", rows, OUT_OF_ORDER) == expected


def test_row_without_file_is_missing_or_future() -> None:
    """Below the newest file it is missing, else it is from the future."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V3__c.sql"))
    assert states("V2__b.sql", rows) == ["1 Missing", "2 Success", "3 Future"]
    failed = tuple(row(rank, f"V{rank}__a.sql", success=False) for rank in (1, 3))
    assert states("V2__b.sql", failed, OUT_OF_ORDER) == [
        "1 Failed (Missing)", "3 Failed (Future)", "2 Pending",
    ]  # fmt: skip


def test_failed_row_is_failed_and_its_file_not_pending() -> None:
    """A human has to look first."""
    assert states("V1__a.sql", (row(1, "V1__a.sql", success=False),)) == ["1 Failed"]


def test_changed_repeatable_is_outdated_and_pending() -> None:
    """It shows twice: the old run, and the run to come."""
    rows = (row(1, "R__v.sql", checksum=7),)
    assert states("R__v.sql", rows) == ["v Outdated", "v Pending"]


def test_only_the_latest_run_of_a_repeatable_counts() -> None:
    """Going back to an older text runs it again."""
    rows = (row(1, "R__v.sql", 1), row(2, "R__v.sql", 7))
    assert states("R__v.sql", rows) == ["v Superseded", "v Outdated", "v Pending"]
    rows = (row(1, "R__v.sql", 7), row(2, "R__v.sql", 1))
    assert states("R__v.sql", rows) == ["v Superseded", "v Success"]


def test_repeatable_matches_its_raw_checksum_and_never_a_missing_one() -> None:
    """Rows of older Flyway versions hold the checksum before replacement."""
    file = migration("R__v.sql", checksum=1, raw_checksum=7)
    found = infos((file,), (row(1, "R__v.sql", 7),))
    assert [info.state for info in found] == [MigrationState.SUCCESS]
    rows = (row(1, "R__v.sql", None),)
    assert states("R__v.sql", rows) == ["v Outdated", "v Pending"]


def test_repeatable_without_file_is_missing_never_future() -> None:
    """It has no version to compare; earlier runs stay superseded."""
    rows = (row(1, "R__v.sql", 1), row(2, "R__v.sql", 7), row(3, "R__w.sql", success=False))
    assert states("V1__a.sql", rows) == [
        "v Superseded", "v Missing", "w Failed (Missing)", "1 Pending",
    ]  # fmt: skip


def test_repeatable_with_a_long_description_pairs_with_its_row() -> None:
    """The history holds 200 characters of it."""
    name = "R__" + "x" * 230 + ".sql"
    stored = row(1, "R__" + "x" * 197 + "....sql")
    found = infos((migration(name),), (stored,))
    assert [info.state for info in found] == [MigrationState.SUCCESS]


def test_baseline_row_covers_older_and_equal_files() -> None:
    """They are listed first; the file of the same version is told apart."""
    rows = (baseline(1, "2"),)
    assert states("V1__a.sql V2__b.sql V3__c.sql", rows) == [
        "1 Below Baseline", "2 Ignored (Baseline)", "2 Baseline", "3 Pending",
    ]  # fmt: skip


def test_baseline_script_starts_an_empty_history() -> None:
    """The highest one runs instead of everything up to it."""
    files = "V1__a.sql V2__b.sql B1__x.sql B2__x.sql V3__c.sql R__v.sql"
    assert states(files) == [
        "1 Below Baseline", "1 Below Baseline", "2 Ignored (Baseline)",
        "2 Pending", "3 Pending", "v Pending",
    ]  # fmt: skip


def test_baseline_script_is_ignored_once_anything_was_applied() -> None:
    """A history that has begun is never restarted."""
    rows = (row(1, "V1__a.sql"),)
    assert states("V1__a.sql V2__b.sql B2__x.sql", rows) == [
        "1 Success", "2 Pending", "2 Ignored",
    ]  # fmt: skip


def test_baseline_script_never_follows_one_that_was_marked_as_deleted() -> None:
    """What that one created is still there, and no script is made to come upon it."""
    gone = row(1, "B2__x.sql", kind="SQL_BASELINE")
    rows = (gone, gone._replace(installed_rank=2, type="DELETE"))
    assert states("B2__x.sql V3__c.sql", rows) == ["2 Ignored (Baseline)", "2 Deleted", "3 Pending"]
    assert states("V2__b.sql B3__x.sql V4__d.sql", rows) == [
        "2 Below Baseline", "3 Ignored (Baseline)", "2 Deleted", "4 Pending",
    ]  # fmt: skip


def test_applied_baseline_script_is_a_baseline() -> None:
    """Its row covers older files as a baseline row does."""
    rows = (row(1, "B2__x.sql", kind="SQL_BASELINE"),)
    assert states("V1__a.sql V2__b.sql B2__x.sql V3__c.sql", rows) == [
        "1 Below Baseline", "2 Ignored (Baseline)", "2 Baseline", "3 Pending",
    ]  # fmt: skip
    failed = (row(1, "B2__x.sql", kind="SQL_BASELINE", success=False),)
    assert states("B2__x.sql", failed) == ["2 Failed"]
    assert states("V3__c.sql", failed) == ["2 Failed", "3 Pending"]
    assert states("V3__c.sql", rows) == ["2 Missing", "3 Pending"]
    old_name = (row(1, "B2__x.sql", kind="SQL_STATE_SCRIPT"),)
    assert states("B2__x.sql", old_name) == ["2 Baseline"]


def test_deleted_migration_is_pending_again_when_its_file_returns() -> None:
    """Repair appends a row that takes back the earlier one; only that one is shown."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V2__b.sql", kind="DELETE"))
    assert states("V1__a.sql V2__b.sql", rows) == ["1 Success", "2 Deleted", "2 Pending"]
    assert states("V1__a.sql", rows) == ["1 Success", "2 Deleted"]
    again = (*rows, row(4, "V2__b.sql"))
    assert states("V1__a.sql V2__b.sql", again) == ["1 Success", "2 Deleted", "2 Success"]


def test_deleted_repeatable_shows_the_deletion() -> None:
    """Flyway keeps these rows in the table."""
    rows = (row(1, "R__v.sql"), row(2, "R__v.sql", kind="DELETE"))
    assert states("V1__a.sql", rows) == ["v Deleted", "v Success", "1 Pending"]
    assert states("R__v.sql", rows) == ["v Deleted", "v Success", "v Pending"]


def test_undone_migration_is_pending_again() -> None:
    """Rows of the paid edition are understood."""
    rows = (row(1, "V1__a.sql"), row(2, "V1__a.sql", kind="UNDO_SQL"))
    assert states("V1__a.sql", rows) == ["1 Undone", "1 Success", "1 Pending"]


def test_schema_marker_is_a_success() -> None:
    """It records which schemas were created."""
    rows = (row(0, "R__marker.sql", None, "SCHEMA"), row(1, "V1__a.sql"))
    assert states("V1__a.sql", rows) == ["marker Success", "1 Success"]


def test_target_leaves_newer_versions_and_runs_repeatables() -> None:
    """A version, the current one, or the next one."""
    files = "V1__a.sql V2__b.sql V3__c.sql R__v.sql"
    rows = (row(1, "V1__a.sql"),)
    assert states(files, rows, upto("2")) == [
        "1 Success", "2 Pending", "3 Above Target", "v Pending",
    ]  # fmt: skip
    assert states(files, rows, upto("current")) == [
        "1 Success", "2 Above Target", "3 Above Target", "v Pending",
    ]  # fmt: skip
    assert states(files, rows, upto("next")) == [
        "1 Success", "2 Pending", "3 Above Target", "v Pending",
    ]  # fmt: skip
    assert states("V1__a.sql", (), upto("current")) == ["1 Above Target"]
    assert states("V1__a.sql", rows, upto("next")) == ["1 Success"]


def test_row_of_another_type_does_not_pair_with_a_script() -> None:
    """A Java migration of the same version is another migration."""
    rows = (row(1, "V1__a.sql", kind="JDBC"), row(2, "V2__b.sql"))
    assert states("V1__a.sql V2__b.sql", rows) == ["1 Missing", "2 Success", "1 Ignored"]
    assert states("V1__a.sql", (row(1, "V1__a.sql", kind="SPRING_JDBC"),)) == [
        "1 Future", "1 Pending",
    ]  # fmt: skip


def test_rows_that_nobody_can_have_written_are_reported() -> None:
    """Each is named by its rank, and the others are still understood."""
    rows = (
        row(1, "V1__a.sql"),
        row(2, "V2__b.sql", kind="sql"),
        row(3, "V3__c.sql")._replace(version="abc"),
        row(4, "V1__a.sql", kind="DELETE"),
        row(5, "V1__a.sql", kind="DELETE"),
    )
    entries, problems = read_rows(rows)
    assert [entry.row.installed_rank for entry in entries] == [1]
    assert [(problem.code, problem.text) for problem in problems] == [
        (ExitCode.UNSUPPORTED, "row 2 has the unknown type 'sql'"),
        (ExitCode.DRIFT, "row 3: 'abc' is not a version"),
        (ExitCode.DRIFT, "row 5 deletes 1 a second time"),
    ]


def test_deletion_of_a_repeatable_leaves_its_earlier_runs_superseded() -> None:
    """Only the last run decides, be it marked as deleted; what comes back runs again."""
    rows = (
        row(1, "R__a.sql", 5),
        row(2, "R__a.sql", 6),
        row(3, "R__a.sql", 6)._replace(type="DELETE"),
    )
    gone = ["a Superseded", "a Deleted", "a Success"]
    assert states("V1__x.sql", rows) == [*gone, "1 Pending"]
    for checksum in (5, 6):
        found = infos((migration("R__a.sql", checksum),), rows)
        assert [info.state for info in found][-1] is MigrationState.PENDING


def test_repeatable_may_be_deleted_twice() -> None:
    """Flyway refuses that of versions only."""
    gone = row(2, "R__a.sql")._replace(type="DELETE")
    _, problems = read_rows((row(1, "R__a.sql"), gone, gone._replace(installed_rank=3)))
    assert problems == ()


def test_deletion_of_what_was_never_applied_changes_nothing() -> None:
    """A row of repair whose migration somebody removed by hand is no problem of its own."""
    entries, problems = read_rows((row(1, "V1__a.sql", kind="DELETE"),))
    assert (entries, problems) == ([], ())


def test_file_whose_condition_is_false_is_ignored() -> None:
    """Its `.conf` says where it counts, and this is not there."""
    file = migration("V1__a.sql")._replace(executes=False)
    (info,) = reconcile([file], [], HistoryRules())
    assert info.state is MigrationState.IGNORED
