"""Looks whether the data that a restore of a pgBackRest backup reads is still there.

A lifecycle rule moves or deletes what is large and leaves the manifest, which is not. What
the manifest names is compared with listings: each object, its storage class and its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import NamedTuple

from hook.catalogs.lanes import side_by_side
from hook.catalogs.object_store import Entry, TreeStore
from hook.catalogs.pgbackrest_cipher import decrypt_parts, is_encrypted
from hook.core.backups.backup import Presence
from hook.core.backups.pgbackrest_lines import InfoDamaged
from hook.core.backups.pgbackrest_manifest import Manifest, parse_manifest

MANIFEST = "backup.manifest"
# That of three hundred thousand files. It is never held as a whole.
MANIFEST_LIMIT = 64 * 2**20
_PART = 2 * 2**20
# Four pages of a listing: fewer would be more requests, more would come one after the other.
_GROUP = 4000
# The longest file name has 255 bytes, and a path few of them.
_LINE_LIMIT = 2**16


class Lack(NamedTuple):
    """What of a backup cannot be read.

    Attributes:
        what: An object and its flaw, for messages.
        more: How many objects have one besides.
    """

    presence: Presence
    what: str
    more: int = 0


@dataclass(frozen=True, slots=True)
class DataSeen:
    """What was found of the data that a restore of one backup reads.

    Attributes:
        lacks: By label, for those whose data is not whole.
        remark: What was not looked at, empty when all was.
    """

    lacks: Mapping[str, Lack] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True, slots=True)
class BackupData:
    """The backups below *folder* of *store*.

    Attributes:
        passphrase: Of the manifests of an encrypted repository.
    """

    store: TreeStore
    folder: str
    passphrase: str | None = field(default=None, repr=False)

    def look_at(self, label: str, manifests: Mapping[str, Entry]) -> DataSeen:
        """Look for all that a restore of *label* reads.

        Args:
            label: The backup.
            manifests: That of each backup in its chain, as listed.
        """
        try:
            manifest = self._manifest(label, manifests[label])
        except InfoDamaged as error:
            return DataSeen({label: _damaged(label, error)})
        rest = [home for home in manifests if home != label] if manifest.has_blocks else []
        wanted, lacks, remarks = dict(manifest.objects), dict[str, Lack](), [_remark(manifest)]
        # A block may lie in any backup before, in an object that only that one names.
        left = MANIFEST_LIMIT - (manifests[label].size or 0)
        for home in rest:
            left -= manifests[home].size or 0
            if left < 0:
                remarks.append(f"the manifest of {home}, which it builds on, was not read")
                continue
            try:
                own = self._manifest(home, manifests[home])
            except InfoDamaged as error:
                lacks[home] = _damaged(home, error)
            else:
                wanted[home] = {**own.objects.get(home, {}), **wanted.get(home, {})}
                remarks.append(_remark(own))
        told = "; ".join(filter(None, remarks))
        return DataSeen({**self._compare(wanted), **lacks}, told)

    def _manifest(self, label: str, entry: Entry) -> Manifest:
        """Read a manifest, or as much of one as there is time for.

        Raises:
            InfoDamaged: It is not what pgBackRest wrote.
            BackupUnknown: It could not be read.
        """
        size = entry.size or 0
        manifest = parse_manifest(label, _lines(_limited(self._text(entry.key, size))))
        if size <= MANIFEST_LIMIT and not manifest.is_verified:
            raise InfoDamaged("it has no end (truncated?)")
        return manifest

    def _text(self, key: str, size: int) -> Iterator[bytes]:
        parts = self._parts(key, size)
        first = next(parts, b"")
        if not first:
            raise InfoDamaged("empty")
        whole = chain((first,), parts)
        return decrypt_parts(whole, self.passphrase or "") if is_encrypted(first) else whole

    def _parts(self, key: str, size: int) -> Iterator[bytes]:
        if size <= _PART:
            stored = self.store.read(key, _PART)
            yield b"" if stored is None else stored.data
            return
        ask = partial(self.store.read_part, key, length=_PART)
        for part in side_by_side(ask, range(0, size, _PART)):
            yield b"" if part is None else part.data

    def _compare(self, wanted: Mapping[str, Mapping[str, int]]) -> dict[str, Lack]:
        """Return what is not there as it should be."""
        groups = [
            (label, group) for label, names in wanted.items() for group in _groups(sorted(names))
        ]
        found = side_by_side(lambda item: self._look_for(item[0], item[1], wanted), groups)
        lacks: dict[str, Lack] = {}
        for (label, _), lack in zip(groups, found, strict=True):
            if lack is not None:
                before = lacks.get(label)
                lacks[label] = lack if before is None else _added(before, lack)
        return lacks

    def _look_for(
        self, label: str, names: list[str], wanted: Mapping[str, Mapping[str, int]]
    ) -> Lack | None:
        """Look for the objects *names* of *label*, by a listing of what begins as all of them."""
        home = f"{self.folder}{label}/"
        sizes = {name: wanted[label][name] for name in names}
        flaws: list[tuple[Presence, str]] = []
        for entry in self.store.list_below(home + _beginning(names)):
            name = entry.key.removeprefix(home)
            size = sizes.pop(name, None)
            if size is not None and (flaw := _flaw(entry, size)):
                flaws.append((flaw[0], f"{name} of {label} {flaw[1]}"))
            if not sizes:
                break
        flaws += [(Presence.INCOMPLETE, f"{name} of {label} is missing") for name in sizes]
        return Lack(*flaws[0], len(flaws) - 1) if flaws else None


def _flaw(entry: Entry, size: int) -> tuple[Presence, str] | None:
    if entry.is_archived:
        return Presence.ARCHIVED, "lies in an archive storage class"
    if entry.size is not None and entry.size < size:
        return Presence.INCOMPLETE, f"has {entry.size} of {size} bytes"
    return None


def _groups(names: list[str]) -> Iterator[list[str]]:
    """Yield *names*, which are in order, in groups that begin alike and are not too large."""
    if len(names) <= _GROUP:
        yield names
        return
    depth = len(_beginning(names)) + 1
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name[:depth], []).append(name)
    for group in alike.values():
        yield from _groups(group)


def _beginning(names: list[str]) -> str:
    """Return what *names*, which are in order, have in common."""
    first, last = names[0], names[-1]
    pairs = enumerate(zip(first, last, strict=False))
    end = next((index for index, (one, other) in pairs if one != other), min(len(first), len(last)))
    return first[:end]


def _added(lack: Lack, other: Lack) -> Lack:
    return lack._replace(more=lack.more + 1 + other.more)


def _damaged(label: str, error: InfoDamaged) -> Lack:
    return Lack(Presence.INCOMPLETE, f"{MANIFEST} of {label} is damaged: {error.message}")


def _remark(manifest: Manifest) -> str:
    looked_at = manifest.count()
    if not manifest.is_verified:
        limit = f"{MANIFEST_LIMIT // 2**20} MiB"
        return f"its manifest is longer than {limit}: only {looked_at} objects were looked at"
    if manifest.left_out:
        return f"only {looked_at} of its {looked_at + manifest.left_out} objects were looked at"
    return ""


def _limited(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *parts* up to the limit; what is far behind is never asked for."""
    left = MANIFEST_LIMIT
    for part in parts:
        yield part
        left -= len(part)
        if left <= 0:
            return


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the whole lines of a text that comes in *parts*; one without an end is not whole.

    Raises:
        InfoDamaged: A line is longer than any that pgBackRest writes.
    """
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
        if len(rest) > _LINE_LIMIT:
            raise InfoDamaged("no lines in it")
