"""What a run has to do."""

from __future__ import annotations

from hook.core.schema_history.history_rules import HistoryRules, parse_target
from hook.core.schema_history.plan import Plan, judge_scripts, plan_pending
from hook.errors import ExitCode
from tests.testbed.release import baseline, history, infos, migration, row


def plan(files: str, *rows: object, rules: HistoryRules | None = None) -> Plan:
    """Return the plan for *files* on *rows*."""
    found = history(*rows)  # type: ignore[arg-type]  # rows of the test
    made = tuple(map(migration, files.split()))
    rules = rules or HistoryRules()
    return plan_pending(infos(made, found.rows, rules), found, rules)


def test_plan_lists_what_is_pending_in_running_order() -> None:
    """Versions first, repeatables last."""
    made = plan("R__v.sql V3__c.sql V2__b.sql V1__a.sql", row(4, "V1__a.sql"))
    assert [item.script for item in made.pending] == ["V2__b.sql", "V3__c.sql", "R__v.sql"]
    assert (made.current, made.next_rank, made.ahead) == ("1", 5, ())


def test_plan_on_an_empty_history_starts_with_rank_one() -> None:
    """There is no version yet."""
    made = plan("V1__a.sql")
    assert (made.current, made.next_rank) == (None, 1)


def test_plan_counts_ranks_from_the_last_row_even_a_deletion() -> None:
    """Rows that are not shown have a rank too."""
    made = plan("V1__a.sql", row(1, "V1__a.sql"), row(9, "V1__a.sql", kind="DELETE"))
    assert (made.next_rank, made.current) == (10, None)


def test_plan_knows_the_current_version() -> None:
    """The highest one that stands, whoever applied it, baselines included."""
    assert plan("V1__a.sql", baseline(1, "7")).current == "7"
    assert plan("V1__a.sql V5__e.sql", row(1, "V5__e.sql"), row(2, "V1__a.sql")).current == "5"
    assert plan("V1__a.sql", row(1, "V1__a.sql"), row(2, "R__v.sql")).current == "1"
    undone = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "V2__b.sql", kind="UNDO_SQL"))
    assert plan("V1__a.sql", *undone).current == "1"


def test_plan_keeps_to_a_deleted_baseline_from_the_first_version_on() -> None:
    """As Flyway, which looks at the history again before each migration."""
    rows = (row(1, "B2__b.sql", kind="SQL_BASELINE"), row(2, "B2__b.sql", kind="DELETE"))
    made = plan("V1__a.sql V1.5__b.sql V2__c.sql V3__d.sql R__v.sql", *rows)
    assert [item.script for item in made.pending] == ["V1__a.sql", "V3__d.sql", "R__v.sql"]


def test_plan_does_not_take_a_repeatable_back_to_an_older_text() -> None:
    """Only where a newer release has replaced it: the row follows a newer version."""
    rows = (row(1, "V1__a.sql"), row(2, "R__v.sql", 8), row(3, "V2__b.sql"), row(4, "R__w.sql", 8))
    made = plan("V1__a.sql R__v.sql R__w.sql", *rows)
    assert [item.script for item in made.pending] == ["R__v.sql"]
    assert made.ahead == ("2",)


def test_plan_runs_a_version_that_is_called_like_a_replaced_repeatable() -> None:
    """Descriptions tell repeatables apart, not versions."""
    rows = (row(1, "V2__b.sql"), row(2, "R__v.sql", 8))
    rules = HistoryRules(is_out_of_order=True)
    made = plan("V1__v.sql R__v.sql", *rows, rules=rules)
    assert [item.script for item in made.pending] == ["V1__v.sql"]


def test_plan_for_the_next_migration_is_one_step() -> None:
    """A repeatable waits until it is the first that is pending."""
    rules = HistoryRules(target=parse_target("next"))
    files = "V1__a.sql V2__b.sql R__v.sql"
    steps = [row(1, "V1__a.sql"), row(2, "V2__b.sql")]
    assert [item.script for item in plan(files, rules=rules).pending] == ["V1__a.sql"]
    assert [item.script for item in plan(files, steps[0], rules=rules).pending] == ["V2__b.sql"]
    assert [item.script for item in plan(files, *steps, rules=rules).pending] == ["R__v.sql"]


def test_next_of_a_group_is_one_version_and_the_repeatables() -> None:
    """A group runs all that is pending; only the versions behind the next are above the target."""
    rules = HistoryRules(target=parse_target("next"), is_grouped=True)
    made = plan("V1__a.sql V2__b.sql R__v.sql", rules=rules)
    assert [item.script for item in made.pending] == ["V1__a.sql", "R__v.sql"]


def test_scripts_that_cannot_be_recorded_are_refused() -> None:
    """Empty ones, and versions that the history cannot hold; all are named."""
    scripts = [
        migration("V1__a.sql")._replace(is_blank=True),
        migration("V2__b.sql"),
        migration("V" + "1" * 51 + "__c.sql"),
        migration("V3__" + "x" * 201 + ".sql"),
        migration("R__" + "x" * 200 + ".sql"),
        migration("R__" + "x" * 201 + ".sql"),
    ]
    found = judge_scripts(scripts)
    assert [(item.code, item.rule) for item in found] == [
        (ExitCode.BAD_SET, "script-empty"),
        (ExitCode.BAD_SET, "version-length"),
        (ExitCode.BAD_SET, "description-length"),
    ]
    assert found[0].message == "V1__a.sql is empty"
