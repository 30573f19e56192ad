"""Reads a pgBackRest repository: which backups it lists, and what is left of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from hook.catalogs.object_store import TreeStore
from hook.catalogs.pgbackrest_archive import Archive
from hook.catalogs.pgbackrest_data import MANIFEST, BackupData
from hook.catalogs.pgbackrest_files import InfoFile
from hook.catalogs.pgbackrest_presence import Presences
from hook.catalogs.wal_archive import look_for_wal
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Evidence
from hook.core.backups.origin import Origin
from hook.core.backups.pgbackrest_info import parse_archive_info, parse_backup_info
from hook.core.backups.restore_commands import repo_option
from hook.core.backups.wal import Recovery
from hook.core.text import one_line
from hook.errors import BackupSourceMissing

_TOLD_NAMES = 10


# Without slots, which leave no room for a cached property.
@dataclass(frozen=True)
class PgBackRestCatalog:
    """A `WalCatalog` over the repository of one stanza.

    Attributes:
        passphrase: pgBackRest's ``repo-cipher-pass``, none for a repository without.
        repo: Number that pgBackRest has for the repository, none when it has only one.
    """

    store: TreeStore
    stanza: str
    passphrase: str | None = field(default=None, repr=False)
    repo: int | None = None

    def describe(self) -> str:
        """Return stanza and place."""
        return f"pgBackRest stanza {self.stanza} in {self.store.describe()}"

    def read_evidence(self) -> Evidence:
        """Read ``backup.info`` and look what is left of the backups that matter."""
        file = InfoFile("backup", self.stanza, parse_backup_info, self.passphrase)
        reading = file.read(self.store)
        if reading is None:
            raise self._missing()
        data = BackupData(self.store, f"backup/{self.stanza}/", reading.info.passphrase)
        tool = " ".join(("pgbackrest", f"--stanza={self.stanza}", *repo_option(self.repo)))
        return Evidence(
            source=self.describe(),
            backups=Presences(data, reading.clock).look_at(reading.info.backups),
            completion_mark=MANIFEST,
            backup_command=f"{tool} backup",
            full_backup_command=f"{tool} --type=full backup",
            origin=Origin(reading.info.system_identifier),
            warnings=reading.warnings,
            clock=reading.clock,
        )

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Read ``archive.info`` and list the WAL that *recovery* reads."""
        archive, warnings = self._archive
        wanted = ArchiveEvidence(
            self.describe(), recovery, archive.info.system_identifier, warnings=warnings
        )
        return look_for_wal(archive, wanted)

    def has_segment(self, name: str) -> bool:
        """Look for the segment *name*: one listing, once ``archive.info`` is read."""
        archive, _ = self._archive
        return archive.has_segment(name)

    @cached_property
    def _archive(self) -> tuple[Archive, tuple[str, ...]]:
        """The archive, and what was wrong with its info file."""
        file = InfoFile("archive", self.stanza, parse_archive_info, self.passphrase)
        reading = file.read(self.store)
        if reading is None:
            raise BackupSourceMissing(
                f"{self.describe()} has no archive.info",
                f"Create the stanza (pgbackrest --stanza={self.stanza} stanza-create).",
            )
        folder = f"archive/{self.stanza}/{reading.info.archive_id}/"
        return Archive(self.store, folder, reading.info), reading.warnings

    def _missing(self) -> BackupSourceMissing:
        stanzas = self._folders("backup/")
        if self.stanza in stanzas:
            message = f"{self.describe()} has no backup.info"
            hint = f"Create the stanza (pgbackrest --stanza={self.stanza} stanza-create)."
        else:
            seen = f"stanzas there: {_told(stanzas)}"
            if not stanzas:
                seen = f"no stanza is there, folders: {_told(self._folders(''))}"
            message = f"there is no {self.describe()}; {seen}"
            hint = (
                "Set PRESYNC_BACKUP_STANZA to a stanza that is there, or the place in"
                " PRESYNC_BACKUP_SOURCE to pgBackRest's repo-path."
            )
        return BackupSourceMissing(message, hint)

    def _folders(self, prefix: str) -> list[str]:
        return [entry.name for entry in self.store.list_level(prefix) if entry.is_folder]


def _told(names: list[str]) -> str:
    told = one_line(", ".join(names[:_TOLD_NAMES])) or "none"
    return f"{told}, and {len(names) - _TOLD_NAMES} more" if len(names) > _TOLD_NAMES else told
