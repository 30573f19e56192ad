"""Looks for the WAL between a backup and the server's position, in whatever keeps it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.wal import (
    Fork,
    Stretch,
    merge,
    parse_segment,
    parse_timeline_history,
    plan_recovery,
)
from hook.core.text import counted
from hook.errors import BackupUnknown

# One listing each in most layouts: 16 TiB of WAL.
LOG_LIMIT = 4096
HISTORY_LIMIT = 2**20


class Kept(NamedTuple):
    """A complete segment of an archive.

    Attributes:
        flaw: Why no restore can read it, empty when nothing is known against it.
        doubt: What makes it a hole unless it is said of all of them.
    """

    name: str
    flaw: str = ""
    doubt: str = ""


class WalArchive(Protocol):
    """The segments and timeline history files of one cluster, in the layout of one system.

    Every method raises `BackupUnknown` when the storage could not be asked.
    """

    def list_segments(self, logs: tuple[str, ...]) -> Iterable[Kept]:
        """Yield the complete segments of *logs*, the 4 GiB that a recovery reads.

        A log is the beginning that the names of its segments share, sixteen digits. A name
        that is there twice is yielded twice, unless the system takes either; what lies beside
        *logs* does no harm.
        """

    def read_history(self, name: str) -> bytes | None:
        """Return the timeline history file *name* as the server wrote it, none without one."""

    def describe(self, name: str) -> str:
        """Return the full name of the file *name* of the archive."""


def look_for_wal(archive: WalArchive, wanted: ArchiveEvidence) -> ArchiveEvidence:
    """Return *wanted* with what *archive* holds of the WAL that its recovery reads.

    Raises:
        BackupUnknown: The archive or a timeline history file cannot be read.
    """
    recovery = wanted.recovery
    forks: tuple[Fork, ...] = ()
    if recovery.start.timeline != recovery.end.timeline:
        name = f"{recovery.end.timeline:08X}.history"
        history = archive.read_history(name)
        if history is None:
            return wanted._replace(missing_history=name)
        forks = _parse_history(history, archive.describe(name))
    stretches = plan_recovery(recovery, forks) or ()
    bad = _Bad([], {})
    found = [_look_through(archive, item, recovery.segment_size, bad) for item in stretches]
    is_beyond_doubt = any(item.usable for item in found)
    covered = tuple(
        Covered(item.stretch, merge(item.usable if is_beyond_doubt else item.doubted))
        for item in found
    )
    told = tuple(
        f"{counted(len(names), 'segment')} {oddity}, {names[0]} first"
        for oddity, names in bad.odd.items()
    )
    warnings = wanted.warnings + told
    return wanted._replace(covered=covered, duplicates=tuple(bad.duplicates), warnings=warnings)


def merge_compressions(entries: Iterable[Kept]) -> Iterator[Kept]:
    """Yield each segment once, for a system that takes it in whichever compression it can read."""
    flaws: dict[str, str] = {}
    for name, flaw, _ in entries:
        flaws[name] = flaws.get(name, flaw) and flaw
    yield from itertools.starmap(Kept, flaws.items())


class _Bad(NamedTuple):
    """What may stand in the way of a restore: names, and those of odd segments by what is odd."""

    duplicates: list[str]
    odd: dict[str, list[str]]


class _Found(NamedTuple):
    """The numbers of the segments of *stretch*; those in doubt count where all are."""

    stretch: Stretch
    usable: set[int]
    doubted: set[int]


def _look_through(archive: WalArchive, stretch: Stretch, size: int, bad: _Bad) -> _Found:
    logs = tuple(stretch.logs(size))
    if len(logs) > LOG_LIMIT:
        raise BackupUnknown(
            f"the WAL since the backup is longer than {4 * LOG_LIMIT // 1024} TiB",
            "Take a new backup.",
        )
    seen: set[int] = set()
    found = _Found(stretch, set(), set())
    for name, flaw, doubt in archive.list_segments(logs):
        segment = parse_segment(name, size)
        if segment is None or segment.timeline != stretch.timeline:
            continue
        if not stretch.first <= segment.number <= stretch.last:
            continue
        if segment.number in seen:
            bad.duplicates.append(name)
        seen.add(segment.number)
        if oddity := flaw or doubt:
            bad.odd.setdefault(oddity, []).append(name)
        if not flaw:
            (found.doubted if doubt else found.usable).add(segment.number)
    return found


def _parse_history(history: bytes, name: str) -> tuple[Fork, ...]:
    try:
        return parse_timeline_history(history.decode())
    except ValueError:
        raise BackupUnknown(
            f"{name} is no timeline history file", "See what that object is."
        ) from None
