"""Reads what WAL-G keeps below its prefix, also as Spilo sets it up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hook.catalogs.object_store import Entry, ObjectStore
from hook.catalogs.wal_archive import Kept, look_for_wal
from hook.catalogs.walg_archive import WAL, WalFolder
from hook.catalogs.walg_backups import BACKUPS, BackupFolder, list_sentinels
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Backup, Evidence, Presence, newest_first
from hook.core.backups.origin import Origin
from hook.core.backups.usability import is_past
from hook.core.backups.wal import Recovery
from hook.core.backups.walg_sentinel import parse_backup_name
from hook.core.text import counted, one_line
from hook.errors import BackupSourceMissing, BackupUnknown

# Three requests each; nobody keeps more backups than this without a usable one among them.
LOOK_LIMIT = 100
_PUSH = "wal-g backup-push $PGDATA"
_PUSH_FULL = "wal-g backup-push --full $PGDATA"
_TOLD_NAMES = 5
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Of Spilo, whose prefix ends in the major version of the server.
_SPILO = re.compile(r".*/wal/(?P<version>9\.[0-9]|[0-9]{2})")


@dataclass(frozen=True, slots=True)
class WalGCatalog:
    """A `WalCatalog` over the prefix of one cluster."""

    store: ObjectStore

    def describe(self) -> str:
        """Return system and place."""
        return f"WAL-G in {self.store.describe()}"

    def read_evidence(self) -> Evidence:
        """Read the sentinels of the newest backups, and look for what belongs to them."""
        sentinels = dict(list_sentinels(self.store))
        if not sentinels:
            raise self._missing()
        folder = BackupFolder(self.store, sentinels)
        _read_enough(folder)
        backups = tuple(folder.backups.values())
        if all(item.problems for item in backups):
            raise self._unreadable(backups)
        clusters = [item.system_identifier for item in newest_first(backups)]
        return Evidence(
            source=self.describe(),
            backups=backups,
            completion_mark="part of the data",
            backup_command=_PUSH,
            full_backup_command=_PUSH_FULL,
            origin=Origin(next(filter(None, clusters), None)),
            warnings=tuple(folder.warnings),
            clock=folder.clock,
        )

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """List the WAL that *recovery* reads."""
        # Which cluster filled the archive is told by the backups beside it only.
        wanted = ArchiveEvidence(self.describe(), recovery, None)
        return look_for_wal(WalFolder(self.store), wanted)

    def has_segment(self, name: str) -> bool:
        """Look for the segment *name*: one listing."""
        return Kept(name) in WalFolder(self.store).list_segments((name,))

    def _unreadable(self, backups: tuple[Backup, ...]) -> BackupUnknown:
        first = newest_first(backups)[0]
        return BackupUnknown(
            f"of {counted(len(backups), 'backup')} none can be read: {first.label}"
            f" {', '.join(first.problems)}; in {self.store.describe()}",
            "See whether WAL-G itself can read them: wal-g backup-list --detail.",
        )

    def _missing(self) -> BackupSourceMissing:
        """Tell a prefix without a finished backup from a place that is no prefix of WAL-G."""
        folders = [item.name for item in self.store.list_level("") if item.is_folder]
        if not {BACKUPS.rstrip("/"), WAL.rstrip("/")} & set(folders):
            message = f"there is no {self.describe()}; folders there: {_told(folders)}"
            hint = (
                "Set the place in PRESYNC_BACKUP_SOURCE to WAL-G's prefix (WALG_S3_PREFIX or"
                " WALG_FILE_PREFIX), in which basebackups_005 is."
            )
        else:
            message = f"no completed backup is listed in {self.describe()}{self._unfinished()}"
            hint = f"Take a full backup ({_PUSH_FULL}) and see that it ends without errors."
        if spilo := _SPILO.fullmatch(self.store.describe()):
            message += (
                f"; this prefix is of PostgreSQL {spilo['version']} only, and after a major"
                " upgrade the new one begins empty"
            )
        return BackupSourceMissing(message, hint)

    def _unfinished(self) -> str:
        names = [item.name for item in self.store.list_level(BACKUPS) if item.is_folder]
        begun = [name for name in names if parse_backup_name(name) is not None]
        if not begun:
            return ""
        return f", and {counted(len(begun), 'backup')} without a sentinel ({_told(begun)})"


def _read_enough(folder: BackupFolder) -> None:
    """Read backups from the newest back, up to the first that is proven to be usable.

    Of one cluster, the later backup has the greater name. After an upgrade into the same
    prefix that does not hold, so the one that was written last is read as well.
    """
    names = sorted(folder.sentinels, reverse=True)
    last_written = max(names, key=lambda name: _written_at(folder.sentinels, name))
    for name in [last_written, *names]:
        if len(folder.backups) >= LOOK_LIMIT:
            folder.warnings.append(
                f"only the newest {LOOK_LIMIT} of {len(names)} backups were looked at"
            )
            return
        backup = folder.read_chain(name)
        if names[0] in folder.backups and _is_proven(backup, folder):
            return


def _written_at(sentinels: Mapping[str, Entry], name: str) -> tuple[datetime, str]:
    return sentinels[name].modified_at or _LONG_AGO, name


def _is_proven(backup: Backup, folder: BackupFolder) -> bool:
    """Tell whether no older backup can matter any more.

    There is no telling when several clusters were backed up here.
    """
    clusters = {item.system_identifier for item in folder.backups.values()}
    return (
        len(clusters) == 1
        and not backup.problems
        and backup.error is False
        and is_past(backup, folder.clock)
        and all(
            label in folder.backups and folder.backups[label].presence is Presence.COMPLETE
            for label in backup.chain
        )
    )


def _told(names: list[str]) -> str:
    told = one_line(", ".join(names[:_TOLD_NAMES])) or "none"
    return f"{told}, and {len(names) - _TOLD_NAMES} more" if len(names) > _TOLD_NAMES else told
