"""Lists the WAL archive of a pgBackRest stanza, between a backup and the server's position.

Below ``archive/<stanza>/<version>-<id>/`` there is one folder for each 4 GiB of a timeline,
named by the first sixteen digits of its segments, and beside them the timeline history files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hook.catalogs.object_store import ObjectStore
from hook.catalogs.pgbackrest_cipher import decrypt, is_encrypted
from hook.core.archive import ArchiveEvidence, Covered
from hook.core.pgbackrest_info import ArchiveInfo
from hook.core.wal import (
    Fork,
    Recovery,
    Stretch,
    merge,
    parse_segment,
    parse_timeline_history,
    plan_recovery,
)
from hook.errors import BackupUnknown

# A segment carries its checksum in its name, and how it is compressed. What is partial, a
# backup history file or half uploaded has another name.
_SEGMENT = re.compile(r"(?P<segment>[0-9A-F]{24})-[0-9a-f]{40}(\.(gz|lz4|zst|bz2))?")
_HISTORY_LIMIT = 2**20
# One listing each: 16 TiB of WAL.
_LOG_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Archive:
    """The WAL of one cluster in *store*, below *folder*."""

    store: ObjectStore
    folder: str
    info: ArchiveInfo

    def look(self, source: str, recovery: Recovery, warnings: tuple[str, ...]) -> ArchiveEvidence:
        """Return what there is of the WAL that *recovery* reads.

        Only the folders that it passes through are listed, one at a time.

        Raises:
            BackupUnknown: The archive or a timeline history file cannot be read.
        """
        found = ArchiveEvidence(source, recovery, self.info.system_identifier, warnings=warnings)
        forks: tuple[Fork, ...] = ()
        if recovery.start.timeline != recovery.end.timeline:
            name = f"{recovery.end.timeline:08X}.history"
            history = self._read_history(name)
            if history is None:
                return found._replace(missing_history=name)
            forks = history
        stretches = plan_recovery(recovery, forks) or ()
        duplicates: list[str] = []
        folders = {entry.name for entry in self.store.list_level(self.folder) if entry.is_folder}
        covered = tuple(
            self._cover(item, recovery.segment_size, folders, duplicates) for item in stretches
        )
        return found._replace(covered=covered, duplicates=tuple(duplicates))

    def _cover(
        self, stretch: Stretch, size: int, folders: Iterable[str], duplicates: list[str]
    ) -> Covered:
        logs = list(stretch.logs(size))
        if len(logs) > _LOG_LIMIT:
            raise BackupUnknown(
                f"the WAL since the backup is longer than {4 * _LOG_LIMIT // 1024} TiB",
                "Take a new backup.",
            )
        numbers: set[int] = set()
        for log in logs:
            for name in self._segments(log) if log in folders else ():
                segment = parse_segment(name, size)
                if segment is None or not stretch.first <= segment.number <= stretch.last:
                    continue
                if segment.number in numbers:
                    duplicates.append(name)
                numbers.add(segment.number)
        return Covered(stretch, merge(numbers))

    def _segments(self, log: str) -> list[str]:
        entries = self.store.list_level(f"{self.folder}{log}/")
        names = (_SEGMENT.fullmatch(entry.name) for entry in entries)
        return [found["segment"] for found in names if found]

    def _read_history(self, name: str) -> tuple[Fork, ...] | None:
        """Return the forks that the history file *name* tells, none when it is not there."""
        stored = self.store.read(self.folder + name, _HISTORY_LIMIT)
        if stored is None:
            return None
        text: bytes | None = stored.data
        if is_encrypted(stored.data):
            text = decrypt(stored.data, self.info.passphrase or "")
        try:
            return parse_timeline_history((text or b"\xff").decode())
        except ValueError:
            where = self.store.describe(self.folder + name)
            raise BackupUnknown(
                f"{where} is no timeline history file", "See what that object is."
            ) from None
