"""How much of a WAL archive is listed, and what counts as a segment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from hook.catalogs.object_store import Entry, StoredObject
from hook.catalogs.pgbackrest import PgBackRestCatalog
from hook.catalogs.pgbackrest_archive import Archive
from hook.core.backups.archive import Covered
from hook.core.backups.pgbackrest_info import ArchiveInfo
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.errors import BackupSourceMissing, BackupUnknown
from tests.testbed.pgbackrest_repository import SAMPLES, SYSTEM_IDENTIFIER

INFO = (SAMPLES / "small-repo/archive/app/archive.info").read_bytes()
FOLDER = "archive/app/15-1/"
SIZE = 16 * 2**20
CHECKSUM = "0" * 40


@dataclass(slots=True)
class MemoryStore:
    """A `TreeStore` of names, some with a body, that remembers what it was asked."""

    names: dict[str, list[str]]
    bodies: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def describe(self, key: str = "") -> str:
        """Name *key*."""
        return f"memory/{key}"

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return what is there; no test reads more than *limit*."""
        assert limit
        self.opened.append(key)
        body = self.bodies.get(key)
        return None if body is None else StoredObject(body)

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return that part of what is there."""
        stored = self.read(key, start + length)
        return stored and StoredObject(stored.data[start : start + length])

    def list_below(self, prefix: str) -> Iterator[Entry]:
        """Yield the names below a folder."""
        return iter(self.list_level(prefix))

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the names below a folder, and the folders at the top."""
        self.asked.append(prefix)
        if prefix == FOLDER:
            return tuple(Entry(f"{FOLDER}{name}/") for name in self.names)
        folder, _, start = prefix.removeprefix(FOLDER).partition("/")
        names = (name for name in self.names.get(folder, ()) if name.startswith(start))
        return tuple(Entry(f"{FOLDER}{folder}/{name}") for name in names)


def segment(number: int, timeline: int = 1) -> str:
    """Return the name of a segment."""
    return Segment(timeline, number).name(SIZE)


def store(*files: str, **bodies: bytes) -> MemoryStore:
    """Return an archive with *files*, and the history files in *bodies* by their timeline."""
    names: dict[str, list[str]] = {}
    for name in files:
        names.setdefault(name[:16], []).append(name)
    histories = {f"{FOLDER}{key.lstrip('_')}.history": body for key, body in bodies.items()}
    return MemoryStore(names, {"archive/app/archive.info": INFO, **histories})


def recovery(first: int, end: Segment, timeline: int = 1) -> Recovery:
    """Return a recovery from the beginning of segment *first*."""
    return Recovery(Segment(timeline, first), first * SIZE, end, SIZE)


def test_only_the_folders_of_the_recovery_are_listed() -> None:
    """A hundred thousand older segments cost nothing."""
    files = [f"{segment(number)}-{CHECKSUM}.zst" for number in range(0, 102_400, 16)]
    found = store(*files)
    read = PgBackRestCatalog(found, "app").read_archive(recovery(102_000, Segment(1, 102_401)))
    assert found.asked == [FOLDER, f"{FOLDER}000000010000018E/", f"{FOLDER}000000010000018F/"]
    assert read.system_identifier == SYSTEM_IDENTIFIER
    assert read.covered[0].present[0] == Run(102_000, 102_000)


def test_hundred_thousand_segments_are_kept_as_one_run() -> None:
    """What is kept in mind does not grow with the archive."""
    found = store(*(f"{segment(number)}-{CHECKSUM}.gz" for number in range(100_000)))
    read = PgBackRestCatalog(found, "app").read_archive(recovery(0, Segment(1, 100_000)))
    assert read.covered == (Covered(Stretch(1, 0, 100_000), (Run(0, 99_999),)),)


@pytest.mark.parametrize("suffix", ["", ".gz", ".lz4", ".zst", ".bz2"])
def test_segment_counts_whatever_its_compression(suffix: str) -> None:
    """Uncompressed, or by any program that pgBackRest knows."""
    read = PgBackRestCatalog(store(f"{segment(1)}-{CHECKSUM}{suffix}"), "app").read_archive(
        recovery(1, Segment(1, 2))
    )
    assert read.covered[0].present == (Run(1, 1),)


@pytest.mark.parametrize(
    "name",
    [
        f"{segment(1)}.partial-{CHECKSUM}.zst",
        f"{segment(1)}.00000028.backup",
        f"{segment(1)}-{CHECKSUM}.zst.pgbackrest.tmp",
        f"{segment(1)}-{CHECKSUM}.rar",
        segment(1),
        f"00000001000000000000FFFF-{CHECKSUM}",
    ],
)
def test_what_is_no_whole_segment_does_not_count(name: str) -> None:
    """Partial, half uploaded, or something else by a similar name."""
    read = PgBackRestCatalog(store(name), "app").read_archive(recovery(1, Segment(1, 2)))
    assert read.covered[0].present == ()


def test_segment_with_two_checksums_is_told() -> None:
    """One of them was archived by another server; before the backup it does not matter."""
    twice = [f"{segment(number)}-{digit * 40}" for number in (1, 4) for digit in "01"]
    read = PgBackRestCatalog(store(*twice), "app").read_archive(recovery(3, Segment(1, 5)))
    assert read.duplicates == (segment(4),)


def test_history_of_the_servers_timeline_is_followed() -> None:
    """It tells where the timeline of the backup was left."""
    files = (f"{segment(1)}-{CHECKSUM}", f"{segment(2, 2)}-{CHECKSUM}")
    found = store(*files, _00000002=b"1\t0/2000100\tno recovery target specified\n")
    read = PgBackRestCatalog(found, "app").read_archive(recovery(1, Segment(2, 3)))
    assert read.covered == (
        Covered(Stretch(1, 1, 1), (Run(1, 1),)),
        Covered(Stretch(2, 2, 3), (Run(2, 2),)),
    )


def test_missing_history_is_told_and_a_damaged_one_is_unknown() -> None:
    """Without it no restore finds the way; half of one says nothing."""
    wanted = recovery(1, Segment(2, 3))
    read = PgBackRestCatalog(store(), "app").read_archive(wanted)
    assert (read.missing_history, read.covered) == ("00000002.history", ())
    for body in (b"1", b"\xff", b"Salted__12345678" + bytes(16)):
        told = f"^memory/{FOLDER}00000002.history is no timeline history file"
        with pytest.raises(BackupUnknown, match=told):
            PgBackRestCatalog(store(_00000002=body), "app").read_archive(wanted)


def test_encrypted_history_is_read_with_the_passphrase_of_the_archive() -> None:
    """As everything else in there; without it nothing is made of it."""
    found = store(_00000002=_encrypted(b"1\t0/2000100\tno reason\n", b"sub-passphrase"))
    read = Archive(found, FOLDER, ArchiveInfo("15-1", "1", "sub-passphrase"))
    assert read.read_history("00000002.history") == b"1\t0/2000100\tno reason\n"
    for passphrase in (None, "", "another"):
        other = Archive(found, FOLDER, ArchiveInfo("15-1", "1", passphrase))
        assert other.read_history("00000002.history") == b"\xff"


def _encrypted(data: bytes, passphrase: bytes, salt: bytes = b"saltsalt") -> bytes:
    """Return what ``openssl enc -aes-256-cbc -md sha1`` makes of *data*."""
    first = hashlib.sha1(passphrase + salt, usedforsecurity=False).digest()
    second = hashlib.sha1(first + passphrase + salt, usedforsecurity=False).digest()
    third = hashlib.sha1(second + passphrase + salt, usedforsecurity=False).digest()
    key, vector = (first + second + third)[:32], (first + second + third)[32:48]
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(vector)).encryptor()
    padding = 16 - len(data) % 16
    secret = encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize()
    return b"Salted__" + salt + secret


def test_stanza_without_archive_info_is_missing() -> None:
    """The backups may be there; the WAL is not."""
    with pytest.raises(BackupSourceMissing, match=r"has no archive\.info"):
        PgBackRestCatalog(MemoryStore({}, {}), "app").read_archive(recovery(1, Segment(1, 2)))


def test_damaged_archive_info_is_unknown_unless_its_copy_is_good() -> None:
    """As pgBackRest itself reads it."""
    found = store(f"{segment(1)}-{CHECKSUM}")
    found.bodies["archive/app/archive.info"] = INFO[:60]
    wanted = recovery(1, Segment(1, 2))
    with pytest.raises(BackupUnknown, match=r"archive\.info: .*archive\.info\.copy is missing"):
        PgBackRestCatalog(found, "app").read_archive(wanted)
    found.bodies["archive/app/archive.info.copy"] = INFO
    read = PgBackRestCatalog(found, "app").read_archive(wanted)
    assert read.warnings[0].startswith("archive.info: ")


def test_endless_wal_is_unknown() -> None:
    """Nobody lists for hours."""
    with pytest.raises(BackupUnknown, match="longer than 16 TiB"):
        PgBackRestCatalog(store(), "app").read_archive(recovery(0, Segment(1, 5000 * 256)))


def test_one_segment_costs_one_listing() -> None:
    """A run that waits for it asks again and again; what does not change is read once."""
    found = store(*(f"{segment(number)}-{CHECKSUM}" for number in range(256)))
    catalog = PgBackRestCatalog(found, "app")
    assert [catalog.has_segment(segment(number)) for number in (7, 255, 256)] == [True, True, False]
    logs = ("0000000100000000", "0000000100000000", "0000000100000001")
    names = (segment(7), segment(255), segment(256))
    assert found.asked == [f"{FOLDER}{log}/{name}-" for log, name in zip(logs, names, strict=True)]
    assert found.opened == ["archive/app/archive.info"]


@pytest.mark.parametrize("name", [f"{segment(1)}-{CHECKSUM}.zst.pgbackrest.tmp", segment(1)])
def test_half_a_segment_is_not_there(name: str) -> None:
    """The marker is not safe before pgBackRest has renamed the file."""
    assert not PgBackRestCatalog(store(name), "app").has_segment(segment(1))
