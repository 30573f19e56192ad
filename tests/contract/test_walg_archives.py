"""The WAL in the recorded WAL-G prefix, over every store."""

from __future__ import annotations

import gzip
import lzma
import shutil

import pytest
import zstandard

from hook.catalogs import WalCatalog
from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.errors import BackupUnknown
from hook.settings.backup_source import parse_backup_source
from tests.contract.conftest import Place
from tests.testbed.walg_repository import SAMPLES, Prefix

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)
SIZE = 16 * 2**20
# From the newest backup of the prefix to the segment after the last one.
RECOVERY = Recovery(Segment(1, 0x8), 0x8000100, Segment(1, 0xC), SIZE)
NEEDED = Stretch(1, 0x8, 0xC)
# The history in the samples leaves timeline 1 in segment 0E.
ACROSS = Recovery(Segment(1, 0x8), 0x8000100, Segment(2, 0xE), SIZE)
HISTORY = b"1\t0/E0000A0\tno recovery target specified\n"


def open_archive(place: Place) -> WalCatalog:
    """Return the catalog of *place*."""
    source = parse_backup_source(f"walg:{place.url}")
    catalog = open_catalogs(source, Access(place.settings)).wal
    assert catalog is not None
    return catalog


def look(place: Place, recovery: Recovery = RECOVERY) -> ArchiveEvidence:
    """Return what the catalog finds at *place*."""
    return open_archive(place).read_archive(recovery)


@EVERYWHERE
def test_whole_archive_is_one_run(place: Place) -> None:
    """Backup history files, metadata, deltas and partial segments do not matter."""
    prefix = Prefix.copy_to(place.root)
    for name in (
        "00000001000000000000000C.partial.lz4",
        "00000001000000000000000C_delta.lz4",
        "00000001000000000000000C.json",
        "00000001000000000000000C.lz4.tmp.1",
    ):
        (prefix.wal / name).write_bytes(b"x")
    read = look(place)
    assert read.covered == (Covered(NEEDED, (Run(0x8, 0xB),)),)
    assert read.duplicates == read.warnings == ()
    assert read.system_identifier is None


@EVERYWHERE
def test_hole_parts_the_archive(place: Place) -> None:
    """What somebody deleted is not there, whatever comes after it."""
    prefix = Prefix.copy_to(place.root)
    (prefix.wal / "000000010000000000000009.lz4").unlink()
    assert look(place).covered == (Covered(NEEDED, (Run(0x8, 0x8), Run(0xA, 0xB))),)


@EVERYWHERE
def test_segment_without_content_is_a_hole(place: Place) -> None:
    """An upload to a directory may break off; what it left is told."""
    prefix = Prefix.copy_to(place.root)
    (prefix.wal / "000000010000000000000009.lz4").write_bytes(b"")
    read = look(place)
    assert read.covered == (Covered(NEEDED, (Run(0x8, 0x8), Run(0xA, 0xB))),)
    assert read.warnings == ("1 segment without content, 000000010000000000000009 first",)


@EVERYWHERE
def test_segment_under_two_compressions_is_no_duplicate(place: Place) -> None:
    """WAL-G tries one ending after the other, so a change of method does no harm."""
    prefix = Prefix.copy_to(place.root)
    (prefix.wal / "000000010000000000000009.br").write_bytes(b"x")
    read = look(place)
    assert read.covered == (Covered(NEEDED, (Run(0x8, 0xB),)),)
    assert read.duplicates == ()


@EVERYWHERE
def test_no_archive_at_all_holds_nothing(place: Place) -> None:
    """Backups without WAL: nothing is there, and that is an answer."""
    shutil.rmtree(Prefix.copy_to(place.root).wal)
    assert look(place).covered == (Covered(NEEDED, ()),)


@pytest.mark.parametrize(
    ("ending", "data"),
    [
        (".lz4", (SAMPLES / "00000002.history.lz4").read_bytes()),
        (".gz", gzip.compress(HISTORY, mtime=0)),
        (".zst", zstandard.compress(HISTORY)),
        (".lzma", lzma.compress(HISTORY, lzma.FORMAT_ALONE)),
        ("", HISTORY),
    ],
    ids=["lz4", "gz", "zst", "lzma", "none"],
)
def test_timeline_is_followed(directory_place: Place, ending: str, data: bytes) -> None:
    """The history file is read in every compression of WAL-G but Brotli."""
    prefix = Prefix.copy_to(directory_place.root)
    (prefix.wal / f"00000002.history{ending}").write_bytes(data)
    (prefix.wal / "00000002000000000000000E.lz4").write_bytes(b"x")
    assert look(directory_place, ACROSS).covered == (
        Covered(Stretch(1, 0x8, 0xD), (Run(0x8, 0xB),)),
        Covered(Stretch(2, 0xE, 0xE), (Run(0xE, 0xE),)),
    )


def test_missing_history_is_told(directory_place: Place) -> None:
    """Without it no restore finds the way to the timeline of the server."""
    prefix = Prefix.copy_to(directory_place.root)
    (prefix.wal / "00000002.history.lz4.tmp.20261129T135441Z").write_bytes(b"half")
    assert look(directory_place, ACROSS).missing_history == "00000002.history"


@pytest.mark.parametrize(
    ("ending", "data", "reason"),
    [
        (".br", b"\x8b\x14", "00000002.history.br is compressed in a way that is not read here"),
        (".zst", b"\x28\xb5", "cannot be decompressed (encrypted?): "),
        (".lz4", b"-----BEGIN PGP", "cannot be decompressed (encrypted?): LZ4F_"),
        (".lz4", b"", "cannot be decompressed (encrypted?): cut off"),
        (".gz", b"\x85\x02", "cannot be decompressed (encrypted?): Error -3"),
        (
            ".gz",
            gzip.compress(HISTORY, mtime=0)[:-9],
            "cannot be decompressed (encrypted?): cut off",
        ),
        (".lzma", b"\xff" * 64, "cannot be decompressed (encrypted?): "),
        ("", b"\x85\x02", "00000002.history is no timeline history file"),
        ("", b"no history\n", "00000002.history is no timeline history file"),
    ],
    ids=["br", "zst", "pgp", "empty", "not-gz", "cut-gz", "not-lzma", "not-text", "not-history"],
)
def test_history_that_cannot_be_read_is_unknown(
    directory_place: Place, ending: str, data: bytes, reason: str
) -> None:
    """Encrypted, damaged, or of a compression that is not known: never good, never bad."""
    prefix = Prefix.copy_to(directory_place.root)
    (prefix.wal / f"00000002.history{ending}").write_bytes(data)
    with pytest.raises(BackupUnknown) as caught:
        look(directory_place, ACROSS)
    assert reason in caught.value.message
    assert caught.value.hint


@EVERYWHERE
def test_one_segment_is_there_or_not(place: Place) -> None:
    """Whole, by its whole name; what is empty or partial is not there yet."""
    prefix = Prefix.copy_to(place.root)
    asked = open_archive(place)
    assert asked.has_segment("00000001000000000000000B")
    (prefix.wal / "00000001000000000000000C.lz4").write_bytes(b"")
    (prefix.wal / "00000001000000000000000D.partial.lz4").write_bytes(b"x")
    for name in (
        "00000001000000000000000C",
        "00000001000000000000000D",
        "00000002000000000000000B",
    ):
        assert not asked.has_segment(name)
    (prefix.wal / "00000001000000000000000C.lz4").write_bytes(b"x")
    assert asked.has_segment("00000001000000000000000C")
