"""Judges whether a schema history may be started with a baseline, on explicit request.

The cases are those of Flyway's ``baseline``.
"""

from __future__ import annotations

from hook.core.outcome import Finding, failed, passed, warned
from hook.core.schema_history.applied import Applied, read_rows
from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.history import (
    BASELINE,
    SCHEMA,
    SYNTHETIC_TYPES,
    History,
    abbreviate_description,
)
from hook.core.schema_history.missing_schema import judge_missing_schema
from hook.core.schema_history.plan import VERSION_LENGTH
from hook.core.scripts.version import Version
from hook.errors import ExitCode

# The marker is the first row, or the second behind that of the schemas.
_MARKER_ROWS = 2
_ZERO = Version.parse("0")


def judge_baseline_command(
    history: History, rules: BaselineRules, *, creates_schemas: bool
) -> tuple[Finding, ...]:
    """Return what a baseline by *rules* creates, or why it is refused.

    A history that starts with the very same baseline is as good as a new one.

    Args:
        history: As it was read.
        rules: The version and description of the baseline.
        creates_schemas: Schemas that are missing are created, too.
    """
    place = f"{history.schema}.{history.table}"
    entries, problems = read_rows(history.rows)
    if problems:
        hint = "Find who wrote the row: it says that there is a history already."
        return tuple(
            failed(problem.code, "history-row", f"{place}: {problem.text}", hint)
            for problem in problems
        )
    if not history.exists:
        missing = judge_missing_schema(history, creates_schemas=creates_schemas)
        told = missing or (_refuse_start(rules) or _tell_start(history, rules, place),)
    else:
        marker = _find_marker(entries)
        told = (_judge_marker(marker, rules, place) if marker else _refuse(entries, rules, place),)
    if any(item.code for item in told) or not creates_schemas:
        return told
    schemas = (warned("baseline-schema", f"create schema {it}") for it in history.missing_schemas)
    return (*schemas, *told)


def summarize_baseline(history: History, rules: BaselineRules, *, creates_schemas: bool) -> str:
    """Return what is created, in a few words, empty when all is there."""
    missing = history.missing_schemas if creates_schemas else ()
    created = [f"schema {name}" for name in missing]
    if not history.exists:
        created.append(f"baseline {_named(rules)}")
    return ", ".join(created)


def _find_marker(entries: list[Applied]) -> Applied | None:
    """Return the baseline that a history starts with, none when it does not."""
    return next((entry for entry in entries[:_MARKER_ROWS] if entry.type == BASELINE), None)


def _is_same(marker: Applied, rules: BaselineRules) -> bool:
    description = abbreviate_description(rules.description)
    return marker.version == rules.version and marker.row.description == description


def _refuse_start(rules: BaselineRules) -> Finding | None:
    if len(rules.version.text) > VERSION_LENGTH:
        message = f"FLYWAY_BASELINE_VERSION has {len(rules.version.text)} characters"
        hint = f"Shorten it: the schema history holds {VERSION_LENGTH}."
        return failed(ExitCode.CONFIG, "baseline-version", message, hint)
    return None


def _tell_start(history: History, rules: BaselineRules, place: str) -> Finding:
    found = ", ".join(history.existing_objects)
    around = f"what is there ({found})" if found else "an empty schema"
    message = f"create {place} with row 1: {around} is baseline {_named(rules)}"
    return warned("baseline-create", message, version=rules.version.text)


def _judge_marker(marker: Applied, rules: BaselineRules, place: str) -> Finding:
    row = marker.row
    present = f"version {row.version} {row.description!r}"
    if _is_same(marker, rules):
        return passed("baseline", f"{place} starts with the baseline {present} already")
    return failed(
        ExitCode.CONFIG,
        "baseline-other",
        f"{place} starts with the baseline {present}, not {_named(rules)}",
        "Set FLYWAY_BASELINE_VERSION and FLYWAY_BASELINE_DESCRIPTION to what is there.",
    )


def _refuse(entries: list[Applied], rules: BaselineRules, place: str) -> Finding:
    """Return why a history without baseline cannot be given one."""
    if not entries:
        return failed(
            ExitCode.DRIFT,
            "baseline-empty",
            f"{place} exists and is empty",
            "Find out who emptied it; drop the table and run `presync baseline` again.",
        )
    if entries[0].type == SCHEMA and rules.version == _ZERO:
        return failed(
            ExitCode.CONFIG,
            "baseline-version",
            f"{place}: version 0 stands for the schemas that were created for the application",
            "Run `presync run`: an application whose schemas were empty needs no baseline.",
        )
    if any(entry.type not in SYNTHETIC_TYPES for entry in entries):
        return failed(
            ExitCode.DRIFT,
            "baseline-late",
            f"{place} contains migrations already",
            "Run `presync info` to see them; a baseline can only be the first row.",
        )
    return failed(
        ExitCode.DRIFT,
        "baseline-late",
        f"{place} exists and does not start with a baseline",
        "Run `presync info` to see its rows; a baseline can only be the first one.",
    )


def _named(rules: BaselineRules) -> str:
    return f"version {rules.version} {rules.description!r}"
