"""Reads what Barman, barman-cloud or CloudNativePG left of one server's backups.

Below ``<server>/base/`` there is a folder for each backup, called by when it began. In it
barman-cloud keeps ``backup.info`` and archives, Barman itself a directory ``data``; since
3.13.2 Barman's ``backup.info`` lies in ``<server>/meta/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from hook.catalogs.barman_archive import BarmanArchive, covers
from hook.catalogs.object_store import Entry, ObjectStore
from hook.catalogs.wal_archive import look_for_wal
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Backup, Evidence, Presence
from hook.core.backups.barman_info import (
    BACKUP_ID,
    BarmanBackup,
    link_chains,
    parse_backup_info,
    unreadable,
)
from hook.core.backups.origin import Origin
from hook.core.backups.usability import is_past
from hook.core.backups.wal import Recovery
from hook.core.text import one_line
from hook.errors import BackupSourceMissing

# Three requests each, and one for each tablespace; who keeps more has an older one that is good.
LOOK_LIMIT = 100
# Real ones have two kilobytes; names of tablespaces and an error message make them longer.
INFO_LIMIT = 2**20
_MARK = "the data"
_META_SUFFIX = "-backup.info"
_TOLD_NAMES = 10
# Of a tablespace, which is copied into a folder or packed into an archive of its own.
_LACKS = {
    Presence.INCOMPLETE: "lacks the data of tablespace {}",
    Presence.ARCHIVED: "has tablespace {} in an archive storage class",
}
# What follows the name of an archive: a number where it was split, and how it is packed.
_PART = re.compile(r"(_(?P<number>\d{4}))?\.tar(\.(gz|bz2|snappy|lz4|xz|zst))?")


_Find = Callable[[str], Presence]


class _Reading(NamedTuple):
    told: BarmanBackup
    clock: datetime | None


@dataclass(frozen=True, slots=True)
class BarmanCatalog:
    """A `WalCatalog` over the backups of one server of Barman."""

    store: ObjectStore
    server: str

    def describe(self) -> str:
        """Return server and place."""
        return f"Barman server {self.server} in {self.store.describe()}"

    def read_evidence(self) -> Evidence:
        """Read ``backup.info`` from the newest backup back to the first that is whole."""
        base = self.store.list_level(f"{self.server}/base/")
        meta = self._meta()
        labels = sorted({entry.name for entry in base if _is_backup(entry)} | set(meta))
        if not labels and not base and not self._has_server():
            raise self._missing()
        # Not all of them have anything left in them, and each is asked for.
        readings = self._read_newest(labels[: -LOOK_LIMIT - 1 : -1], meta)
        backups = link_chains(reading.told.backup for reading in readings)
        skipped = len(labels) - len(backups)
        is_cut = skipped > 0 and (len(backups) >= LOOK_LIMIT or not backups)
        command = f"barman backup {self.server}, barman-cloud-backup or a Backup of CloudNativePG"
        return Evidence(
            source=self.describe(),
            backups=backups,
            completion_mark=_MARK,
            backup_command=command,
            full_backup_command=command,
            origin=Origin(_newest_cluster(backups)),
            warnings=(f"the oldest {skipped} backups were not read",) if is_cut else (),
            clock=next((reading.clock for reading in readings if reading.clock), None),
        )

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """List the WAL that *recovery* reads.

        Whose it is the archive does not say: it belongs to the backups beside it.
        """
        archive = self._archive
        if not self.store.list_level(archive.folder):
            raise BackupSourceMissing(
                f"{self.describe()} has no WAL in {archive.folder}",
                f"Let the server archive there (barman-wal-archive or barman-cloud-wal-archive"
                f" for {self.server}), then take a new backup.",
            )
        wanted = ArchiveEvidence(self.describe(), recovery, None)
        return look_for_wal(archive, wanted)

    def has_segment(self, name: str) -> bool:
        """Look for the segment *name*: one listing."""
        return self._archive.has_segment(name)

    @property
    def _archive(self) -> BarmanArchive:
        return BarmanArchive(self.store, f"{self.server}/wals/")

    def _read_newest(self, labels: Iterable[str], meta: Mapping[str, Entry]) -> list[_Reading]:
        """Read backups, the newest first, until one and all that it rests on is whole."""
        readings: dict[str, _Reading] = {}
        for label in labels:
            if len(readings) >= LOOK_LIMIT:
                break
            if label in readings:
                continue
            wanted: str | None = label
            while wanted is not None and wanted not in readings and len(readings) < LOOK_LIMIT:
                reading = self._read(wanted, meta.get(wanted))
                if reading is None:
                    break
                readings[wanted] = reading
                wanted = reading.told.backup.prior
            if _is_proven(label, readings):
                break
        return list(readings.values())

    def _read(self, label: str, meta: Entry | None) -> _Reading | None:
        """Read one backup, none when nothing of it is there."""
        folder = f"{self.server}/base/{label}/"
        entries = self.store.list_level(folder)
        info = meta or next((item for item in entries if item.name == "backup.info"), None)
        if info is None:
            reason = "has no backup.info"
            return _Reading(unreadable(label, reason), None) if entries else None
        if info.is_archived:
            reason = "has its backup.info in an archive storage class"
            return _Reading(unreadable(label, reason), None)
        if info.size is not None and info.size > INFO_LIMIT:
            reason = f"has a backup.info longer than {INFO_LIMIT // 2**20} MiB"
            return _Reading(unreadable(label, reason), None)
        stored = self.store.read(info.key, INFO_LIMIT)
        if stored is None:  # deleted meanwhile
            return _Reading(unreadable(label, "has no backup.info"), None)
        told = parse_backup_info(label, stored.data)
        dated = replace(told, backup=replace(told.backup, written_at=info.modified_at))
        return _Reading(self._look_at(dated, entries), stored.clock)

    def _look_at(self, told: BarmanBackup, entries: tuple[Entry, ...]) -> BarmanBackup:
        """Return *told* with what the storage holds of it; nothing is looked for in vain."""
        backup = told.backup
        if backup.problems or backup.stopped_at is None:
            return told
        presence, find = self._find_data(backup.label, entries)
        found = {name: find(name) for name in told.tablespaces}
        problems = [_LACKS[lack].format(name) for name, lack in found.items() if lack in _LACKS]
        if told.awaits_wal and not covers(self._archive, backup, told.segment_size):
            problems.append("waits for WAL that is not in the archive")
        backup = replace(backup, presence=presence, problems=tuple(problems))
        return replace(told, backup=backup)

    def _find_data(self, label: str, entries: tuple[Entry, ...]) -> tuple[Presence, _Find]:
        """Return what is there of the data directory, and what tells that of a tablespace.

        Both may be copied as they are, or packed by pg_basebackup, which leaves empty folders
        beside it; barman-cloud packs them itself.
        """
        folder = f"{self.server}/base/{label}/"
        if not any(entry.name == "data" and entry.is_folder for entry in entries):
            return _archive_presence(entries, "data"), partial(_archive_presence, entries)
        files = self.store.list_level(f"{folder}data/")
        version = [entry for entry in files if entry.name == "PG_VERSION"]
        if not version:
            return _packed_presence(files, "base"), partial(_packed_presence, files)
        return _presence(version), lambda name: self._copied_presence(f"{folder}{name}/")

    def _copied_presence(self, folder: str) -> Presence:
        """Tell what is there of a tablespace, in which the server itself has but a folder."""
        return _presence(item for item in self.store.list_level(folder) if item.is_folder)

    def _meta(self) -> dict[str, Entry]:
        entries = self.store.list_level(f"{self.server}/meta/")
        found = {entry.name.removesuffix(_META_SUFFIX): entry for entry in entries}
        return {
            label: entry
            for label, entry in found.items()
            if BACKUP_ID.fullmatch(label) and entry.name.endswith(_META_SUFFIX)
        }

    def _has_server(self) -> bool:
        return bool(self.store.list_level(f"{self.server}/"))

    def _missing(self) -> BackupSourceMissing:
        names = [entry.name for entry in self.store.list_level("") if entry.is_folder]
        told = one_line(", ".join(names[:_TOLD_NAMES])) or "none"
        more = f", and {len(names) - _TOLD_NAMES} more" if len(names) > _TOLD_NAMES else ""
        return BackupSourceMissing(
            f"there is no {self.describe()}; folders there: {told}{more}",
            "Set PRESYNC_BACKUP_STANZA to the server's name (serverName of CloudNativePG, by"
            " default the cluster's), or the place in PRESYNC_BACKUP_SOURCE to barman_home or"
            " destinationPath.",
        )


def _is_backup(entry: Entry) -> bool:
    return entry.is_folder and BACKUP_ID.fullmatch(entry.name) is not None


def _packed_presence(entries: Iterable[Entry], name: str) -> Presence:
    """Tell what is there of what pg_basebackup packed as *name*."""
    tar = re.compile(rf"{re.escape(name)}\.tar(\.\w+)*")
    return _presence(entry for entry in entries if tar.fullmatch(entry.name))


def _archive_presence(entries: Iterable[Entry], name: str) -> Presence:
    """Tell what is there of the archive *name*, which may have been split into several."""
    parts = {
        int(found["number"] or 0): entry
        for entry in entries
        if entry.name.startswith(name) and (found := _PART.fullmatch(entry.name[len(name) :]))
    }
    if sorted(parts) != list(range(len(parts))):
        return Presence.INCOMPLETE
    return _presence(parts.values())


def _presence(files: Iterable[Entry]) -> Presence:
    found = list(files)
    if not found or any(entry.size == 0 for entry in found):
        return Presence.INCOMPLETE
    return Presence.ARCHIVED if any(item.is_archived for item in found) else Presence.COMPLETE


def _is_proven(label: str, readings: Mapping[str, _Reading]) -> bool:
    """Tell whether no older backup can matter any more."""
    linked = link_chains(reading.told.backup for reading in readings.values())
    listed = {backup.label: backup for backup in linked}
    backup = listed.get(label)
    if backup is None or backup.problems:
        return False
    return is_past(backup, readings[label].clock) and all(
        item in listed and listed[item].presence is Presence.COMPLETE for item in backup.chain
    )


def _newest_cluster(backups: Iterable[Backup]) -> str | None:
    return next((item.system_identifier for item in backups if item.system_identifier), None)
