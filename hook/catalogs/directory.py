"""Objects in a directory: a mounted volume, or a repository on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hook.catalogs.object_store import Entry, StoredObject, too_long
from hook.catalogs.tally import Tally
from hook.errors import BackupSourceMissing, BackupUnknown


@dataclass(frozen=True, slots=True)
class DirectoryStore:
    """An `ObjectStore` over the files below *root*. It has no clock of its own."""

    root: Path
    tally: Tally = field(default_factory=Tally, compare=False, repr=False)

    def describe(self, key: str = "") -> str:
        """Return the path of *key*."""
        return str(self.root / key)

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return the content of the file at *key*, none when there is none."""
        stored = self.read_part(key, 0, limit + 1)
        if stored is not None and len(stored.data) > limit:
            raise too_long(self.describe(key), limit)
        return stored

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return *length* bytes of the file at *key* from *start* on, none when there is none."""
        try:
            with (self.root / key).open("rb") as file:
                file.seek(start)
                stored = StoredObject(file.read(length))
        except (FileNotFoundError, NotADirectoryError):
            self._require_root()
            return None
        except OSError as error:
            raise self._unreadable(key, error) from error
        self.tally.count()
        return stored

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the files and folders whose path begins with *prefix*."""
        folder, slash, start = prefix.rpartition("/")
        try:
            with os.scandir(self.root / folder) as found:
                entries = [
                    _entry(folder + slash + item.name, item)
                    for item in found
                    if item.name.startswith(start)
                ]
        except (FileNotFoundError, NotADirectoryError):
            self._require_root()
            return ()
        except OSError as error:
            raise self._unreadable(prefix, error) from error
        self.tally.count(len(entries))
        return tuple(sorted(entries, key=lambda entry: entry.key))

    def list_below(self, prefix: str) -> Iterator[Entry]:
        """Yield the files whose path begins with *prefix*; no link to a folder is followed."""
        for entry in self.list_level(prefix):
            if not entry.is_folder:
                yield entry
            elif not (self.root / entry.key).is_symlink():
                yield from self.list_below(entry.key)

    def _require_root(self) -> None:
        """Tell an empty place from one that is not there, for example not mounted."""
        if not self.root.is_dir():
            raise BackupSourceMissing(
                f"there is no directory {self.root}",
                "Mount the repository's volume, or correct the path in PRESYNC_BACKUP_SOURCE.",
            )

    def _unreadable(self, key: str, error: OSError) -> BackupUnknown:
        return BackupUnknown(
            f"{self.describe(key)} cannot be read: {error.strerror or type(error).__name__}",
            "Let the user that this process runs as read the repository (fsGroup, file mode).",
        )


def _entry(key: str, item: os.DirEntry[str]) -> Entry:
    """Return what stands at *key*; of a link into nowhere only the name is known."""
    if item.is_dir():
        return Entry(f"{key}/")
    try:
        status = item.stat()
    except OSError:
        return Entry(key)
    modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return Entry(key, size=status.st_size, modified_at=modified_at)
