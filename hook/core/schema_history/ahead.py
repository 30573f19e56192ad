"""Tells a database that is ahead of the release from one that disagrees with it.

When an application is rolled back, the older release meets a history with rows that
it does not know. That is no fault as long as all of them are newer than everything
it has, and successful.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hook.core.schema_history.history import BASELINE_TYPES, MigrationInfo, MigrationState
from hook.core.schema_history.history_rules import HistoryRules
from hook.core.scripts.version import Version, highest


class Ahead(NamedTuple):
    """What a newer release has left in the history.

    Attributes:
        unknown: Rows of migrations that this release does not have.
        replaced: Rows of repeatables that it has with another text.
    """

    unknown: tuple[MigrationInfo, ...] = ()
    replaced: tuple[MigrationInfo, ...] = ()


def find_ahead(infos: Sequence[MigrationInfo], rules: HistoryRules) -> Ahead:
    """Return what the history has from a newer release.

    A repeatable has no version to compare. It counts as newer when its row follows
    the row of a newer version, or the rows of all that the release has.
    """
    rows = [info for info in infos if info.row is not None]
    newest = newest_resolved(infos)
    future = [info for info in rows if _is_newer(info, newest)]
    since = min((rank_of(info) for info in future), default=None)
    top = _rank_of_release(infos, rules)
    ranks = [rank for rank in (since, top) if rank is not None]
    return Ahead(
        unknown=(*future, *_later(rows, MigrationState.MISSING, min(ranks, default=None))),
        replaced=_later(rows, MigrationState.OUTDATED, since),
    )


def _later(
    rows: Iterable[MigrationInfo], state: MigrationState, rank: int | None
) -> tuple[MigrationInfo, ...]:
    """Return the repeatables in *state* behind *rank*, none without one."""
    if rank is None:
        return ()
    return tuple(
        info
        for info in rows
        if info.version is None and info.state is state and rank_of(info) > rank
    )


def _rank_of_release(infos: Iterable[MigrationInfo], rules: HistoryRules) -> int | None:
    """Return the rank of the last row that the release knows.

    None where the rows behind it prove nothing: a release with something pending is no
    older one, and repeatables that may be missing are not asked about.
    """
    is_ignored = rules.ignores(MigrationState.MISSING.value, is_versioned=False)
    if is_ignored or not rules.knows_newer_repeatables:
        return None
    known = [info for info in infos if info.migration is not None]
    if any(info.row is None or info.state is MigrationState.OUTDATED for info in known):
        return None
    return max(map(rank_of, known), default=None)


def newest_resolved(infos: Iterable[MigrationInfo]) -> Version:
    """Return the highest version among the files, `EMPTY` when there is none."""
    return highest(info.migration.version for info in infos if info.migration is not None)


def rank_of(info: MigrationInfo) -> int:
    """Return the rank of the row, 0 when there is none."""
    return 0 if info.row is None else info.row.installed_rank


def _is_newer(info: MigrationInfo, newest: Version) -> bool:
    if info.state is not MigrationState.FUTURE or info.version is None:
        return False
    # A baseline stands for its version: its script may go once that version is reached.
    return info.version > newest or info.type in BASELINE_TYPES
