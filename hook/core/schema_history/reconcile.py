"""Lays the files of a release beside the schema history: the state of each migration.

States, pairing and order are those that Flyway's ``info`` shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hook.core.schema_history.applied import Applied
from hook.core.schema_history.history import (
    BASELINE,
    BASELINE_TYPES,
    DELETE,
    SCHEMA,
    UNDO_TYPES,
    HistoryRow,
    MigrationInfo,
    MigrationState,
    abbreviate_description,
)
from hook.core.schema_history.history_rules import HistoryRules, TargetKind
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import EMPTY, Version, highest

# Rows that record no script.
_MARKERS = {
    DELETE: MigrationState.SUCCESS,
    SCHEMA: MigrationState.SUCCESS,
    BASELINE: MigrationState.BASELINE,
    **dict.fromkeys(UNDO_TYPES, MigrationState.SUCCESS),
}
_NOT_PICKED = MigrationState.IGNORED
_FIRST = frozenset({MigrationState.BELOW_BASELINE, MigrationState.BASELINE_IGNORED})


class _Levels(NamedTuple):
    """The versions against which each migration is judged, `EMPTY` where there is none."""

    last_applied: Version
    last_resolved: Version
    applied_baseline: Version
    pending_baseline: Version
    target: Version | None = None

    @property
    def base(self) -> Version:
        """Return the version up to which a baseline stands for the files."""
        return self.pending_baseline if self.last_applied == EMPTY else self.applied_baseline

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing stands in the history, and no baseline ever did.

        A baseline that was marked as deleted has left its tables: none runs after it.
        """
        return self.last_applied == EMPTY == self.applied_baseline


class _Pairs(NamedTuple):
    """Which file belongs to which row.

    Attributes:
        versioned: By the parts of the version, and the type.
        latest_runs: Of each repeatable, the last run, be it marked as deleted: no earlier
            one takes its place.
    """

    versioned: dict[tuple[tuple[int, ...], str], Migration]
    repeatable: dict[str, Migration]
    latest_runs: dict[str, Applied]

    def file_of(self, entry: Applied) -> Migration | None:
        """Return the file that *entry* records, none when it is gone."""
        if entry.version is None:
            return self.repeatable.get(entry.row.description)
        return self.versioned.get((entry.version.parts, entry.type))

    def is_latest_run(self, entry: Applied) -> bool:
        """Tell whether the repeatable has not run again since."""
        latest = self.latest_runs.get(entry.row.description)
        return latest is None or latest.row.installed_rank <= entry.row.installed_rank


def reconcile(
    resolved: Sequence[Migration], entries: Sequence[Applied], rules: HistoryRules
) -> tuple[MigrationInfo, ...]:
    """Return the state of every file and every row.

    Order: files at or below a baseline, rows by rank, other files in the order of
    *resolved*, which is the running order.

    Args:
        resolved: The files of the release, in running order.
        entries: The rows of the history, see `hook.core.schema_history.applied.read_rows`.
        rules: Up to where to migrate, and whether out of order.
    """
    pairs = _pair(resolved, entries)
    files = _without_row(resolved, entries, pairs)
    picked = [file for file in files if _is_picked(file, rules)]
    levels = _find_levels(resolved, entries, picked)
    levels = levels._replace(target=_target_version(picked, levels, rules))
    waiting = [_info_of_file(file, levels, rules) for file in files]
    applied = (_info_of_row(entry, pairs, levels) for entry in entries)
    return (
        *(info for info in waiting if info.state in _FIRST),
        *applied,
        *(info for info in waiting if info.state not in _FIRST),
    )


def _pair(resolved: Iterable[Migration], entries: Iterable[Applied]) -> _Pairs:
    versioned = {}
    repeatable = {}
    for file in resolved:
        if file.version is None:
            repeatable[abbreviate_description(file.description)] = file
        else:
            versioned[file.version.parts, file.type] = file
    runs = {
        entry.row.description: entry
        for entry in entries
        if entry.version is None and entry.type not in _MARKERS
    }
    return _Pairs(versioned, repeatable, runs)


def _without_row(
    resolved: Iterable[Migration], entries: Iterable[Applied], pairs: _Pairs
) -> list[Migration]:
    applied = {
        (entry.version.parts, entry.type)
        for entry in entries
        if entry.version is not None and entry.counts
    }
    waiting = []
    for file in resolved:
        if file.version is not None:
            is_applied = (file.version.parts, file.type) in applied
        else:
            run = pairs.latest_runs.get(abbreviate_description(file.description))
            is_applied = run is not None and run.counts and _matches(file, run.row)
        if not is_applied:
            waiting.append(file)
    return waiting


def _matches(file: Migration, row: HistoryRow) -> bool:
    """Tell whether *row* is a run of the repeatable *file* as it is now."""
    return row.checksum in {file.checksum, file.raw_checksum}


def _find_levels(
    resolved: Iterable[Migration], entries: Iterable[Applied], files: Iterable[Migration]
) -> _Levels:
    applied = [entry for entry in entries if entry.version is not None]
    return _Levels(
        last_applied=highest(entry.version for entry in applied if entry.counts),
        last_resolved=highest(file.version for file in resolved),
        applied_baseline=highest(
            entry.version for entry in applied if entry.type in BASELINE_TYPES
        ),
        pending_baseline=highest(
            file.version for file in files if file.kind is Kind.BASELINE and file.executes
        ),
    )


def _target_version(
    files: Iterable[Migration], levels: _Levels, rules: HistoryRules
) -> Version | None:
    """Return the version after which nothing is applied, none when everything is."""
    kind = rules.target.kind
    if kind is TargetKind.CURRENT:
        return levels.last_applied
    if kind is TargetKind.NEXT:
        ordered = rules.cherry_pick.ordered(files)
        states = ((file, _state_of_file(file, levels, rules)) for file in ordered)
        pending = (file.version for file, state in states if state is MigrationState.PENDING)
        return next((version for version in pending if version is not None), None)
    return rules.target.version


def _info_of_file(file: Migration, levels: _Levels, rules: HistoryRules) -> MigrationInfo:
    state = _state_of_file(file, levels, rules)
    return MigrationInfo(state, None, file, file.version, file.type)


def _state_of_file(file: Migration, levels: _Levels, rules: HistoryRules) -> MigrationState:
    if not file.executes:
        return MigrationState.IGNORED
    return _state_of_picked(file, levels, rules) if _is_picked(file, rules) else _NOT_PICKED


def _state_of_picked(file: Migration, levels: _Levels, rules: HistoryRules) -> MigrationState:
    version = file.version
    if version is None:
        return MigrationState.PENDING
    base = levels.base
    if version < base:
        return MigrationState.BELOW_BASELINE
    if version == base:
        starts = _starts_empty_history(file, levels)
        return MigrationState.PENDING if starts else MigrationState.BASELINE_IGNORED
    if levels.target is not None and version > levels.target:
        return MigrationState.ABOVE_TARGET
    return MigrationState.IGNORED if _is_too_late(file, levels, rules) else MigrationState.PENDING


def _is_picked(file: Migration, rules: HistoryRules) -> bool:
    return rules.cherry_pick.includes(file.version, file.description)


def _starts_empty_history(file: Migration, levels: _Levels) -> bool:
    return file.kind is Kind.BASELINE and levels.is_empty


def _is_too_late(file: Migration, levels: _Levels, rules: HistoryRules) -> bool:
    if file.kind is Kind.BASELINE:
        return not levels.is_empty
    is_older = file.version is not None and file.version < levels.last_applied
    return is_older and not rules.is_out_of_order


def _info_of_row(entry: Applied, pairs: _Pairs, levels: _Levels) -> MigrationInfo:
    file = pairs.file_of(entry)
    state = _state_of_row(entry, file, pairs, levels)
    return MigrationInfo(state, entry.row, file, entry.version, entry.type)


def _state_of_row(
    entry: Applied, file: Migration | None, pairs: _Pairs, levels: _Levels
) -> MigrationState:
    if entry.is_undone:
        return MigrationState.UNDONE
    if entry.is_deleted:
        return MigrationState.DELETED
    if entry.type in _MARKERS:
        return _MARKERS[entry.type]
    # To Flyway a baseline script has failed also where it is gone.
    has_failed = entry.type in BASELINE_TYPES and not entry.row.success
    is_gone = file is None and (entry.version is not None or pairs.is_latest_run(entry))
    if is_gone and not has_failed:
        return _state_without_file(entry, levels)
    return _state_with_file(entry, file, pairs)


def _state_without_file(entry: Applied, levels: _Levels) -> MigrationState:
    success = entry.row.success
    if entry.version is None or entry.version < levels.last_resolved:
        return MigrationState.MISSING if success else MigrationState.MISSING_FAILED
    return MigrationState.FUTURE if success else MigrationState.FUTURE_FAILED


def _state_with_file(entry: Applied, file: Migration | None, pairs: _Pairs) -> MigrationState:
    if not entry.row.success:
        return MigrationState.FAILED
    if entry.type in BASELINE_TYPES:
        return MigrationState.BASELINE
    if entry.version is not None:
        return MigrationState.OUT_OF_ORDER if entry.is_out_of_order else MigrationState.SUCCESS
    if file is None or not pairs.is_latest_run(entry):
        return MigrationState.SUPERSEDED
    return MigrationState.SUCCESS if _matches(file, entry.row) else MigrationState.OUTDATED
