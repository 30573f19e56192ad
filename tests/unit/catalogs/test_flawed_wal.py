"""Segments that are listed and that no restore can read, in each system's archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest

from hook.catalogs import WalCatalog
from hook.catalogs.barman import BarmanCatalog
from hook.catalogs.object_store import Entry, StoredObject, TreeStore
from hook.catalogs.pgbackrest import PgBackRestCatalog
from hook.catalogs.walg import WalGCatalog
from hook.core.backups.archive import Covered
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from tests.testbed.pgbackrest_repository import SAMPLES

INFO = (SAMPLES / "small-repo/archive/app/archive.info").read_bytes()
SIZE = 16 * 2**20
RECOVERY = Recovery(Segment(1, 1), SIZE, Segment(1, 6), SIZE)
NAMES = [Segment(1, number).name(SIZE) for number in range(6)]


@dataclass(slots=True)
class Listing:
    """A `TreeStore` of *entries*, and an ``archive.info``."""

    entries: list[Entry]

    def describe(self, key: str = "") -> str:
        """Name *key*."""
        return f"memory/{key}"

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return what is read but no segment."""
        assert limit
        return StoredObject(INFO) if key.endswith("archive.info") else None

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return that part of what is read."""
        stored = self.read(key, start + length)
        return stored and StoredObject(stored.data[start : start + length])

    def list_below(self, prefix: str) -> Iterator[Entry]:
        """Yield the entries that begin with *prefix*."""
        return (entry for entry in self.entries if entry.key.startswith(prefix))

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the entries and folders directly at *prefix*."""
        keys = {entry.key: entry for entry in self.entries if entry.key.startswith(prefix)}
        found: dict[str, Entry] = {}
        for key, entry in keys.items():
            name, slash, _ = key.removeprefix(prefix).partition("/")
            found[prefix + name + slash] = Entry(prefix + name + slash) if slash else entry
        return tuple(found.values())


class Layout(NamedTuple):
    """Where a system keeps a segment, and what reads it there."""

    key: str
    open_catalog: Callable[[TreeStore], WalCatalog]


LAYOUTS: Mapping[str, Layout] = {
    "pgbackrest": Layout(
        f"archive/app/15-1/{{log}}/{{name}}-{'0' * 40}.zst",
        lambda store: PgBackRestCatalog(store, "app"),
    ),
    "barman": Layout("shop/wals/{log}/{name}.gz", lambda store: BarmanCatalog(store, "shop")),
    "walg": Layout("wal_005/{name}.lz4", WalGCatalog),
}
EACH = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def archive(layout: Layout) -> Listing:
    """Return an archive of six segments; those numbered 3 and 4 are frozen, 5 has no bytes."""
    keys = [layout.key.format(log=name[:16], name=name) for name in NAMES]
    entries = [Entry(key, size=9) for key in keys]
    # In front of the recovery, so that nobody needs it.
    entries[0] = replace(entries[0], is_archived=True)
    entries[3:5] = [replace(entry, is_archived=True) for entry in entries[3:5]]
    entries[5] = Entry(keys[5], size=0)
    return Listing(entries)


@EACH
def test_segment_that_cannot_be_read_is_a_hole_that_is_explained(layout: Layout) -> None:
    """A lifecycle rule froze it, or an upload broke off; one before the backup does not matter."""
    read = layout.open_catalog(archive(layout)).read_archive(RECOVERY)
    assert read.covered == (Covered(Stretch(1, 1, 6), (Run(1, 2),)),)
    assert read.warnings == (
        f"2 segments in an archive storage class, {NAMES[3]} first",
        f"1 segment without content, {NAMES[5]} first",
    )
    assert read.duplicates == ()


@EACH
def test_archive_that_is_frozen_as_a_whole_is_a_hole_as_a_whole(layout: Layout) -> None:
    """Its names prove what there was, and nobody restores from it in time."""
    keys = [layout.key.format(log=name[:16], name=name) for name in NAMES]
    frozen = Listing([Entry(key, size=9, is_archived=True) for key in keys])
    read = layout.open_catalog(frozen).read_archive(RECOVERY)
    assert read.covered == (Covered(Stretch(1, 1, 6), ()),)


def test_archive_of_pgbackrest_that_kept_the_names_alone_is_judged_by_them() -> None:
    """It names a segment by what is in it, once it is there: no upload leaves them all empty."""
    layout = LAYOUTS["pgbackrest"]
    names = Listing([Entry(layout.key.format(log=name[:16], name=name), size=0) for name in NAMES])
    read = layout.open_catalog(names).read_archive(RECOVERY)
    assert read.covered == (Covered(Stretch(1, 1, 6), (Run(1, 5),)),)
    assert read.warnings == (f"5 segments without content, {NAMES[1]} first",)


@EACH
def test_segment_that_cannot_be_read_is_not_there_for_the_marker(layout: Layout) -> None:
    """No restore comes to a marker in a segment that nobody can read."""
    asked = layout.open_catalog(archive(layout))
    assert [asked.has_segment(name) for name in NAMES[1:]] == [True, True, False, False, False]


@pytest.mark.parametrize("system", ["barman", "walg"])
def test_segment_that_can_be_read_in_one_compression_is_there(system: str) -> None:
    """Each of the two systems tries all that it knows."""
    layout = LAYOUTS[system]
    found = archive(layout)
    for entry in found.entries[3:]:
        found.entries.append(Entry(f"{entry.key.rpartition('.')[0]}.zst", size=9))
    asked = layout.open_catalog(found)
    assert asked.has_segment(NAMES[3])
    read = asked.read_archive(RECOVERY)
    assert read.covered == (Covered(Stretch(1, 1, 6), (Run(1, 5),)),)
    assert read.warnings == read.duplicates == ()


@pytest.mark.parametrize("size", [9, 0])
def test_segment_of_pgbackrest_with_one_checksum_twice_is_as_good_as_the_worst(size: int) -> None:
    """It takes the first of two, whatever the compression, and looks only at the checksum."""
    layout = LAYOUTS["pgbackrest"]
    found = archive(layout)
    twin = found.entries[1]
    found.entries.append(replace(twin, key=twin.key.replace(".zst", ".gz"), size=size))
    asked = layout.open_catalog(found)
    assert asked.has_segment(NAMES[1]) is (size > 0)
    read = asked.read_archive(RECOVERY)
    assert read.covered == (Covered(Stretch(1, 1, 6), (Run(1 if size else 2, 2),)),)
    assert read.duplicates == ()


def test_frozen_segment_of_pgbackrest_with_a_second_checksum_is_told_as_twice() -> None:
    """It refuses both, before it reads either."""
    layout = LAYOUTS["pgbackrest"]
    found = archive(layout)
    found.entries.append(Entry(found.entries[3].key.replace("0" * 40, "1" * 40), size=9))
    assert layout.open_catalog(found).read_archive(RECOVERY).duplicates == (NAMES[3],)
