"""Looks what the storage still holds of the backups that a pgBackRest stanza lists.

Lifecycle rules delete or freeze objects behind pgBackRest's back, and the info file goes on
listing the backup. Looking costs requests, so it goes from the newest backup back and ends at
the first that is complete with all it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from hook.catalogs.lanes import list_levels
from hook.catalogs.object_store import Entry
from hook.catalogs.pgbackrest_data import MANIFEST, MANIFEST_LIMIT, BackupData, Lack
from hook.core.backups.backup import Backup, Presence, newest_first
from hook.core.backups.usability import is_past

# One listing each; a repository rarely keeps more backups than this.
LOOK_LIMIT = 200
# Nobody keeps more backups than this without a whole one among them.
DATA_LIMIT = 20
_NAMES_ALONE = "its manifest has no content, so that nothing behind it could be looked for"


@dataclass(slots=True)
class Presences:
    """What was seen so far of the backups in *data*.

    Attributes:
        clock: The storage's own time, none when it has none.
        _manifests: By label, none where there is none.
        _lacks: By label, what is known to be missing of it.
        _whole: What was looked at as a whole and lacks nothing, each with what is to be
            told of that.
    """

    data: BackupData
    clock: datetime | None
    _manifests: dict[str, Entry | None] = field(default_factory=dict)
    _lacks: dict[str, Lack] = field(default_factory=dict)
    _whole: dict[str, str] = field(default_factory=dict)
    _looks: int = 0
    _bytes: int = 0

    def look_at(self, backups: tuple[Backup, ...]) -> tuple[Backup, ...]:
        """Return *backups*, which are all that are listed, with what is left of them."""
        listed = {backup.label for backup in backups}
        for backup in newest_first(backups):
            if backup.problems or backup.error is not False:
                continue
            self._look_for_manifests(label for label in backup.chain if label in listed)
            if self._is_names_alone(backup.chain, listed):
                self._whole[backup.label] = _NAMES_ALONE
            else:
                self._look_for_data(backup)
            if self._is_proven(backup):
                break
        return tuple(map(self._told, backups))

    def _look_for_manifests(self, labels: Iterable[str]) -> None:
        wanted = [label for label in labels if label not in self._manifests]
        wanted = wanted[: LOOK_LIMIT - len(self._manifests)]
        keys = [f"{self.data.folder}{label}/{MANIFEST}" for label in wanted]
        listings = list_levels(self.data.store, keys)
        for label, key, entries in zip(wanted, keys, listings, strict=True):
            found = next((item for item in entries if item.key == key), None)
            self._manifests[label] = found
            if found is not None and found.is_archived:
                self._lacks[label] = Lack(Presence.ARCHIVED, "")
            elif found is None:
                self._lacks[label] = Lack(Presence.INCOMPLETE, "")

    def _look_for_data(self, backup: Backup) -> None:
        """Look for all that a restore of *backup* reads, unless it is known to lack something."""
        manifests = {label: self._manifests.get(label) for label in backup.chain}
        found = {label: entry for label, entry in manifests.items() if entry is not None}
        if len(found) < len(manifests) or found.keys() & self._lacks.keys() or self._is_tired:
            return
        self._looks += 1
        self._bytes += found[backup.label].size or 0
        seen = self.data.look_at(backup.label, found)
        if seen.lacks:
            self._lacks |= seen.lacks
        else:
            self._whole[backup.label] = seen.remark

    def _is_names_alone(self, chain: Iterable[str], listed: Iterable[str]) -> bool:
        """Tell whether those of *chain* are there, and no manifest at all has content.

        pgBackRest leaves content in each, so a copy of the repository has kept the names and not
        what is in them.
        """
        own = [self._manifests.get(label) for label in chain]
        if any(item is None or item.is_archived or item.size != 0 for item in own):
            return False
        self._look_for_manifests(listed)
        return not any(item.size for item in self._manifests.values() if item is not None)

    @property
    def _is_tired(self) -> bool:
        return self._looks >= DATA_LIMIT or self._bytes > MANIFEST_LIMIT

    def _is_proven(self, backup: Backup) -> bool:
        """Tell whether no older backup can matter any more."""
        return backup.label in self._whole and is_past(self._dated(backup), self.clock)

    def _dated(self, backup: Backup) -> Backup:
        """Return *backup* with the time of what pgBackRest writes last of it."""
        manifest = self._manifests.get(backup.label)
        return replace(backup, written_at=None if manifest is None else manifest.modified_at)

    def _told(self, backup: Backup) -> Backup:
        dated, label = self._dated(backup), backup.label
        if label in self._whole:
            return replace(dated, presence=Presence.WHOLE, remark=self._whole[label])
        if lack := self._lacks.get(label):
            rest = f" (and {lack.more} more of its objects cannot be read)" if lack.more else ""
            return replace(dated, presence=lack.presence, lack=lack.what + rest)
        return dated
