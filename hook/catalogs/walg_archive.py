"""The WAL archive below a WAL-G prefix, see `hook.catalogs.wal_archive`.

``wal_005/`` is one flat folder: segments, backup history files and timeline history files
under the server's own names, with an ending for the compression.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hook.catalogs.lanes import list_levels
from hook.catalogs.object_store import Entry, ObjectStore
from hook.catalogs.unpacking import Packing, unpack
from hook.catalogs.wal_archive import HISTORY_LIMIT, Kept, merge_compressions
from hook.errors import BackupUnknown

WAL = "wal_005/"
# What is partial, a backup history file, a delta or metadata of WAL-G has another name.
_COMPRESSION = r"(\.(lz4|lzma|zst|br|gz|lzo))?"
_SEGMENT = re.compile(rf"(?P<segment>[0-9A-F]{{24}}){_COMPRESSION}")
_ENDING = re.compile(_COMPRESSION)
# Of sixteen logs with 256 segments each, a thousand objects to a page.
_PAGES = 5
_NEW_BACKUP = "Take a new backup: it begins on the timeline of now, and no history is needed."


@dataclass(frozen=True, slots=True)
class WalFolder:
    """The WAL of one cluster in *store*."""

    store: ObjectStore

    def list_segments(self, logs: tuple[str, ...]) -> Iterator[Kept]:
        """Yield the segments of *logs*, each once.

        Only names that begin like a log are listed, so what the archive keeps from before
        costs next to nothing. The same segment may be there under two compressions.
        """
        wanted = (f"{WAL}{beginning}" for beginning in _beginnings(logs))
        for entries in list_levels(self.store, wanted):
            yield from merge_compressions(_segments(entries))

    def read_history(self, name: str) -> bytes | None:
        """Return the timeline history file *name*, decompressed, none when it is not there.

        Raises:
            BackupUnknown: It is encrypted, or of a compression that is not known here.
        """
        keys = [entry.key for entry in self.store.list_level(f"{WAL}{name}")]
        endings = {key.removeprefix(f"{WAL}{name}"): key for key in keys}
        found = {ending: key for ending, key in endings.items() if _ENDING.fullmatch(ending)}
        known = next((ending for ending in _PACKINGS if ending in found), None)
        if known is None:
            if not found:
                return None
            other = next(iter(found.values()))
            raise BackupUnknown(
                f"{self.store.describe(other)} is compressed in a way that is not read here",
                _NEW_BACKUP,
            )
        stored = self.store.read(found[known], HISTORY_LIMIT)
        if stored is None:
            return None
        try:
            return unpack(stored.data, _PACKINGS[known], HISTORY_LIMIT)
        except ValueError as error:
            raise BackupUnknown(
                f"{self.store.describe(found[known])} cannot be decompressed (encrypted?): {error}",
                _NEW_BACKUP,
            ) from error

    def describe(self, name: str) -> str:
        """Return the full name of the file *name*."""
        return self.store.describe(WAL + name)


def _beginnings(logs: Iterable[str]) -> Iterator[str]:
    """Yield what to list for *logs*: one each, or one for most of sixteen neighbours.

    Those are five pages of a bucket, and a directory is read to its end for each listing.
    """
    for beginning, group in itertools.groupby(logs, lambda log: log[:-1]):
        neighbours = list(group)
        yield from [beginning] if len(neighbours) > _PAGES else neighbours


def _segments(entries: Iterable[Entry]) -> Iterator[Kept]:
    for entry in entries:
        if found := _SEGMENT.fullmatch(entry.name):
            yield Kept(found["segment"], entry.flaw)


_PACKINGS: Mapping[str, Packing] = {
    "": Packing.NONE,
    ".lz4": Packing.LZ4,
    ".zst": Packing.ZSTD,
    ".gz": Packing.GZIP,
    ".lzma": Packing.XZ,
}
