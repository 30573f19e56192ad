"""The WAL archive of a pgBackRest stanza, see `hook.catalogs.wal_archive`.

Below ``archive/<stanza>/<version>-<id>/`` there is one folder for each 4 GiB of a timeline,
named by the first sixteen digits of its segments, and beside them the timeline history files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hook.catalogs.lanes import list_levels
from hook.catalogs.object_store import Entry, ObjectStore
from hook.catalogs.pgbackrest_cipher import decrypt, is_encrypted
from hook.catalogs.wal_archive import HISTORY_LIMIT, Kept
from hook.core.backups.pgbackrest_info import ArchiveInfo
from hook.errors import BackupUnknown

# A segment carries its checksum in its name, and how it is compressed. What is partial, a
# backup history file or half uploaded has another name.
_SEGMENT = re.compile(r"(?P<content>[0-9A-F]{24}-[0-9a-f]{40})(\.(gz|lz4|zst|bz2))?")
_LOG_DIGITS = 16
_SEGMENT_DIGITS = 24
_UNREADABLE = b"\xff"


@dataclass(frozen=True, slots=True)
class Archive:
    """The WAL of one cluster in *store*, below *folder*."""

    store: ObjectStore
    folder: str
    info: ArchiveInfo

    def list_segments(self, logs: tuple[str, ...]) -> Iterator[Kept]:
        """Yield the segments of *logs*, once for each checksum; only their folders are listed."""
        folders = {entry.name for entry in self.store.list_level(self.folder) if entry.is_folder}
        wanted = (f"{self.folder}{log}/" for log in logs if log in folders)
        for entries in list_levels(self.store, wanted):
            for entry in _contents(entries):
                yield _kept(entry.name[:_SEGMENT_DIGITS], entry)

    def has_segment(self, name: str) -> bool:
        """Tell whether the segment *name* is there and can be read, by one listing.

        Raises:
            BackupUnknown: Also when it is there with two checksums: pgBackRest restores neither.
        """
        entries = self.store.list_level(f"{self.folder}{name[:_LOG_DIGITS]}/{name}-")
        found = _contents(entries)
        if len(found) > 1:
            raise BackupUnknown(
                f"{self.store.describe(found[0].key)} and {found[1].name} are"
                " the same segment twice, of which pgBackRest restores neither",
                "See whether a second server archives there too, and take a new backup.",
            )
        return bool(found) and not found[0].flaw

    def read_history(self, name: str) -> bytes | None:
        """Return the timeline history file *name*, decrypted, none when it is not there."""
        stored = self.store.read(self.folder + name, HISTORY_LIMIT)
        if stored is None or not is_encrypted(stored.data):
            return None if stored is None else stored.data
        return decrypt(stored.data, self.info.passphrase or "") or _UNREADABLE

    def describe(self, name: str) -> str:
        """Return the full name of the file *name*."""
        return self.store.describe(self.folder + name)


def _contents(entries: Iterable[Entry]) -> list[Entry]:
    """Return the segments among *entries*, of those with one checksum the worst.

    Servers that archive the same WAL may compress it differently; pgBackRest restores either,
    and takes the first.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        named = _SEGMENT.fullmatch(entry.name)
        if named and (entry.flaw or named["content"] not in found):
            found[named["content"]] = entry
    return list(found.values())


def _kept(segment: str, entry: Entry) -> Kept:
    """Return *segment* as *entry* shows it.

    pgBackRest gives a segment its name, with the checksum of what is in it, only once all of
    it is there. So one without content is damaged, and where none has any, a copy of the
    repository has kept the names alone, and is judged by them.
    """
    return Kept(segment, entry.flaw) if entry.is_archived else Kept(segment, doubt=entry.flaw)
