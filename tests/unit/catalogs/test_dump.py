"""How much of the dumps in a place is read, and what is said of those too long to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from hook.catalogs import dump_reading
from hook.catalogs.dump import LOOK_LIMIT, DumpCatalog
from hook.catalogs.dump_reading import inspect_file
from hook.catalogs.object_store import Entry, StoredObject
from hook.core.backups.backup import Presence
from hook.core.backups.dump_archive import parse_dump_head
from tests.testbed.dump_place import SAMPLES, redated, stamp

CLOCK = datetime(2026, 11, 29, 12, tzinfo=UTC)
CUSTOM = redated((SAMPLES / "custom.dump").read_bytes(), CLOCK)
PIPED = redated((SAMPLES / "piped.dump").read_bytes(), CLOCK)


@dataclass(slots=True)
class MemoryStore:
    """A `PartStore` that counts the objects looked into and the bytes it sent."""

    objects: dict[str, bytes]
    archived: frozenset[str] = frozenset()
    looked_into: set[str] = field(default_factory=set)
    sent: int = 0

    def describe(self, key: str = "") -> str:
        """Name *key*."""
        return f"memory/{key}"

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return an object."""
        return self.read_part(key, 0, limit)

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return a part of an object, which is not behind its end."""
        self.looked_into.add(key)
        data = self.objects.get(key)
        if data is None:
            return None
        assert start < len(data)
        self.sent += len(data[start : start + length])
        return StoredObject(data[start : start + length], CLOCK)

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return everything, all of it written just now."""
        assert prefix == ""
        return tuple(
            Entry(key, key in self.archived, len(data), CLOCK) for key, data in self.objects.items()
        )


def names(count: int, series: str = "shop") -> list[str]:
    """Return the names of dumps, the newest first."""
    return [f"{series}-{stamp(CLOCK - timedelta(hours=age))}.dump" for age in range(count)]


def test_reading_ends_at_the_first_dump_that_is_whole() -> None:
    """A thousand older ones cost nothing."""
    store = MemoryStore(dict.fromkeys(names(1000), CUSTOM))
    evidence = DumpCatalog(store).read_evidence()
    assert store.looked_into == {names(1)[0]}
    assert [item.label for item in evidence.backups] == names(1)
    assert (evidence.clock, evidence.origin.databases) == (CLOCK, ("shop",))


def test_reading_ends_at_the_limit_and_says_so() -> None:
    """Nobody waits for the databases of a whole company."""
    keys = [names(1, chr(ord("a") + number))[0] for number in range(26)]
    store = MemoryStore(dict.fromkeys(keys, CUSTOM))
    evidence = DumpCatalog(store).read_evidence()
    assert len(store.looked_into) == len(evidence.backups) == LOOK_LIMIT
    (warning,) = evidence.warnings
    assert warning.startswith(f"only the newest {LOOK_LIMIT} of 26 dumps were looked into; set")


def test_frozen_dump_is_not_looked_into() -> None:
    """The storage would refuse, and whose it is does not matter."""
    (name,) = names(1)
    store = MemoryStore({name: CUSTOM}, frozenset({name}))
    (backup,) = DumpCatalog(store).read_evidence().backups
    assert backup.presence is Presence.ARCHIVED
    assert backup.problems == ()
    assert store.looked_into == set()


def problem_of(data: bytes) -> str:
    """Return what stands against the dump *data*."""
    store = MemoryStore({"a": data})
    return inspect_file(store, Entry("a", size=len(data))).problem


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read so little at once that the recorded dumps are long."""
    monkeypatch.setattr(dump_reading, "FULL_READ_LIMIT", 40)
    monkeypatch.setattr(dump_reading, "_FIRST_READ", 512)
    monkeypatch.setattr(dump_reading, "_HEAD_LIMIT", 2**15)


@pytest.mark.usefixtures("small_limits")
def test_last_block_too_long_to_be_followed_is_judged_by_its_ends() -> None:
    """Where it begins the table of contents tells, and what it ends with the format."""
    head = parse_dump_head(CUSTOM)
    last = max(head.data, key=lambda entry: entry.offset)
    assert problem_of(CUSTOM) == ""
    assert "does not end where the dump does" in problem_of(CUSTOM[:-1])
    moved = CUSTOM[: last.offset] + b"\x09" + CUSTOM[last.offset + 1 :]
    assert "is not where it should be" in problem_of(moved)


@pytest.mark.usefixtures("small_limits")
def test_what_has_to_be_read_as_a_whole_is_not_verified_when_it_is_long() -> None:
    """Not verified is not good."""
    assert problem_of(PIPED).startswith("is not verified: it was written into a pipe, and is")
    packed = problem_of(b"\x1f\x8b" + bytes(4000))
    assert packed.startswith("is not verified: a compressed plain dump that is longer than")


def test_table_of_contents_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of many megabytes is no reason to fill the memory."""
    monkeypatch.setattr(dump_reading, "_FIRST_READ", 64)
    monkeypatch.setattr(dump_reading, "_HEAD_LIMIT", 256)
    assert problem_of(CUSTOM).startswith("has a table of contents longer than")


def test_blocks_are_followed_from_window_to_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little is read at once, pieces are found and cuts are noticed."""
    for window in (7, 64, 1000):
        monkeypatch.setattr(dump_reading, "_WINDOW", window)
        assert problem_of(PIPED) == ""
        assert problem_of(PIPED[:-1]) == "was cut: it ends within a data block"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ((SAMPLES / "schema.dump").read_bytes() + b"x", "defines 2 tables"),
        (b"toc.dat\x00".ljust(257, b"\x00") + b"ustar".ljust(255, b"\x00"), "was cut within its"),
    ],
)
def test_odd_dumps_are_refused(data: bytes, problem: str) -> None:
    """By what is wrong with them."""
    assert problem_of(data).startswith(problem)


def test_dump_that_goes_while_it_is_looked_at_is_told() -> None:
    """A retention rule may be at work."""
    assert inspect_file(MemoryStore({}), Entry("a", size=9)).problem == "was deleted meanwhile"
