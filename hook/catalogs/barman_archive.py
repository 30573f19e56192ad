"""The WAL archive of a Barman server, see `hook.catalogs.wal_archive`.

Below ``wals/`` there is one folder for each 4 GiB of a timeline, named by the first sixteen
digits of its segments, and beside them the timeline history files. barman-cloud tells by a
suffix how a file is compressed, Barman itself does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hook.catalogs.lanes import list_levels
from hook.catalogs.object_store import Entry, ObjectStore
from hook.catalogs.unpacking import detect_packing, unpack
from hook.catalogs.wal_archive import HISTORY_LIMIT, Kept, merge_compressions
from hook.core.backups.backup import Backup
from hook.core.backups.wal import Segment, Stretch, parse_segment
from hook.errors import BackupUnknown

_SUFFIX = r"(\.(gz|bz2|xz|snappy|zst|lz4))?"
_LOG_DIGITS = 16
_SEGMENT = re.compile(rf"(?P<segment>[0-9A-F]{{24}}){_SUFFIX}")
# More WAL than any backup runs through: 1 TiB of segments of the usual size.
_SPAN_LIMIT = 2**16
_UNREAD = {
    b"\xff\x06\x00\x00": "snappy",
    b"\x85": "gpg",
}


@dataclass(frozen=True, slots=True)
class BarmanArchive:
    """The WAL of one server in *store*, below *folder*."""

    store: ObjectStore
    folder: str

    def list_segments(self, logs: tuple[str, ...]) -> Iterator[Kept]:
        """Yield the segments of *logs*; only their folders are listed.

        A segment that is there in two compressions is told once: Barman takes either.
        """
        folders = {entry.name for entry in self.store.list_level(self.folder) if entry.is_folder}
        wanted = (f"{self.folder}{log}/" for log in logs if log in folders)
        for entries in list_levels(self.store, wanted):
            yield from merge_compressions(_segments(entries))

    def has_segment(self, name: str) -> bool:
        """Tell whether the segment *name* is there and can be read, by one listing."""
        entries = self.store.list_level(f"{self.folder}{name[:_LOG_DIGITS]}/{name}")
        return Kept(name) in merge_compressions(_segments(entries))

    def read_history(self, name: str) -> bytes | None:
        """Return the timeline history file *name*, decompressed, none when it is not there."""
        entries = self.store.list_level(self.folder + name)
        wanted = re.compile(re.escape(name) + _SUFFIX)
        found = next((entry for entry in entries if wanted.fullmatch(entry.name)), None)
        stored = None if found is None else self.store.read(found.key, HISTORY_LIMIT)
        return None if stored is None else _decompress(stored.data, self.describe(name))

    def describe(self, name: str) -> str:
        """Return the full name of the file *name*."""
        return self.store.describe(self.folder + name)


def covers(archive: BarmanArchive, backup: Backup, size: int | None) -> bool:
    """Tell whether all WAL from the beginning to the end of *backup* is in *archive*.

    *size* is that of its segments, none when it is not known.
    """
    if size is None:
        return False
    first, last = (parse_segment(name or "", size) for name in (backup.wal_start, backup.wal_stop))
    if first is None or last is None or first.timeline != last.timeline:
        return False
    if not 0 <= last.number - first.number < _SPAN_LIMIT:
        return False
    logs = tuple(Stretch(first.timeline, first.number, last.number).logs(size))
    found = {kept.name for kept in archive.list_segments(logs) if not kept.flaw}
    return all(
        Segment(first.timeline, number).name(size) in found
        for number in range(first.number, last.number + 1)
    )


def _segments(entries: Iterable[Entry]) -> Iterator[Kept]:
    for entry in entries:
        if found := _SEGMENT.fullmatch(entry.name):
            yield Kept(found["segment"], entry.flaw)


def _decompress(data: bytes, name: str) -> bytes:
    """Return *data* as the server wrote it.

    Raises:
        BackupUnknown: It is compressed in a way that is not read here, or damaged.
    """
    for magic, kind in _UNREAD.items():
        if data.startswith(magic):
            raise BackupUnknown(
                f"{name} is packed with {kind}, which is not read here",
                "Take a backup on the timeline of the server: it needs no timeline history.",
            )
    try:
        return unpack(data, detect_packing(data), HISTORY_LIMIT)
    except ValueError as error:
        raise BackupUnknown(
            f"{name} cannot be decompressed: {error}",
            "See what that object is, and archive it again.",
        ) from error
