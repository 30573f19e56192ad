"""What a run has to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hook.core.outcome import Finding, failed
from hook.core.schema_history.ahead import find_ahead
from hook.core.schema_history.history import (
    BASELINE_TYPES,
    DELETE,
    DESCRIPTION_LENGTH,
    UNDO_TYPES,
    History,
    MigrationInfo,
    MigrationState,
    abbreviate_description,
)
from hook.core.schema_history.history_rules import HistoryRules, TargetKind
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import highest
from hook.errors import ExitCode

VERSION_LENGTH = 50
_GONE = frozenset({MigrationState.DELETED, MigrationState.UNDONE})
_NO_LEVEL = UNDO_TYPES | {DELETE}


class Plan(NamedTuple):
    """What a run has to do.

    Attributes:
        pending: What to apply, in running order.
        infos: The table of states that the plan was made from.
        current: The schema's version before the run, none before the first migration.
        ahead: Versions, and ``R description``, that only a newer release knows.
        next_rank: Rank of the first row to be written.
    """

    pending: tuple[Migration, ...]
    infos: tuple[MigrationInfo, ...]
    current: str | None
    ahead: tuple[str, ...]
    next_rank: int


def plan_pending(infos: Sequence[MigrationInfo], history: History, rules: HistoryRules) -> Plan:
    """Return the plan that follows from the states.

    A repeatable that a newer release has replaced is not taken back to the text of
    this one: rolling back the application leaves the schema as it is. The target
    ``next`` is a single step, whatever kind of migration it is; in a group that is the
    next version and all repeatables. What was cherry-picked runs in the order of the list.
    """
    ahead = find_ahead(infos, rules)
    kept = {info.description for info in ahead.replaced}
    pending = rules.cherry_pick.ordered(
        info.migration
        for info in infos
        if info.state is MigrationState.PENDING
        and info.migration is not None
        and (
            info.version is not None
            or abbreviate_description(info.migration.description) not in kept
        )
    )
    pending = _without_baselined(pending, infos)
    is_one_migration = rules.target.kind is TargetKind.NEXT and not rules.is_grouped
    return Plan(
        pending=tuple(pending[:1] if is_one_migration else pending),
        infos=tuple(infos),
        current=_current_version(infos),
        ahead=tuple(_short_name(info) for info in ahead.unknown),
        next_rank=history.next_rank,
    )


def _without_baselined(
    pending: Sequence[Migration], infos: Iterable[MigrationInfo]
) -> Sequence[Migration]:
    """Return *pending* without what the first version keeps from being run.

    A baseline that was marked as deleted stands for the versions up to it as soon as
    there is a version beside it: Flyway looks at the history again after each migration.
    """
    base = highest(info.version for info in infos if info.row and info.type in BASELINE_TYPES)
    versioned = [item.version for item in pending if item.version is not None]
    return [
        item
        for item in pending
        if item.version is None or item.version is versioned[0] or item.version > base
    ]


def _current_version(infos: Iterable[MigrationInfo]) -> str | None:
    """Return the highest version that was applied; a failed one was not reached."""
    reached = (info.version for info in infos if info.row is not None and _is_reached(info))
    return highest(reached).text or None


def _is_reached(info: MigrationInfo) -> bool:
    is_gone = info.state in _GONE or info.state.is_failed
    return not is_gone and info.type not in _NO_LEVEL


def _short_name(info: MigrationInfo) -> str:
    return f"R {info.description}" if info.version is None else info.version.text


def judge_scripts(pending: Iterable[Migration]) -> tuple[Finding, ...]:
    """Judge whether what is to be applied is there at all, and can be recorded."""
    findings = []
    for item in pending:
        if item.is_blank:
            message = f"{item.script} is empty"
            hint = "Write the migration into the file, or remove the file from the release."
            findings.append(failed(ExitCode.BAD_SET, "script-empty", message, hint))
        if item.version is not None and len(item.version.text) > VERSION_LENGTH:
            message = f"{item.script}: the version has {len(item.version.text)} characters"
            hint = f"Shorten it: the schema history holds {VERSION_LENGTH}."
            findings.append(failed(ExitCode.BAD_SET, "version-length", message, hint))
        if item.kind is Kind.REPEATABLE and _is_cut(item.description):
            message = f"{item.script}: the description has {len(item.description)} characters"
            hint = f"Shorten it: Flyway would not know it by the {DESCRIPTION_LENGTH} it stores."
            findings.append(failed(ExitCode.BAD_SET, "description-length", message, hint))
    return tuple(findings)


def _is_cut(description: str) -> bool:
    return abbreviate_description(description) != description
