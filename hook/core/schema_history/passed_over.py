"""Finds what a baseline script stands for although it never runs.

Where all rows are marked as deleted, a baseline among them, no baseline script runs any
more, and yet the newest of the release covers all up to it. Flyway passes over both, and
what they hold is nowhere: with nothing pending such a schema would count as ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hook.core.schema_history.history import (
    BASELINE_TYPES,
    UNDO_TYPES,
    MigrationInfo,
    MigrationState,
)
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import EMPTY, Version, highest
from hook.core.text import listed

_UNDONE = MigrationState.UNDONE
_COVERED = frozenset({MigrationState.BELOW_BASELINE, MigrationState.BASELINE_IGNORED})


def describe_passed_over(infos: Sequence[MigrationInfo], base: Version) -> tuple[str, str] | None:
    """Return what is passed over and the way out, none when nothing is.

    A schema that was at the version of the script before its rows were marked as deleted
    has what the script holds.

    Args:
        infos: The states of files and rows.
        base: The highest baseline in the history.
    """
    # Of a history that counts, nothing above its baseline has such a state.
    above = [info for info in infos if info.row is None and base < (info.version or EMPTY)]
    baseline = next(filter(None, map(_idle_baseline, above)), None)
    if baseline is None or baseline.version is None:
        return None
    deleted = _script_of(infos, base)
    gone = {info.version for info in infos if info.state is MigrationState.DELETED}
    message = f"{baseline.script} does not run after the deleted baseline {base} ({deleted})"
    covered = [file for info in above for file in _covered(info)]
    if covered:
        names = listed([file.script for file in covered])
        hint = _way_to_run(baseline, deleted, [file for file in covered if file.version in gone])
        return f"{message}, nor does what it covers: {names}", hint
    reached = highest((base, *gone))
    if reached < baseline.version:
        missing = f"nothing else takes the schema from {reached} to {baseline.version}"
        return f"{message}, and {missing}", _way_to_level(baseline, deleted, reached)
    return None


def describe_unreached(infos: Sequence[MigrationInfo]) -> tuple[str, str] | None:
    """Return which baseline script is above all that a schema has or gets, and what to do.

    On a schema with rows that count it never runs. Flyway says nothing: with V6 and V7 squashed
    into B7 before a schema at 5 had them, nobody would notice. As its version may be no more
    than the date of the squash, this is worth a word, until the schema has gone past it.
    """
    idle = [
        info.migration
        for info in infos
        if info.state is MigrationState.IGNORED
        and info.migration is not None
        and info.migration.kind is Kind.BASELINE
    ]
    if not idle:  # as in nearly all releases, some of which have thousands of migrations
        return None
    newest = highest(file.version for file in idle)
    # What was undone the schema has no more, and gets only if there is a file for it.
    lasting = [info for info in infos if not (info.state is _UNDONE or info.type in UNDO_TYPES)]
    at = highest(info.version for info in lasting if info.row is not None)
    others = (info.version for info in lasting if info.migration not in idle)
    reached = highest(version for version in others if version and version <= newest)
    if newest <= max(at, reached):
        return None
    script = next(file.script for file in idle if file.version == newest)
    message = f"{script} does not run on a schema that is at {at}"
    hint = (
        f"If it holds more than the migrations up to {reached}, bring the rest as a versioned"
        " script; else nothing is to be done."
    )
    return message, hint


def _idle_baseline(info: MigrationInfo) -> Migration | None:
    """Return the baseline script by which the files are judged although it does not run."""
    file = info.migration
    is_idle = info.state is MigrationState.BASELINE_IGNORED
    return file if is_idle and file is not None and file.kind is Kind.BASELINE else None


def _covered(info: MigrationInfo) -> Iterator[Migration]:
    file = info.migration
    if file is not None and file.kind is Kind.VERSIONED and info.state in _COVERED:
        yield file


def _script_of(infos: Iterable[MigrationInfo], base: Version) -> str:
    """Return the script of the baseline *base* that was applied."""
    rows = (info.row for info in infos if info.type in BASELINE_TYPES and info.version == base)
    return next(row.script for row in rows if row is not None)


def _way_to_run(baseline: Migration, deleted: str, known: Sequence[Migration]) -> str:
    way = (
        f"Put {deleted} back in the place of {baseline.script}, which may return once they are"
        " applied."
    )
    if not known:
        return way
    names = listed([file.script for file in known])
    return f"Take out of the release what was applied and is still there, of {names}. {way}"


def _way_to_level(baseline: Migration, deleted: str, reached: Version) -> str:
    return (
        f"Put {deleted} back in its place, and what it holds beyond {reached} into versioned"
        " scripts; it may return once they are applied. If the schema has all of that, give"
        f" {baseline.script} the version {reached}."
    )
