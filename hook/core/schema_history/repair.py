"""What a repair changes in a schema history so that it agrees with the release again.

The effects are those of Flyway's ``repair``: failed rows go, migrations that are gone
from the release are marked as deleted, and rows take over what their files say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hook.core.schema_history.applied import read_rows
from hook.core.schema_history.cherry_pick import CherryPick
from hook.core.schema_history.history import (
    DELETE,
    SYNTHETIC_TYPES,
    UNDO_TYPES,
    History,
    HistoryRow,
    MigrationInfo,
    MigrationState,
    abbreviate_description,
)
from hook.core.schema_history.history_rules import HistoryRules, Target
from hook.core.schema_history.reconcile import reconcile
from hook.core.scripts.script import Migration
from hook.core.scripts.version import Version

_GONE = frozenset(
    {
        MigrationState.MISSING,
        MigrationState.MISSING_FAILED,
        MigrationState.FUTURE,
        MigrationState.FUTURE_FAILED,
    }
)
_RECORDS_NO_SCRIPT = SYNTHETIC_TYPES | UNDO_TYPES


@dataclass(frozen=True, slots=True)
class Edit:
    """A row and what follows from it: the row that replaces it, or the one that is added."""

    row: HistoryRow
    result: HistoryRow


@dataclass(frozen=True, slots=True)
class Repair:
    """The changes of one repair, all or none of which are made.

    Attributes:
        removed: Failed rows.
        marked: Rows whose file is gone; the results are ``DELETE`` rows to be added.
        aligned: Rows with another checksum, description or type than their file.
    """

    removed: tuple[HistoryRow, ...] = ()
    marked: tuple[Edit, ...] = ()
    aligned: tuple[Edit, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to be changed."""
        return not (self.removed or self.marked or self.aligned)


def plan_repair(
    history: History,
    migrations: Sequence[Migration],
    rules: HistoryRules,
    only: Version | None = None,
) -> Repair:
    """Return what a repair of *history* changes.

    Args:
        history: As read; rows that cannot be understood are left as they are.
        migrations: The files of the release.
        rules: Their patterns say which migrations may be gone, and their cherry-pick limits
            which failed rows go; target and order do not matter to a repair.
        only: Repair the rows of this version, all of them if none.
    """
    entries, _ = read_rows(history.rows)
    removed = tuple(
        entry.row
        for entry in entries
        if not entry.row.success
        and _is_meant(entry.version, only)
        and rules.cherry_pick.includes(entry.version, entry.row.description)
    )
    kept = history._replace(rows=_without(history.rows, removed))
    entries, _ = read_rows(kept.rows)
    lenient = rules._replace(is_out_of_order=True, target=Target(), cherry_pick=CherryPick())
    infos = [
        info
        for info in reconcile(migrations, entries, lenient)
        if info.type not in _RECORDS_NO_SCRIPT and _is_meant(info.version, only)
    ]
    gone = [info.row for info in infos if info.row is not None and _is_gone(info, rules)]
    return Repair(
        removed=removed,
        marked=tuple(
            Edit(row, _deletion_of(row, rank)) for rank, row in enumerate(gone, kept.next_rank)
        ),
        aligned=tuple(_alignments(infos)),
    )


def repaired(history: History, repair: Repair) -> History:
    """Return *history* as it is after *repair*."""
    aligned = {edit.row: edit.result for edit in repair.aligned}
    rows = _without(history.rows, repair.removed)
    added = (edit.result for edit in repair.marked)
    return history._replace(rows=(*(aligned.get(row, row) for row in rows), *added))


def _is_meant(version: Version | None, only: Version | None) -> bool:
    return only is None or version == only


def _without(rows: Iterable[HistoryRow], removed: Iterable[HistoryRow]) -> tuple[HistoryRow, ...]:
    going = frozenset(removed)
    return tuple(row for row in rows if row not in going)


def _is_gone(info: MigrationInfo, rules: HistoryRules) -> bool:
    is_versioned = info.version is not None
    return info.state in _GONE and not rules.ignores(info.state.value, is_versioned=is_versioned)


def _deletion_of(row: HistoryRow, rank: int) -> HistoryRow:
    return row._replace(
        installed_rank=rank,
        type=DELETE,
        installed_by="",
        installed_on="",
        execution_time=0,
    )


def _alignments(infos: Iterable[MigrationInfo]) -> Iterator[Edit]:
    for info in infos:
        row, file = info.row, info.migration
        if row is None or file is None:
            continue
        # A repeatable with another checksum is no mistake: it is due to run again.
        if file.version is not None or _has_raw_checksum(row, file):
            result = row._replace(
                description=abbreviate_description(file.description),
                type=file.type,
                checksum=file.checksum,
            )
            if result != row._replace(type=info.type):
                yield Edit(row, result)


def _has_raw_checksum(row: HistoryRow, file: Migration) -> bool:
    return row.checksum == file.raw_checksum != file.checksum
