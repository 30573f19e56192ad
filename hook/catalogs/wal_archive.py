"""Looks for the WAL between a backup and the server's position, in whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.wal import (
    Fork,
    Stretch,
    merge,
    parse_segment,
    parse_timeline_history,
    plan_recovery,
)
from hook.errors import BackupUnknown

# One listing each in most layouts: 16 TiB of WAL.
LOG_LIMIT = 4096
HISTORY_LIMIT = 2**20


class WalArchive(Protocol):
    """The segments and timeline history files of one cluster, in the layout of one system.

    Every method raises `BackupUnknown` when the storage could not be asked.
    """

    def list_segments(self, logs: tuple[str, ...]) -> Iterable[str]:
        """Yield the names of the complete segments of *logs*, the 4 GiB that a recovery reads.

        A log is the beginning that the names of its segments share, sixteen digits. A name
        that is there twice is yielded twice; what lies beside *logs* does no harm.
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
    duplicates: list[str] = []
    covered = tuple(_cover(archive, item, recovery.segment_size, duplicates) for item in stretches)
    return wanted._replace(covered=covered, duplicates=tuple(duplicates))


def _cover(archive: WalArchive, stretch: Stretch, size: int, duplicates: list[str]) -> Covered:
    logs = tuple(stretch.logs(size))
    if len(logs) > LOG_LIMIT:
        raise BackupUnknown(
            f"the WAL since the backup is longer than {4 * LOG_LIMIT // 1024} TiB",
            "Take a new backup.",
        )
    numbers: set[int] = set()
    for name in archive.list_segments(logs):
        segment = parse_segment(name, size)
        if segment is None or segment.timeline != stretch.timeline:
            continue
        if not stretch.first <= segment.number <= stretch.last:
            continue
        if segment.number in numbers:
            duplicates.append(name)
        numbers.add(segment.number)
    return Covered(stretch, merge(numbers))


def _parse_history(history: bytes, name: str) -> tuple[Fork, ...]:
    try:
        return parse_timeline_history(history.decode())
    except ValueError:
        raise BackupUnknown(
            f"{name} is no timeline history file", "See what that object is."
        ) from None
