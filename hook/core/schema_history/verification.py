"""Judges a schema after the run, or of a run that had nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hook.core.outcome import Finding, failed, passed
from hook.core.schema_history.history import (
    SYNTHETIC_TYPES,
    History,
    HistoryRow,
    MigrationState,
    abbreviate_description,
)
from hook.core.schema_history.plan import Plan
from hook.core.scripts.script import Migration
from hook.core.text import listed
from hook.errors import ExitCode

if TYPE_CHECKING:
    from hook.core.sql.invalid_index import InvalidIndex

_FOR_LATER = frozenset({MigrationState.PENDING, MigrationState.ABOVE_TARGET})
_HINT = "Compare the schema history with the release before anything is rolled out."


def judge_level(plan: Plan) -> tuple[Finding, ...]:
    """Judge whether the schema is already at the level that the release needs."""
    if not plan.pending:
        return (passed("level", f"nothing pending, at {plan.current or 'no version'}"),)
    names = listed([item.script for item in plan.pending])
    message = f"{len(plan.pending)} pending: {names}"
    hint = "Run `presync run` for this release, or wait for the run that is under way."
    return (failed(ExitCode.NOT_YET, "level", message, hint),)


def judge_run(planned: Plan, history: History, after: Plan) -> tuple[Finding, ...]:
    """Judge whether *history* is what *planned* was to make of it.

    Args:
        planned: The plan that was carried out.
        history: As read after the run.
        after: What a plan on *history* would still have to do.
    """
    problems = (
        *_differences(planned, history),
        *(f"{script} is still pending" for script in _left_undone(planned, after)),
        *(f"{_named(row)} is recorded as failed" for row in _failed(after)),
    )
    if problems:
        return tuple(
            failed(ExitCode.VERIFY_FAILED, "history-as-planned", problem, _HINT)
            for problem in problems
        )
    count = len(planned.pending)
    level = after.current or "no version"
    return (passed("history-as-planned", f"{count} recorded as planned, at {level}"),)


def judge_new_invalid_indexes(
    before: frozenset[InvalidIndex], after: frozenset[InvalidIndex]
) -> tuple[Finding, ...]:
    """Judge whether the run left an index behind that the server does not use."""
    new = sorted(after - before)
    if not new:
        return (passed("invalid-indexes", "no new invalid index"),)
    return tuple(
        failed(
            ExitCode.VERIFY_FAILED,
            "invalid-indexes",
            f"index {index.describe()} is invalid",
            _remedy(index),
        )
        for index in new
    )


def _remedy(index: InvalidIndex) -> str:
    drop = "Drop it with DROP INDEX CONCURRENTLY"
    if not index.is_copy:
        return f"{drop}, and build it again in a new migration."
    if index.is_of_toast:
        return f"{drop}, as a superuser or with USAGE on schema pg_toast."
    return f"{drop}: by its name it is a copy that REINDEX CONCURRENTLY has left."


def _differences(planned: Plan, history: History) -> Iterator[str]:
    written = {
        (row.version, row.description): row
        for row in history.rows
        if row.installed_rank >= planned.next_rank and row.type not in SYNTHETIC_TYPES
    }
    for migration in planned.pending:
        row = written.pop(_key(migration), None)
        if row is None:
            yield f"{migration.script} is not in the schema history"
        elif row.checksum != migration.checksum:
            yield f"{_named(row)} has not the checksum of {migration.script}"
    for row in written.values():
        yield f"{_named(row)} was not planned"


def _left_undone(planned: Plan, after: Plan) -> Iterator[str]:
    """Yield what is pending, but for what the plan left to later runs by its target."""
    carried_out = {item.script for item in planned.pending}
    for_later = {
        info.migration.script
        for info in planned.infos
        if info.migration is not None and info.state in _FOR_LATER
    } - carried_out
    return (item.script for item in after.pending if item.script not in for_later)


def _key(migration: Migration) -> tuple[str | None, str]:
    version = None if migration.version is None else migration.version.text
    return version, abbreviate_description(migration.description)


def _failed(plan: Plan) -> Iterator[HistoryRow]:
    return (info.row for info in plan.infos if info.row is not None and info.state.is_failed)


def _named(row: HistoryRow) -> str:
    return f"row {row.installed_rank} ({row.script})"
