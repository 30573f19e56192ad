"""Adopting a schema that has objects but no history yet.

A baseline declares the objects found to be the state after a version. On the wrong
database that would be a disaster, so Flyway's own switch is not enough here.
"""

from __future__ import annotations

from typing import NamedTuple

from hook.core.outcome import Finding, failed, warned
from hook.core.schema_history.history import BASELINE, History, HistoryRow
from hook.core.scripts.version import Version
from hook.errors import ExitCode

_FIRST_RANK = 1
_FIRST_VERSION = Version.parse("1")


class BaselineRules(NamedTuple):
    """When and as what a schema without history is adopted.

    Attributes:
        on_migrate: ``FLYWAY_BASELINE_ON_MIGRATE``.
        is_allowed: ``PRESYNC_ALLOW_BASELINE``, the second key.
        is_dispensable: A history may start without one, as no script is run.
    """

    on_migrate: bool = False
    is_allowed: bool = False
    version: Version = _FIRST_VERSION
    description: str = "<< Flyway Baseline >>"
    is_dispensable: bool = False


def needs_baseline(history: History) -> bool:
    """Tell whether the history would start in a schema that holds objects.

    Of what others of its schemas hold nothing is adopted where its own has yet to be
    created: as in Flyway, all migrations run there.
    """
    is_there = history.schema not in history.missing_schemas
    return not history.exists and is_there and bool(history.existing_objects)


def judge_baseline(history: History, rules: BaselineRules) -> tuple[Finding, ...]:
    """Judge whether a history may be started where there is none."""
    if not needs_baseline(history):
        return ()
    named = ", ".join(history.existing_objects)
    message = f"schema {history.schema} has no {history.table} but holds {named}"
    if rules.is_dispensable:
        hint = "Check that this is the right database."
        return (warned("baseline", f"{message}; no script is run, so it is taken as it is", hint),)
    if _adopts(rules):
        return (warned("baseline", f"{message}; it is adopted as version {rules.version}"),)
    hint = (
        "Check that this is the right database; to adopt it as version"
        f" {rules.version} set FLYWAY_BASELINE_ON_MIGRATE=true and PRESYNC_ALLOW_BASELINE=true."
    )
    return (failed(ExitCode.CONFIG, "baseline", message, hint),)


def with_baseline(history: History, rules: BaselineRules) -> History:
    """Return *history* as it will be once it is created, to plan on."""
    if not (needs_baseline(history) and _adopts(rules)):
        return history
    return baselined(history, rules)


def _adopts(rules: BaselineRules) -> bool:
    """Tell whether a baseline is made; as in Flyway, not where scripts are only recorded."""
    return rules.on_migrate and rules.is_allowed and not rules.is_dispensable


def baselined(history: History, rules: BaselineRules) -> History:
    """Return *history*, which has no rows, as one that starts with a baseline."""
    row = HistoryRow(
        installed_rank=_FIRST_RANK,
        version=rules.version.text,
        description=rules.description,
        type=BASELINE,
        script=rules.description,
        checksum=None,
        installed_by="",
        installed_on="",
        execution_time=0,
        success=True,
    )
    return history._replace(rows=(row,))
