"""Whether a release may be applied on top of a history."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding, Status
from hook.core.schema_history.drift import judge_history
from hook.core.schema_history.history import HistoryRow
from hook.core.schema_history.history_rules import (
    HistoryRules,
    OnAhead,
    parse_ignore_pattern,
    parse_target,
)
from hook.core.scripts.script import Migration
from hook.errors import ExitCode
from tests.testbed.release import baseline, infos, migration, row


def judge(
    files: str | tuple[Migration, ...],
    rows: tuple[HistoryRow, ...],
    rules: HistoryRules | None = None,
) -> tuple[Finding, ...]:
    """Return the findings on *files* (names, or made) over *rows*."""
    made = tuple(map(migration, files.split())) if isinstance(files, str) else files
    rules = rules or HistoryRules()
    return judge_history(infos(made, rows, rules), rules)


def told(findings: tuple[Finding, ...]) -> list[tuple[ExitCode, str]]:
    """Return code and rule of each finding."""
    return [(item.code, item.rule) for item in findings]


def patterns(*texts: str) -> HistoryRules:
    """Return rules that ignore what *texts* say."""
    return HistoryRules(ignore_patterns=tuple(map(parse_ignore_pattern, texts)))


def test_history_of_the_release_itself_raises_nothing() -> None:
    """Applied, pending, repeatable, outdated: all is well."""
    rows = (row(1, "V1__a.sql"), row(2, "R__v.sql", 7))
    assert judge("V1__a.sql V2__b.sql R__v.sql", rows) == ()
    assert judge("V1__a.sql", ()) == ()


def test_edited_migration_is_drift_with_both_checksums() -> None:
    """The message holds what a reader needs to find the file and the change."""
    found = judge(
        (migration("V1__a.sql", 456), migration("V2__b.sql")), (row(1, "V1__a.sql", 123),)
    )
    assert told(found) == [(ExitCode.DRIFT, "history-checksum")]
    assert found[0].message == (
        "version 1 (V1__a.sql) is not what was applied: checksum 123 in the schema history, 456 in"
        " the release"
    )
    assert found[0].hint == (
        "Restore V1__a.sql as it was applied, and make the change a new migration V3."
    )


def test_missing_checksum_matches_any_file() -> None:
    """As in Flyway: somebody cleared it."""
    assert judge("V1__a.sql", (row(1, "V1__a.sql", None),)) == ()


def test_renamed_migration_is_drift() -> None:
    """The description is compared, the script's path is not."""
    found = judge("V1__b.sql", (row(1, "V1__a.sql"),))
    assert told(found) == [(ExitCode.DRIFT, "history-description")]
    assert "description 'a' in the schema history, 'b' in the release" in found[0].message
    assert judge("sub/V1__a.sql", (row(1, "V1__a.sql"),)) == ()


def test_long_description_matches_its_abbreviation() -> None:
    """The history holds 200 characters of it."""
    stored = row(1, "V1__" + "x" * 197 + "....sql")
    assert judge("V1__" + "x" * 230 + ".sql", (stored,)) == ()


def test_every_problem_is_reported() -> None:
    """A release is corrected once, not problem by problem."""
    rows = (
        row(1, "V1__a.sql", 7),
        row(2, "V2__b.sql"),
        row(3, "V4__d.sql", success=False),
        row(4, "R__v.sql"),
    )
    found = judge("V1__x.sql V3__c.sql V4__d.sql V5__e.sql", rows)
    assert told(found) == [
        (ExitCode.DRIFT, "history-checksum"),
        (ExitCode.DRIFT, "history-description"),
        (ExitCode.DRIFT, "history-missing"),
        (ExitCode.FAILED_BEFORE, "history-failed"),
        (ExitCode.DRIFT, "history-missing"),
        (ExitCode.DRIFT, "history-out-of-order"),
    ]
    assert all(item.hint and item.message[0].islower() for item in found)


def test_late_version_is_drift_unless_out_of_order_is_allowed() -> None:
    """The hint offers a name that would be in order."""
    rows = (row(1, "V5__e.sql"),)
    found = judge("V3__c.sql V5__e.sql", rows)
    assert told(found) == [(ExitCode.DRIFT, "history-out-of-order")]
    assert "V6" in found[0].hint
    assert judge("V3__c.sql V5__e.sql", rows, HistoryRules(is_out_of_order=True)) == ()
    assert judge("V3__c.sql V5__e.sql", rows, patterns("*:ignored")) == ()


def test_hint_for_dated_versions_names_no_number() -> None:
    """One more than a date is no date."""
    rows = (row(1, "V20240102__a.sql"),)
    (found,) = judge("V20240101__b.sql V20240102__a.sql", rows)
    assert "a new migration of a higher version" in found.hint


def test_ignored_baseline_script_is_no_drift() -> None:
    """It is there for new databases."""
    assert judge("V1__a.sql B1__x.sql V2__b.sql", (row(1, "V1__a.sql"),)) == ()


def test_files_up_to_the_baseline_are_not_compared() -> None:
    """What happened before the history began is not known."""
    rows = (row(1, "V1__a.sql"), baseline(2, "2"), row(3, "V3__c.sql"))
    edited = tuple(migration(name, 9) for name in ("V1__a.sql", "V2__b.sql", "V3__c.sql"))
    assert told(judge(edited, rows)) == [(ExitCode.DRIFT, "history-checksum")]


def test_failed_row_stops_whatever_is_ignored() -> None:
    """Half-done work is never built upon."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql", success=False))
    rules = patterns("*:*")._replace(validates=False)
    for files in ("V1__a.sql V2__b.sql", "V1__a.sql", "V1__a.sql V3__c.sql"):
        assert told(judge(files, rows, rules)) == [(ExitCode.FAILED_BEFORE, "history-failed")]


def test_database_ahead_of_the_release_passes_with_a_warning() -> None:
    """The application was rolled back; the schema stays."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V3__c.sql"), row(4, "R__new.sql"))
    (found,) = judge("V1__a.sql", rows)
    assert (found.status, found.code, found.rule) == (Status.WARNED, ExitCode.OK, "history-ahead")
    assert found.message == (
        "the database is ahead of this release: version 2 (V2__b.sql), version 3 (V3__c.sql),"
        " repeatable 'new' (R__new.sql)"
    )


def test_database_ahead_is_refused_when_the_rules_say_so() -> None:
    """By presync's own setting, or by patterns that leave out the future: then it is drift."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"))
    refusing = HistoryRules(on_ahead=OnAhead.FAIL)
    assert told(judge("V1__a.sql", rows, refusing)) == [(ExitCode.AHEAD, "history-ahead")]
    for rules in (patterns("*:missing"), patterns()):
        assert told(judge("V1__a.sql", rows, rules)) == [(ExitCode.DRIFT, "history-ahead")]


def test_unknown_row_in_the_middle_is_drift() -> None:
    """Newer rows that are known prove that its file was lost."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V3__c.sql"))
    assert told(judge("V1__a.sql V3__c.sql", rows)) == [(ExitCode.DRIFT, "history-missing")]
    assert judge("V1__a.sql V3__c.sql", rows, patterns("*:missing")) == ()


def test_unknown_repeatable_behind_all_of_the_release_is_newer() -> None:
    """The application was rolled back; `validate` takes it for lost, as Flyway does."""
    rows = (row(1, "V1__a.sql"), row(2, "R__new.sql"))
    (found,) = judge("V1__a.sql", rows)
    assert (found.status, found.rule) == (Status.WARNED, "history-ahead")
    assert found.message == "the database is ahead of this release: repeatable 'new' (R__new.sql)"
    flyways = HistoryRules(knows_newer_repeatables=False)
    assert told(judge("V1__a.sql", rows, flyways)) == [(ExitCode.DRIFT, "history-missing")]
    refusing = HistoryRules(on_ahead=OnAhead.FAIL)
    assert told(judge("V1__a.sql", rows, refusing)) == [(ExitCode.AHEAD, "history-ahead")]
    more = (*rows, row(3, "V2__b.sql"), row(4, "R__newer.sql"))
    assert told(judge("V1__a.sql", more)) == [(ExitCode.OK, "history-ahead")]
    assert judge("V1__a.sql", rows, patterns("*:missing")) == ()


@pytest.mark.parametrize(
    "files",
    ["V1__a.sql R__c.sql", "V1__a.sql V3__d.sql", "V1__a.sql R__e.sql", "V9__x.sql"],
)
def test_unknown_repeatable_of_a_release_that_is_no_older_one_is_drift(files: str) -> None:
    """It knows a later row, or has something to do: the file is lost."""
    rows = (row(1, "V1__a.sql"), row(2, "R__lost.sql"), row(3, "R__c.sql"))
    assert (ExitCode.DRIFT, "history-missing") in told(judge(files, rows))
    outdated = (row(1, "V1__a.sql"), row(2, "R__c.sql", 9), row(3, "R__lost.sql"))
    assert told(judge("V1__a.sql R__c.sql", outdated)) == [(ExitCode.DRIFT, "history-missing")]


def test_repeatable_replaced_by_a_newer_release_is_kept_and_told() -> None:
    """The warning names it."""
    rows = (row(1, "V1__a.sql"), row(2, "R__v.sql"), row(3, "V2__b.sql"), row(4, "R__v.sql", 9))
    found = judge("V1__a.sql R__v.sql", rows)
    assert told(found) == [(ExitCode.OK, "history-ahead")] * 2
    assert "'v' was replaced by a newer release" in found[1].message


@pytest.mark.parametrize("kind", ["JDBC", "SPRING_JDBC", "CUSTOM", "SCRIPT"])
def test_version_applied_as_something_else_is_drift(kind: str) -> None:
    """Pairing by type would run the file a second time."""
    for files in ("V1__a.sql", "V1__a.sql V2__b.sql"):
        found = judge(files, (row(1, "V1__a.sql", kind=kind),), patterns("*:missing", "*:future"))
        assert told(found) == [(ExitCode.DRIFT, "history-type")]
        assert f"was applied as {kind}" in found[0].message


def test_repeatable_applied_as_something_else_is_drift() -> None:
    """As with Flyway, also where the file has run since: its every migrate would refuse that."""
    java = row(1, "R__v.sql", kind="JDBC")
    for rows in ((java,), (java, row(2, "R__v.sql"))):
        (found,) = judge("V1__a.sql R__v.sql", rows)
        assert (found.code, found.rule) == (ExitCode.DRIFT, "history-type")
        assert "was applied as JDBC, the release has R__v.sql" in found.message
    assert judge("V1__a.sql R__v.sql", (java,), patterns("repeatable:*")) == ()


def test_version_applied_as_both_is_no_second_time() -> None:
    """Somebody has run the file after all: it can only be said that the other one is gone."""
    rows = (row(1, "V1__a.sql", kind="JDBC"), row(2, "V1__a.sql"))
    assert judge("V1__a.sql", rows, patterns("*:missing", "*:future")) == ()


def test_deleted_and_undone_migrations_raise_nothing() -> None:
    """Whether their files are back or not."""
    rows = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V2__b.sql", kind="DELETE"))
    assert judge("V1__a.sql", rows) == ()
    assert judge("V1__a.sql V2__b.sql", rows) == ()
    undone = (row(1, "V1__a.sql"), row(2, "V1__a.sql", kind="UNDO_SQL"))
    assert judge("V1__a.sql", undone) == ()


def test_disagreement_is_a_warning_without_validation() -> None:
    """It is told all the same."""
    found = judge("V1__x.sql", (row(1, "V1__a.sql", 7),), HistoryRules(validates=False))
    assert [(item.status, item.code) for item in found] == [(Status.WARNED, ExitCode.OK)] * 2


def test_target_must_name_a_migration() -> None:
    """In the release or in the history; a question mark lifts that."""
    rows = (row(1, "V1__a.sql"),)
    for text, expected in (("9", [(ExitCode.CONFIG, "history-target")]), ("9?", []), ("1", [])):
        rules = HistoryRules(target=parse_target(text))
        assert told(judge("V1__a.sql V2__b.sql", rows, rules)) == expected
