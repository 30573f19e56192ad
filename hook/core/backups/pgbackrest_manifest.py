"""Reads from a pgBackRest manifest which objects a restore of the backup reads.

A small file lies with others in a bundle, and what did not change since lies where the backup
before left it (``src/info/manifest/serialize.c.inc`` of pgBackRest 2.x).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hook.core.backups.json_values import number_of
from hook.core.backups.pgbackrest_info import LABEL
from hook.core.backups.pgbackrest_lines import (
    CHECKSUM_KEY,
    FORMAT,
    FORMAT_KEY,
    InfoChecksum,
    InfoDamaged,
    InfoLine,
    read_values,
)
from hook.errors import BackupUnknown

# Without bundles each file is an object; a hook pod has room for the names of so many.
OBJECT_LIMIT = 50_000
_FILES = "target:file"
_LABEL_KEY = ("backup", "backup-label")
_COMPRESSION = ("backup:option", "option-compress-type")
_OLD_COMPRESSION = ("backup:option", "option-compress")
_SUFFIXES = {"none": "", "gz": ".gz", "lz4": ".lz4", "zst": ".zst", "bz2": ".bz2"}
_BLOCKS = ".pgbi"
_NEWER = "See whether this pgBackRest is newer than presync, and take a presync that knows it."


@dataclass(slots=True)
class Manifest:
    """What one manifest says.

    Attributes:
        objects: By label, the names below the folder of that backup, each with the least
            number of bytes that it has to have.
        alone: How many files are named that do not lie in a bundle.
        left_out: How many there are of them besides.
        has_blocks: Whether it keeps changed blocks of files. Where the others lie, in a
            backup before, is not told here.
        is_verified: Whether its end, which carries the checksum, was seen.
    """

    objects: dict[str, dict[str, int]] = field(default_factory=dict)
    alone: int = 0
    left_out: int = 0
    has_blocks: bool = False
    is_verified: bool = False

    def count(self) -> int:
        """Return how many objects are named."""
        return sum(map(len, self.objects.values()))


def parse_manifest(label: str, lines: Iterable[bytes]) -> Manifest:
    """Return what the manifest of *label* says, which may be without its end.

    Raises:
        InfoDamaged: It is not what pgBackRest wrote, as far as it was read.
        BackupUnknown: It has what only a newer pgBackRest writes.
    """
    manifest, checksum = Manifest(), InfoChecksum()
    values: dict[tuple[str, str], object] = {}
    for line, value in read_values(lines):
        checksum.add(line)
        if line.section == _FILES:
            _add_file(manifest, line, value, label, values)
        elif line.section.startswith("back"):
            values[line.section, line.key] = value
    if values.get(FORMAT_KEY) != FORMAT:
        raise InfoDamaged(f"format {values.get(FORMAT_KEY)!r} is not {FORMAT}")
    if values.get(_LABEL_KEY) != label:
        raise InfoDamaged(f"it is of backup {values.get(_LABEL_KEY)!r}")
    if CHECKSUM_KEY in values:
        if values[CHECKSUM_KEY] != checksum.hexdigest():
            raise InfoDamaged("its checksum does not match (truncated or edited)")
        manifest.is_verified = True
    return manifest


def _add_file(
    manifest: Manifest,
    line: InfoLine,
    value: object,
    label: str,
    values: Mapping[tuple[str, str], object],
) -> None:
    size = number_of(value.get("size")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or size is None:
        raise InfoDamaged(f"{line.key!r} is not an entry for a file")
    # A restore creates an empty file without a look into the repository.
    if size == 0:
        return
    home = value.get("reference", label)
    if not isinstance(home, str) or not LABEL.fullmatch(home):
        raise InfoDamaged(f"{home!r} is not a backup label")
    manifest.has_blocks = manifest.has_blocks or "bi" in value
    names = manifest.objects.setdefault(home, {})
    stored = number_of(value.get("repo-size", size)) or 0
    bundle = number_of(value.get("bni"))
    if bundle is not None:
        name = f"bundle/{bundle}"
        names[name] = max(names.get(name, 0), (number_of(value.get("bno")) or 0) + stored)
    elif manifest.alone < OBJECT_LIMIT:
        manifest.alone += 1
        names[line.key + (_BLOCKS if "bi" in value else _suffix(values))] = stored
    else:
        manifest.left_out += 1


def _suffix(values: Mapping[tuple[str, str], object]) -> str:
    # Before 2.27 there was nothing but gzip.
    old = "gz" if values.get(_OLD_COMPRESSION) is True else "none"
    kind = values.get(_COMPRESSION, old)
    suffix = _SUFFIXES.get(kind) if isinstance(kind, str) else None
    if suffix is None:
        # Of a pgBackRest to come: nothing says that it is damaged.
        raise BackupUnknown(f"compression {kind!r} of a manifest is not known", _NEWER)
    return suffix
