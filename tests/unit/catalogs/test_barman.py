"""How much of a Barman server's backups is read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from hook.catalogs.barman import LOOK_LIMIT, BarmanCatalog
from hook.catalogs.barman_archive import BarmanArchive, covers
from hook.catalogs.object_store import Entry, StoredObject
from hook.core.backups.backup import Presence
from hook.core.backups.barman_info import parse_backup_info
from hook.core.backups.wal import Segment
from tests.testbed.barman_server import SAMPLES

LABEL = "20261121T191452"
SIZE = 16 * 2**20
CLOCK = datetime(2026, 11, 22, tzinfo=UTC)
INFO = (SAMPLES / "backup.info").read_bytes()
FAILED = (SAMPLES / "backup.info.FAILED").read_bytes()


@dataclass(slots=True)
class CountingStore:
    """An `ObjectStore` of as many backups as *infos* says, which counts the readings."""

    infos: dict[str, bytes]
    clock: datetime | None = CLOCK
    read_keys: list[str] = field(default_factory=list)
    archived: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()

    def describe(self, key: str = "") -> str:
        """Name *key*."""
        return f"memory/{key}"

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return a ``backup.info``."""
        assert limit
        self.read_keys.append(key)
        if key.rpartition("/")[2] in self.vanished:
            return None
        return StoredObject(self.infos[key.split("/")[2]], self.clock)

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the backups, or the files of one."""
        if prefix == "shop/base/":
            return tuple(Entry(f"{prefix}{label}/") for label in self.infos)
        if prefix.startswith("shop/base/"):
            names = ("backup.info", "data.tar")
            return tuple(Entry(prefix + name, name in self.archived, 9) for name in names)
        return ()


def labels(count: int) -> list[str]:
    """Return labels, the oldest first."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return [f"{begin + timedelta(hours=hour):%Y%m%dT%H%M%S}" for hour in range(count)]


def test_reading_ends_at_the_first_backup_that_is_whole() -> None:
    """Thousands of older ones cost nothing."""
    store = CountingStore(dict.fromkeys(labels(5000), INFO))
    evidence = BarmanCatalog(store, "shop").read_evidence()
    assert len(store.read_keys) == 1
    assert [backup.label for backup in evidence.backups] == labels(5000)[-1:]
    assert evidence.warnings == ()


def test_reading_ends_at_the_limit_and_says_so() -> None:
    """Nobody waits for the list of a thousand failures."""
    store = CountingStore(dict.fromkeys(labels(1000), FAILED))
    evidence = BarmanCatalog(store, "shop").read_evidence()
    assert len(store.read_keys) == len(evidence.backups) == LOOK_LIMIT
    assert evidence.warnings == (f"the oldest {1000 - LOOK_LIMIT} backups were not read",)


def test_reading_goes_on_without_a_clock() -> None:
    """Only with one it is sure that the newest backup is not of the future."""
    store = CountingStore(dict.fromkeys(labels(3), INFO), clock=None)
    assert len(BarmanCatalog(store, "shop").read_evidence().backups) == 3


@pytest.mark.parametrize(
    ("fields", "problems", "presence"),
    [
        (
            {"archived": frozenset({"backup.info"})},
            ("has its backup.info in an archive storage class",),
            Presence.UNSEEN,
        ),
        ({"archived": frozenset({"data.tar"})}, (), Presence.ARCHIVED),
        ({"vanished": frozenset({"backup.info"})}, ("has no backup.info",), Presence.UNSEEN),
    ],
)
def test_what_lifecycle_rules_took_away_is_seen(
    fields: dict[str, frozenset[str]], problems: tuple[str, ...], presence: Presence
) -> None:
    """They know nothing of Barman, and leave the small files or the large ones."""
    store = CountingStore(dict.fromkeys(labels(1), INFO), **fields)  # type: ignore[arg-type]  # a test names real fields
    (backup,) = BarmanCatalog(store, "shop").read_evidence().backups
    assert (backup.problems, backup.presence) == (problems, presence)


class WithTablespace(CountingStore):
    """One backup with a tablespace, the archive of which is not so small."""

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the files of a backup, and that archive."""
        entries = super().list_level(prefix)
        large = Entry(f"{prefix}16400.tar", is_archived=True, size=9)
        return (*entries, large) if any(item.name == "data.tar" for item in entries) else entries


def test_tablespace_in_an_archive_storage_class_cannot_be_restored() -> None:
    """A lifecycle rule may ask for the size of an object."""
    info = INFO.replace(b"tablespaces=None", b"tablespaces=[('fast', 16400, '/fast')]")
    store = WithTablespace(dict.fromkeys(labels(1), info))
    (backup,) = BarmanCatalog(store, "shop").read_evidence().backups
    assert backup.problems == ("has tablespace 16400 in an archive storage class",)


@pytest.mark.parametrize(
    ("first", "last", "size"),
    [
        ("00000001000000000000002E", "00000001000000000000002E", None),
        ("00000001000000000000002E", "00000002000000000000002F", SIZE),
        ("00000001000000000000002E", "00000001000000000000002D", SIZE),
        (None, "00000001000000000000002E", SIZE),
        ("000000010000000000000000", "00000001FFFFFFFF000000FF", SIZE),
    ],
)
def test_wal_of_a_backup_is_not_there_when_it_makes_no_sense(
    first: str | None, last: str, size: int | None
) -> None:
    """Nothing is listed for it, and nothing counted up to the end of the world."""
    store = CountingStore({})
    backup = parse_backup_info(LABEL, INFO).backup
    odd = replace(backup, wal_start=first, wal_stop=last)
    assert not covers(BarmanArchive(store, "shop/wals/"), odd, size)


class WalStore(CountingStore):
    """Segments 8 to 10 of timeline 1, one of them empty."""

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the folder, or the segments in it."""
        if prefix == "shop/wals/":
            return (Entry(f"{prefix}0000000100000000/"),)
        sizes = {8: 9, 9: 9, 10: 0}
        return tuple(
            Entry(f"{prefix}{Segment(1, number).name(SIZE)}.gz", size=size)
            for number, size in sizes.items()
        )


@pytest.mark.parametrize(
    ("first", "last", "is_covered"),
    [
        (Segment(1, 8), Segment(1, 9), True),
        (Segment(1, 9), Segment(1, 9), True),
        (Segment(1, 7), Segment(1, 9), False),
        (Segment(1, 8), Segment(1, 10), False),
        (Segment(1, 9), Segment(1, 8), False),
        (Segment(1, 8), Segment(2, 9), False),
        (Segment(1, 8), None, False),
        (None, Segment(1, 8), False),
    ],
)
def test_wal_of_a_backup_is_there_from_its_first_to_its_last_segment(
    first: Segment | None,
    last: Segment | None,
    is_covered: bool,  # noqa: FBT001 - a case
) -> None:
    """Each of them with something in it, on one timeline, and told."""
    names = [None if item is None else item.name(SIZE) for item in (first, last)]
    told = parse_backup_info(LABEL, INFO).backup
    backup = replace(told, wal_start=names[0], wal_stop=names[1])
    assert covers(BarmanArchive(WalStore({}), "shop/wals/"), backup, SIZE) is is_covered
