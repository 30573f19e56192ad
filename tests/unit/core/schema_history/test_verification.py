"""The schema after a run, compared with the plan."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding, Status
from hook.core.schema_history.history import History, HistoryRow
from hook.core.schema_history.history_rules import HistoryRules, parse_target
from hook.core.schema_history.plan import Plan, plan_pending
from hook.core.schema_history.verification import judge_level, judge_new_invalid_indexes, judge_run
from hook.core.sql.invalid_index import InvalidIndex
from hook.errors import ExitCode
from tests.testbed.release import baseline, history, infos, migration, row

FILES = tuple(map(migration, ("V1__a.sql", "V2__b.sql", "R__v.sql")))
DEFAULT = HistoryRules()
DONE = (row(1, "V1__a.sql"), row(2, "V2__b.sql"), row(3, "R__v.sql"))


def plan_on(found: History, rules: HistoryRules = DEFAULT) -> Plan:
    """Return the plan of the release on *found*."""
    return plan_pending(infos(FILES, found.rows, rules), found, rules)


def verify(*rows: HistoryRow) -> tuple[Finding, ...]:
    """Judge a run that found only version 1 and left *rows*."""
    after = history(*rows)
    return judge_run(plan_on(history(DONE[0])), after, plan_on(after))


def test_run_as_planned_passes() -> None:
    """Count and version are told."""
    (found,) = verify(*DONE)
    assert found.status is Status.PASSED
    assert found.message == "2 recorded as planned, at 2"


def test_run_that_created_the_history_passes() -> None:
    """Markers are no migrations."""
    marker = row(0, "R__marker.sql", None)._replace(type="SCHEMA")
    before = plan_on(History("public", "flyway_schema_history", exists=False))
    after = history(marker, *DONE)
    assert judge_run(before, after, plan_on(after))[0].status is Status.PASSED
    adopted = plan_on(history(baseline(1, "1")))
    after = history(
        baseline(1, "1"),
        marker._replace(installed_rank=2),
        *(item._replace(installed_rank=item.installed_rank + 1) for item in DONE[1:]),
    )
    assert judge_run(adopted, after, plan_on(after))[0].status is Status.PASSED


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        (
            DONE[:2],
            ["R__v.sql is not in the schema history", "R__v.sql is still pending"],
        ),
        (
            (),
            [
                "V2__b.sql is not in the schema history",
                "R__v.sql is not in the schema history",
                "V1__a.sql is still pending",
                "V2__b.sql is still pending",
                "R__v.sql is still pending",
            ],
        ),
        ((*DONE, row(4, "V9__z.sql")), ["row 4 (V9__z.sql) was not planned"]),
        (
            (DONE[0], DONE[1]._replace(success=False), DONE[2]),
            ["row 2 (V2__b.sql) is recorded as failed"],
        ),
        (
            (DONE[0], DONE[1]._replace(checksum=9), DONE[2]),
            ["row 2 (V2__b.sql) has not the checksum of V2__b.sql"],
        ),
    ],
)  # fmt: skip
def test_run_that_left_another_history_fails(
    rows: tuple[HistoryRow, ...], problems: list[str]
) -> None:
    """Missing, additional, failed and wrong rows, each named."""
    found = verify(*rows)
    assert [item.message for item in found] == problems
    assert {item.code for item in found} == {ExitCode.VERIFY_FAILED}


def test_run_that_stops_at_its_target_passes() -> None:
    """What is left for later runs was not planned."""
    rules = HistoryRules(target=parse_target("next"))
    before, after = history(DONE[0]), history(*DONE[:2])
    found = judge_run(plan_on(before, rules), after, plan_on(after, rules))
    assert [item.message for item in found] == ["1 recorded as planned, at 2"]


def test_run_that_only_began_the_history_passes() -> None:
    """There is no version yet, and none is made up."""
    begun = Plan(pending=(), infos=(), current=None, ahead=(), next_rank=1)
    found = judge_run(begun, history(), begun)
    assert [item.message for item in found] == ["0 recorded as planned, at no version"]


def test_level_is_reached_when_nothing_is_pending() -> None:
    """And not yet when something is, named in order."""
    assert judge_level(plan_on(history(*DONE)))[0].message == "nothing pending, at 2"
    (found,) = judge_level(plan_on(history(DONE[0])))
    assert (found.code, found.message) == (ExitCode.NOT_YET, "2 pending: V2__b.sql, R__v.sql")


def test_only_new_invalid_indexes_are_a_failure() -> None:
    """What was broken before is not this run's doing."""
    old, new = InvalidIndex("public.a", "t"), InvalidIndex("public.b", "t")
    assert judge_new_invalid_indexes(frozenset({old}), frozenset({old}))[0].code is ExitCode.OK
    (found,) = judge_new_invalid_indexes(frozenset({old}), frozenset({old, new}))
    assert (found.code, found.message) == (ExitCode.VERIFY_FAILED, "index public.b on t is invalid")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("public.b", ", and build it again in a new migration."),
        ('public."B_ccold2"', ": by its name it is a copy that REINDEX CONCURRENTLY has left."),
        ("pg_toast.b_ccnew", ", as a superuser or with USAGE on schema pg_toast."),
    ],
)
def test_hint_for_an_invalid_index_says_what_has_left_it(name: str, hint: str) -> None:
    """Beside a copy the index itself is there, and need not be built."""
    (found,) = judge_new_invalid_indexes(frozenset(), frozenset({InvalidIndex(name, "t")}))
    assert found.hint == f"Drop it with DROP INDEX CONCURRENTLY{hint}"
