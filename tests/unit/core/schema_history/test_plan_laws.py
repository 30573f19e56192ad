"""Laws of planning, over releases and histories of every sort that can be applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from hook.core.outcome import Status
from hook.core.schema_history.history import BASELINE_TYPES, DELETE, SCHEMA, HistoryRow
from hook.core.schema_history.history_rules import HistoryRules, Target, TargetKind, parse_target
from hook.core.schema_history.plan import Plan, plan_pending
from hook.core.schema_history.verification import judge_level, judge_run
from hook.core.scripts.script import Kind, Migration
from tests.testbed.release import baseline, history, infos, migration, row

VERSIONS = ("1", "1.5", "2", "3", "10", "2024.01")
REPEATABLES = ("a", "b", "c")
CHECKSUMS = st.integers(1, 2)
UNDO = "UNDO_SQL"

versions = st.sampled_from(VERSIONS)
scripts = st.one_of(
    versions.map("V{}__x.sql".format),
    st.sampled_from(REPEATABLES).map("R__{}.sql".format),
)
releases = st.builds(
    lambda versioned, repeatable, undone: (*versioned, *repeatable, *undone),
    st.lists(
        st.builds(migration, st.builds("{}{}__x.sql".format, st.sampled_from("VVVB"), versions)),
        unique_by=lambda item: item.script,
    ),
    st.lists(
        st.builds(migration, scripts.filter(lambda name: name[0] == "R"), CHECKSUMS, CHECKSUMS),
        unique_by=lambda item: item.script,
    ),
    st.lists(st.builds(migration, versions.map("U{}__x.sql".format)), unique_by=lambda i: i.script),
)
# What a row records: a run of a script, or that one was taken back.
events = st.tuples(scripts, CHECKSUMS, st.sampled_from(("", "", "", DELETE, UNDO, "SQL_BASELINE")))
targets = st.one_of(st.sampled_from(("latest", "current", "next")), versions.map("{}?".format)).map(
    parse_target
)
rule_sets = st.builds(HistoryRules, st.booleans(), targets)


def rows_of(
    is_marked: bool,  # noqa: FBT001 - a drawn value
    base: str | None,
    recorded: Sequence[tuple[str, int, str]],
) -> tuple[HistoryRow, ...]:
    """Return a history that begins with the markers that Flyway begins one with."""
    rows = [row(0, "V0__x.sql", None, SCHEMA)._replace(version=None)] if is_marked else []
    if base is not None:
        rows.append(baseline(1, base))
    standing: set[str] = set()
    for rank, (script, checksum, kind) in enumerate(recorded, 2):
        # Only versions are undone, deleted or stand for others.
        is_repeatable = script.startswith("R")
        # Nobody applies a version that stands.
        if not is_repeatable and kind in {"", "SQL_BASELINE"} and script in standing:
            continue
        (standing.discard if kind in {DELETE, UNDO} else standing.add)(script)
        rows.append(row(rank, script, checksum, "" if is_repeatable and kind != DELETE else kind))
    return tuple(rows)


histories = st.builds(rows_of, st.booleans(), st.none() | versions, st.lists(events, max_size=6))


@dataclass(frozen=True, slots=True)
class Schema:
    """A release on a history, which grows as plans are carried out."""

    release: tuple[Migration, ...]
    rows: tuple[HistoryRow, ...]

    def plan(self, rules: HistoryRules) -> Plan:
        """Return what is to be done."""
        found = history(*self.rows)
        return plan_pending(infos(self.release, found.rows, rules), found, rules)

    def apply(self, plan: Plan) -> Schema:
        """Return the schema with a row for each migration of *plan*."""
        written = (
            row(plan.next_rank + index, item.script, item.checksum)
            for index, item in enumerate(plan.pending)
        )
        return replace(self, rows=(*self.rows, *written))


schemas = st.builds(Schema, releases, histories)


@given(schemas, rule_sets)
def test_plan_after_apply_is_empty(schema: Schema, rules: HistoryRules) -> None:
    """Repeatables, baselines, out of order, targets: what was done is not done again."""
    planned = schema.plan(rules)
    after = schema.apply(planned).plan(rules)
    done = {item.script for item in planned.pending}
    assert done.isdisjoint(item.script for item in after.pending)
    if rules.target.kind is not TargetKind.NEXT:
        assert after.pending == ()
        assert [item.status for item in judge_level(after)] == [Status.PASSED]


@given(schemas, rule_sets)
def test_run_that_does_what_was_planned_is_verified(schema: Schema, rules: HistoryRules) -> None:
    """The judge after the run never refuses what the plan ordered."""
    planned = schema.plan(rules)
    applied = schema.apply(planned)
    findings = judge_run(planned, history(*applied.rows), applied.plan(rules))
    assert [item.status for item in findings] == [Status.PASSED], findings


@given(schemas, st.booleans())
def test_step_by_step_leads_where_one_run_does(
    schema: Schema,
    is_out_of_order: bool,  # noqa: FBT001 - a drawn value
) -> None:
    """The target "next", again and again, applies the same migrations in the same order."""
    at_once = schema.plan(HistoryRules(is_out_of_order)).pending
    rules = HistoryRules(is_out_of_order, Target(TargetKind.NEXT))
    steps: list[Migration] = []
    while pending := schema.plan(rules).pending:
        assert len(pending) == 1
        assert len(steps) < len(at_once)
        steps += pending
        schema = schema.apply(schema.plan(rules))
    assert tuple(steps) == at_once


@given(schemas, rule_sets)
def test_plan_runs_versions_in_order_and_repeatables_last(
    schema: Schema, rules: HistoryRules
) -> None:
    """No script is there twice, and no undo script is."""
    pending = schema.plan(rules).pending
    versioned = [item.version for item in pending if item.version is not None]
    assert versioned == sorted(versioned)
    assert [item.version for item in pending[: len(versioned)]] == versioned
    assert len({item.script for item in pending}) == len(pending)
    assert all(item.kind is not Kind.UNDO for item in pending)


@given(schemas, versions)
def test_plan_stops_at_the_target(schema: Schema, version: str) -> None:
    """What is above waits; repeatables do not."""
    target = parse_target(f"{version}?")
    everything = schema.plan(HistoryRules())
    limited = schema.plan(HistoryRules(target=target))
    assert target.version is not None
    wanted = {
        item.script
        for item in everything.pending
        if item.version is None or item.version <= target.version
    }
    if not any(item.type in BASELINE_TYPES for item in schema.release):
        assert {item.script for item in limited.pending} == wanted


@given(schemas)
def test_plan_applies_every_version_that_does_not_stand(schema: Schema) -> None:
    """Out of order and without a baseline: all files but those applied and not taken back."""
    files = tuple(item for item in schema.release if item.kind is Kind.VERSIONED)
    rows = tuple(item for item in schema.rows if item.type not in BASELINE_TYPES)
    standing: set[str | None] = set()
    for item in rows:
        (standing.discard if item.type in {DELETE, UNDO} else standing.add)(item.version)
    pending = Schema(files, rows).plan(HistoryRules(is_out_of_order=True)).pending
    expected = {item.script for item in files if str(item.version) not in standing}
    assert {item.script for item in pending} == expected
