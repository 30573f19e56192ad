"""The backups that lie in a WAL-G prefix: what their sentinels say and what is left of them.

Below ``basebackups_005/`` each backup has a folder, with its archives in ``tar_partitions/``,
and beside it the sentinel that is written when all else is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from hook.catalogs.object_store import Entry, ObjectStore
from hook.core.backups.backup import Backup, BackupType, Presence
from hook.core.backups.walg_sentinel import (
    SENTINEL_SUFFIX,
    Damaged,
    FilesMetadata,
    Sentinel,
    parse_backup_name,
    parse_files_metadata,
    parse_sentinel,
    parse_times,
)

T = TypeVar("T")

BACKUPS = "basebackups_005/"
# A new sentinel has two kilobytes; an old one lists every file of the cluster.
SENTINEL_LIMIT = 8 * 2**20
_METADATA_LIMIT = 2**20
_CONTROL_PART = "pg_control.tar"


@dataclass(slots=True)
class BackupFolder:
    """Reads the backups below `BACKUPS`, each once.

    Attributes:
        backups: Those read so far, by name.
        clock: The storage's own time when it answered last, none when it has none.
        warnings: What had to be taken from a poorer source.
    """

    store: ObjectStore
    sentinels: Mapping[str, Entry]
    backups: dict[str, Backup] = field(default_factory=dict)
    clock: datetime | None = None
    warnings: list[str] = field(default_factory=list)
    _own: dict[str, Backup] = field(default_factory=dict)

    def read_chain(self, name: str) -> Backup:
        """Read the backup *name* and all that it rests on, and return it.

        A sentinel names the backup before it and the first one; a restore reads all between.
        """
        waiting, chain = [name], []
        while waiting:
            link = waiting.pop()
            if link in chain or link not in self.sentinels:
                continue
            chain.append(link)
            if link not in self._own:
                self._own[link] = self.backups[link] = self._read(link)
            waiting.extend(self._own[link].references)
        links = [self._own[link] for link in chain]
        damaged = [link.label for link in links if link.error]
        references = tuple(dict.fromkeys(label for link in links for label in link.references))
        self.backups[name] = replace(
            links[0],
            references=references,
            # What was damaged and has not changed since is damaged in every later restore.
            error=bool(damaged),
            damaged_base="" if links[0].error else next(iter(damaged), ""),
            problems=self._problems_of(links, references),
        )
        return self.backups[name]

    def _problems_of(self, links: list[Backup], references: tuple[str, ...]) -> tuple[str, ...]:
        """Return what stands against the first of *links* and those it rests on."""
        problems = list(links[0].problems)
        problems += [
            f"needs {link.label}: {', '.join(link.problems)}" for link in links[1:] if link.problems
        ]
        is_whole = all(label in self.sentinels for label in references)
        if not problems and is_whole and all(link.type is not BackupType.FULL for link in links):
            problems.append("rests on no full backup")
        return tuple(problems)

    def _read(self, name: str) -> Backup:
        entry = self.sentinels[name]
        try:
            sentinel = self._sentinel(entry)
            presence, files = self._look(name, sentinel)
        except Damaged as error:
            return _unreadable(entry, name, str(error))
        started_at, stopped_at = self._times(entry, name, sentinel)
        return Backup(
            label=name,
            type=BackupType.INCREMENTAL if sentinel.delta_from else BackupType.FULL,
            started_at=started_at,
            stopped_at=stopped_at,
            error=files.damaged > 0,
            references=sentinel.delta_from,
            system_identifier=sentinel.system_identifier,
            wal_start=parse_backup_name(name),
            lsn_stop=sentinel.lsn_stop,
            presence=presence,
            written_at=entry.modified_at,
        )

    def _sentinel(self, entry: Entry) -> Sentinel:
        if entry.is_archived:
            raise Damaged("its sentinel lies in an archive storage class")
        if entry.size is not None and entry.size > SENTINEL_LIMIT:
            raise Damaged(f"its sentinel is longer than {SENTINEL_LIMIT // 2**20} MiB")
        sentinel = self._parse(entry.key, parse_sentinel, SENTINEL_LIMIT)
        if sentinel is None:
            raise Damaged("its sentinel is not there any more")
        return sentinel

    def _times(
        self, entry: Entry, name: str, sentinel: Sentinel
    ) -> tuple[datetime | None, datetime | None]:
        if sentinel.stopped_at is not None:
            return sentinel.started_at, sentinel.stopped_at
        try:
            times = self._parse(f"{BACKUPS}{name}/metadata.json", parse_times, _METADATA_LIMIT)
        except Damaged as error:
            self.warnings.append(f"{name}: {error}")
            times = None
        if times is not None and times[1] is not None:
            return times
        self.warnings.append(
            f"{name} does not tell when it stopped; the time at which its sentinel was written"
            " counts, which a copy of the bucket renews"
        )
        return None, entry.modified_at

    def _look(self, name: str, sentinel: Sentinel) -> tuple[Presence, FilesMetadata]:
        """Return whether all that a restore of *name* itself reads is there.

        A lifecycle rule may delete or freeze the archives, which are large, and leave the
        sentinel, which is not.
        """
        folder = f"{BACKUPS}{name}/"
        files = sentinel.files
        if sentinel.has_files_metadata:
            listed = self._files_metadata(f"{folder}files_metadata.json")
            if listed is None:
                return Presence.INCOMPLETE, files
            files = listed
        parts = self.store.list_level(f"{folder}tar_partitions/")
        names = {part.name for part in parts if part.size != 0}
        has_control = any(part.startswith(_CONTROL_PART) for part in names)
        if not names or not files.parts <= names or has_control < sentinel.has_control_part:
            return Presence.INCOMPLETE, files
        if any(part.is_archived for part in parts):
            return Presence.ARCHIVED, files
        return Presence.COMPLETE, files

    def _files_metadata(self, key: str) -> FilesMetadata | None:
        """Return what the list of files at *key* says, none when it is not there.

        It grows with the number of files. One that is too long to be read costs what it
        knows of damaged pages, as in a backup without checksums.
        """
        entry = next((item for item in self.store.list_level(key) if item.key == key), None)
        if entry is None:
            return None
        if entry.is_archived or (entry.size or 0) > SENTINEL_LIMIT:
            return FilesMetadata()
        return self._parse(key, parse_files_metadata, SENTINEL_LIMIT)

    def _parse(self, key: str, parse: Callable[[bytes], T], limit: int) -> T | None:
        stored = self.store.read(key, limit)
        if stored is None:
            return None
        self.clock = stored.clock
        try:
            return parse(stored.data)
        except Damaged as error:
            raise Damaged(f"its {_told_name(key)} is damaged: {error}") from None


def list_sentinels(store: ObjectStore) -> Iterator[tuple[str, Entry]]:
    """Yield the finished backups in *store* by name, without a look inside."""
    for entry in store.list_level(BACKUPS):
        name = entry.name.removesuffix(SENTINEL_SUFFIX)
        if name != entry.name and parse_backup_name(name) is not None:
            yield name, entry


def _told_name(key: str) -> str:
    return "sentinel" if key.endswith(SENTINEL_SUFFIX) else key.rpartition("/")[2]


def _unreadable(entry: Entry, name: str, reason: str) -> Backup:
    return Backup(
        label=name,
        type=BackupType.INCREMENTAL if "_D_" in name else BackupType.FULL,
        started_at=None,
        stopped_at=None,
        error=False,
        presence=Presence.COMPLETE,
        written_at=entry.modified_at,
        problems=(reason,),
    )
