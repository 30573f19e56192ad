"""Reads the dumps of pg_dump that somebody puts into one place, in any of its formats.

A dump keeps no WAL: a restore of it loses everything that was changed after it began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hook.catalogs.dump_reading import Inspected, inspect_file, inspect_folder
from hook.catalogs.lanes import list_levels
from hook.catalogs.object_store import Entry, PartStore
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence, newest_first
from hook.core.backups.dump_name import (
    is_companion,
    judge_size,
    latest_start,
    names_database,
    parse_start,
    series_of,
    told_names,
)
from hook.core.backups.origin import Origin
from hook.core.backups.usability import DEFAULT_CLOCK_SKEW
from hook.core.text import counted, one_line
from hook.errors import BackupUnknown

# A few requests each, or the whole dump if nothing less proves it.
LOOK_LIMIT = 20
FOLDER_LIMIT = 200
_TOC = "toc.dat"
_LOSS = "a restore loses everything after"


class _Found(NamedTuple):
    """A dump as the listing shows it; *files* are those of the directory format."""

    key: str
    size: int
    modified_at: datetime
    is_archived: bool
    files: tuple[Entry, ...] = ()

    @property
    def start(self) -> datetime:
        """Return when it began, as far as the listing tells."""
        return latest_start(parse_start(self.key), self.modified_at, None)


@dataclass(frozen=True, slots=True)
class DumpCatalog:
    """A `BackupCatalog` over the dumps below one place.

    Attributes:
        database: Name that the path of a dump must have in it, none to look at all.
    """

    store: PartStore
    database: str | None = None

    def describe(self) -> str:
        """Return what is looked for, and where."""
        of = f" of {self.database}" if self.database else ""
        return f"the dumps{of} in {self.store.describe()}"

    def read_evidence(self) -> Evidence:
        """Look into the newest dumps, of each series until one is whole."""
        found = sorted(self._list(), key=lambda item: (item.start, item.key), reverse=True)
        backups, clocks = self._inspect(found)
        command = f"pg_dump --format=custom, into {self.store.describe()}"
        return Evidence(
            source=self.describe(),
            backups=tuple(newest_first(backups)),
            completion_mark="the dump",
            backup_command=command,
            full_backup_command=command,
            origin=Origin(databases=told_names(item.database for item in backups if item.database)),
            warnings=self._warnings(found, len(clocks)),
            clock=next((clock for clock in clocks if clock is not None), None),
        )

    def _warnings(self, found: list[_Found], looks: int) -> tuple[str, ...]:
        if looks < LOOK_LIMIT:
            return ()
        told = (
            f"only the newest {LOOK_LIMIT} of {counted(len(found), 'dump')} were looked into;"
            " set PRESYNC_BACKUP_STANZA to the database's name as the dumps have it in theirs"
        )
        return (told,)

    def _inspect(self, found: list[_Found]) -> tuple[list[Backup], list[datetime | None]]:
        """Return what was seen of the dumps that matter, and the storage's clock each time."""
        sizes: defaultdict[str, list[int]] = defaultdict(list)
        for item in found:
            sizes[series_of(item.key)].append(item.size)
        seen_of: defaultdict[str, int] = defaultdict(int)
        whole: set[str] = set()
        backups: list[Backup] = []
        clocks: list[datetime | None] = []
        for item in found:
            series = series_of(item.key)
            seen_of[series] += 1
            if series in whole or len(clocks) >= LOOK_LIMIT:
                continue
            seen = self._look_into(item)
            clocks.append(seen.clock)
            older = sizes[series][seen_of[series] :]
            backups.append(self._backup(item, seen, judge_size(item.size, older)))
            if _is_proven(backups[-1], seen.clock):
                whole.add(series)
        return backups, clocks

    def _look_into(self, item: _Found) -> Inspected:
        if item.is_archived or item.size == 0:
            return Inspected()
        if item.files:
            return inspect_folder(self.store, item.files, f"{item.key}/")
        entry = Entry(item.key, size=item.size, modified_at=item.modified_at)
        return inspect_file(self.store, entry)

    def _backup(self, item: _Found, seen: Inspected, too_small: str) -> Backup:
        named = parse_start(item.key)
        begun = latest_start(named, item.modified_at, seen.created_at)
        database = seen.database or self.database
        problems = [seen.problem, too_small]
        if not (database or any(problems) or item.is_archived):
            problems.append("does not tell its database, and PRESYNC_BACKUP_STANZA is not set")
        return Backup(
            label=one_line(item.key),
            type=BackupType.DUMP,
            started_at=begun,
            stopped_at=item.modified_at,
            # A page that cannot be read ends pg_dump; there are no pages in a dump.
            error=False,
            database=database,
            presence=Presence.ARCHIVED if item.is_archived else Presence.COMPLETE,
            written_at=item.modified_at,
            problems=tuple(problem for problem in problems if problem),
            remark=_remark(begun, named, item.modified_at),
            # A name that a line cannot hold as it is leads to no file.
            form=seen.form if one_line(item.key) == item.key else None,
            size=item.size,
        )

    def _list(self) -> list[_Found]:
        """Return what may be dumps, in all folders below."""
        found: list[_Found] = []
        folders, count = [""], 0
        while folders:
            count += len(folders)
            if count > FOLDER_LIMIT:
                raise BackupUnknown(
                    f"there are more than {FOLDER_LIMIT} folders in {self.store.describe()}",
                    "Name the folder of this database's dumps in PRESYNC_BACKUP_SOURCE.",
                )
            listings = list_levels(self.store, folders)
            folders = [
                deeper
                for folder, entries in zip(folders, listings, strict=True)
                for deeper in _take_dumps(folder, entries, found)
            ]
        return [item for item in found if self._is_wanted(item.key)]

    def _is_wanted(self, key: str) -> bool:
        return not self.database or names_database(self.store.describe(key), self.database)


def _take_dumps(folder: str, entries: tuple[Entry, ...], found: list[_Found]) -> Iterable[str]:
    """Add to *found* the dumps among *entries*, and return the folders to look into as well."""
    files = tuple(entry for entry in entries if not entry.is_folder)
    if folder and any(entry.name == _TOC for entry in files):
        found += _directory_dump(folder, files)
        return ()
    found += [item for entry in files for item in _file_dump(entry)]
    return [entry.key for entry in entries if entry.is_folder]


def _file_dump(entry: Entry) -> Iterable[_Found]:
    if entry.size is not None and entry.modified_at is not None and not is_companion(entry.name):
        yield _Found(entry.key, entry.size, entry.modified_at, entry.is_archived)


def _directory_dump(folder: str, files: tuple[Entry, ...]) -> Iterable[_Found]:
    size = sum(entry.size or 0 for entry in files)
    times = [entry.modified_at for entry in files if entry.modified_at is not None]
    if times:
        is_archived = any(entry.is_archived for entry in files)
        yield _Found(folder.rstrip("/"), size, max(times), is_archived, files)


def _remark(begun: datetime, named: datetime | None, modified_at: datetime) -> str:
    if begun == named:
        return f"{_LOSS} that"
    by = "its last modification" if begun == modified_at else "its header at the latest"
    return f"that is by {by}, and {_LOSS} it began"


def _is_proven(backup: Backup, clock: datetime | None) -> bool:
    """Tell whether no older dump of the series can matter any more."""
    is_usable = not backup.problems and backup.presence is Presence.COMPLETE
    begun = backup.counts_from
    is_past = begun is not None and (clock is None or begun <= clock)
    return is_usable and is_past and backup.after_writing <= DEFAULT_CLOCK_SKEW
