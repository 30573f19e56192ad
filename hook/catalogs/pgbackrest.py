"""Reads a pgBackRest repository: which backups it lists, and what is left of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from hook.catalogs.lanes import list_levels
from hook.catalogs.object_store import Entry, ObjectStore
from hook.catalogs.pgbackrest_archive import Archive
from hook.catalogs.pgbackrest_files import InfoFile
from hook.catalogs.wal_archive import look_for_wal
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Backup, Evidence, Presence, newest_first
from hook.core.backups.origin import Origin
from hook.core.backups.pgbackrest_info import parse_archive_info, parse_backup_info
from hook.core.backups.usability import is_past
from hook.core.backups.wal import Recovery
from hook.core.text import one_line
from hook.errors import BackupSourceMissing

# One listing each; a repository rarely keeps more backups than this.
LOOK_LIMIT = 200
_MANIFEST = "backup.manifest"
_TOLD_NAMES = 10


class _Seen(NamedTuple):
    """What the storage holds of a backup."""

    presence: Presence = Presence.UNSEEN
    written_at: datetime | None = None


# Without slots, which leave no room for a cached property.
@dataclass(frozen=True)
class PgBackRestCatalog:
    """A `WalCatalog` over the repository of one stanza.

    Attributes:
        passphrase: pgBackRest's ``repo-cipher-pass``, none for a repository without.
    """

    store: ObjectStore
    stanza: str
    passphrase: str | None = field(default=None, repr=False)

    def describe(self) -> str:
        """Return stanza and place."""
        return f"pgBackRest stanza {self.stanza} in {self.store.describe()}"

    def read_evidence(self) -> Evidence:
        """Read ``backup.info`` and look for the manifests of the backups that matter."""
        file = InfoFile("backup", self.stanza, parse_backup_info, self.passphrase)
        reading = file.read(self.store)
        if reading is None:
            raise self._missing()
        return Evidence(
            source=self.describe(),
            backups=self._look_at(reading.info.backups, reading.clock),
            completion_mark=_MANIFEST,
            backup_command=f"pgbackrest --stanza={self.stanza} backup",
            full_backup_command=f"pgbackrest --stanza={self.stanza} --type=full backup",
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

    @property
    def _folder(self) -> str:
        return f"backup/{self.stanza}/"

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

    def _look_at(self, backups: tuple[Backup, ...], clock: datetime | None) -> tuple[Backup, ...]:
        """Return *backups* with what the storage still holds of them.

        Lifecycle rules delete objects behind pgBackRest's back, and the info file goes on
        listing the backup. Looking costs one request for each label, so it goes from the
        newest back and ends at the first backup that is complete with all it needs.
        """
        seen: dict[str, _Seen] = {}
        listed = {backup.label for backup in backups}
        for backup in newest_first(backups):
            if backup.problems or backup.error is not False:
                continue
            wanted = [label for label in backup.chain if label in listed and label not in seen]
            seen |= self._look_for(wanted[: LOOK_LIMIT - len(seen)])
            if _is_proven(backup, seen, clock):
                break
        return tuple(_with(backup, seen) for backup in backups)

    def _look_for(self, labels: list[str]) -> dict[str, _Seen]:
        keys = [f"{self._folder}{label}/{_MANIFEST}" for label in labels]
        listings = zip(keys, list_levels(self.store, keys), strict=True)
        return dict(zip(labels, (_see(key, entries) for key, entries in listings), strict=True))


def _see(key: str, entries: tuple[Entry, ...]) -> _Seen:
    manifest = next((item for item in entries if item.key == key), None)
    if manifest is None:
        return _Seen(Presence.INCOMPLETE)
    presence = Presence.ARCHIVED if manifest.is_archived else Presence.COMPLETE
    # It is the last that pgBackRest writes of a backup.
    return _Seen(presence, manifest.modified_at)


def _with(backup: Backup, seen: Mapping[str, _Seen]) -> Backup:
    presence, written_at = seen.get(backup.label, _Seen())
    return replace(backup, presence=presence, written_at=written_at)


def _is_proven(backup: Backup, seen: Mapping[str, _Seen], clock: datetime | None) -> bool:
    """Tell whether no older backup can matter any more."""
    return is_past(_with(backup, seen), clock) and all(
        seen.get(label, _Seen()).presence is Presence.COMPLETE for label in backup.chain
    )


def _told(names: list[str]) -> str:
    told = one_line(", ".join(names[:_TOLD_NAMES])) or "none"
    return f"{told}, and {len(names) - _TOLD_NAMES} more" if len(names) > _TOLD_NAMES else told
