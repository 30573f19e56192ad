"""Tells a database that is ahead of the release from one that disagrees with it.

When an application is rolled back, the older release meets a history with rows that
it does not know. That is no fault as long as all of them are newer than everything
it has, and successful.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hook.core.schema_history.history import BASELINE_TYPES, MigrationInfo, MigrationState
from hook.core.scripts.version import EMPTY, Version


class Ahead(NamedTuple):
    """What a newer release has left in the history.

    Attributes:
        unknown: Rows of migrations that this release does not have.
        replaced: Rows of repeatables that it has with another text.
    """

    unknown: tuple[MigrationInfo, ...] = ()
    replaced: tuple[MigrationInfo, ...] = ()


def find_ahead(infos: Iterable[MigrationInfo]) -> Ahead:
    """Return what the history has from a newer release.

    A repeatable has no version to compare. It counts as newer when its row follows
    the row of a newer version; otherwise nothing distinguishes it from one whose
    file was lost.
    """
    rows = [info for info in infos if info.row is not None]
    newest = newest_resolved(infos)
    future = [info for info in rows if _is_newer(info, newest)]
    since = min((rank_of(info) for info in future), default=None)
    if since is None:
        return Ahead()
    later = [info for info in rows if info.version is None and rank_of(info) > since]
    return Ahead(
        unknown=(*future, *(info for info in later if info.state is MigrationState.MISSING)),
        replaced=tuple(info for info in later if info.state is MigrationState.OUTDATED),
    )


def newest_resolved(infos: Iterable[MigrationInfo]) -> Version:
    """Return the highest version among the files, `EMPTY` when there is none."""
    versions = (info.migration.version for info in infos if info.migration is not None)
    return max((version for version in versions if version is not None), default=EMPTY)


def rank_of(info: MigrationInfo) -> int:
    """Return the rank of the row, 0 when there is none."""
    return 0 if info.row is None else info.row.installed_rank


def _is_newer(info: MigrationInfo, newest: Version) -> bool:
    if info.state is not MigrationState.FUTURE or info.version is None:
        return False
    # A baseline stands for its version: its script may go once that version is reached.
    return info.version > newest or info.type in BASELINE_TYPES
