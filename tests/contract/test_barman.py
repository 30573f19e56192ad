"""Backups and WAL of a Barman server over every store, to verdicts."""

from __future__ import annotations

import bz2
import gzip
import lzma

import lz4.frame
import pytest
import zstandard

from hook.catalogs import WalCatalog
from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.core.outcome import Finding
from hook.errors import BackupSourceMissing, BackupUnknown, ExitCode
from hook.settings.backup_source import parse_backup_source
from tests.contract.barman_cases import CASES
from tests.contract.conftest import Place
from tests.contract.verdict import Case, assert_verdict
from tests.testbed.backup_gate import judge_source
from tests.testbed.barman_server import (
    FIRST,
    LAST,
    SERVER,
    SYSTEM_IDENTIFIER,
    BarmanServer,
    fresh_server,
)

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)
SIZE = 16 * 2**20
RECOVERY = Recovery(Segment(1, FIRST), FIRST * SIZE + 312, Segment(1, LAST), SIZE)
NEEDED = Stretch(1, FIRST, LAST)
HISTORY = b"1\t0/33000000\tno recovery target specified\n"
GZIPPED = gzip.compress(HISTORY, mtime=0)
PROMOTED = RECOVERY._replace(end=Segment(2, LAST))


def gate(place: Place, server: str = SERVER) -> tuple[Finding, ...]:
    """Return what the gate says of *server* at *place*."""
    return judge_source(f"barman:{place.url}", Access(place.settings, server), SYSTEM_IDENTIFIER)


def look(place: Place, recovery: Recovery = RECOVERY) -> ArchiveEvidence:
    """Return what the catalog finds at *place*."""
    return opened(place).read_archive(recovery)


def opened(place: Place) -> WalCatalog:
    """Return the catalog of *place*."""
    source = parse_backup_source(f"barman:{place.url}")
    catalog = open_catalogs(source, Access(place.settings, SERVER)).wal
    assert catalog is not None
    return catalog


@EVERYWHERE
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gate_gives_each_server_its_verdict(place: Place, case: Case[BarmanServer]) -> None:
    """Code, status and reasons are the same over a directory and over S3."""
    case.make(fresh_server(place.root))
    assert_verdict(gate(place), case)


@EVERYWHERE
def test_gate_names_the_servers_that_are_there(place: Place) -> None:
    """Another name is refused with the names to choose from; none is guessed."""
    fresh_server(place.root)
    (finding,) = gate(place, "crm")
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-source")
    assert finding.message.endswith(f"{place.url}; folders there: shop")
    assert "PRESYNC_BACKUP_STANZA" in finding.hint


@EVERYWHERE
def test_gate_names_a_place_that_is_not_there(place: Place) -> None:
    """A bucket or directory by a wrong name is a refusal, not a riddle."""
    access = Access(place.settings, SERVER)
    (finding,) = judge_source(f"barman:{place.outside}", access, SYSTEM_IDENTIFIER)
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-source")


@EVERYWHERE
def test_whole_archive_is_one_run(place: Place) -> None:
    """Neither the history of a backup nor what is partial counts as a segment."""
    fresh_server(place.root)
    assert look(place).covered == (Covered(NEEDED, (Run(FIRST, LAST - 1),)),)


@EVERYWHERE
@pytest.mark.parametrize("suffix", ["", ".bz2", ".xz", ".snappy", ".zst", ".lz4"])
def test_segment_counts_however_it_is_compressed(place: Place, suffix: str) -> None:
    """And once, when it is there in two compressions."""
    server = fresh_server(place.root)
    server.segment(LAST, suffix).write_bytes(b"wal")
    server.segment(FIRST, suffix).write_bytes(b"wal")
    found = look(place)
    assert found.covered == (Covered(NEEDED, (Run(FIRST, LAST),)),)
    assert found.duplicates == ()


@EVERYWHERE
def test_hole_and_empty_segment_part_the_archive(place: Place) -> None:
    """What was deleted is not there, nor is what has no bytes."""
    server = fresh_server(place.root)
    server.segment(FIRST + 1).unlink()
    server.segment(FIRST + 3).write_bytes(b"")
    runs = (Run(FIRST, FIRST), Run(FIRST + 2, FIRST + 2), Run(FIRST + 4, LAST - 1))
    read = look(place)
    assert read.covered == (Covered(NEEDED, runs),)
    empty = Segment(1, FIRST + 3).name(SIZE)
    assert read.warnings == (f"1 segment without content, {empty} first",)


@EVERYWHERE
def test_one_segment_is_there_or_not(place: Place) -> None:
    """Whole, however it is compressed; a run that waits asks until it is."""
    server, asked = fresh_server(place.root), opened(place)
    first, last = (Segment(1, number).name(SIZE) for number in (FIRST, LAST))
    assert asked.has_segment(first)
    assert not asked.has_segment(last)
    server.segment(LAST, ".partial").write_bytes(b"wal")
    server.segment(LAST, ".zst").write_bytes(b"")
    assert not asked.has_segment(last)
    server.segment(LAST, ".bz2").write_bytes(b"wal")
    assert asked.has_segment(last)
    assert not asked.has_segment(Segment(2, FIRST).name(SIZE))


@EVERYWHERE
def test_server_without_archive_is_missing(place: Place) -> None:
    """An archive that was never begun is a refusal and not a riddle."""
    server = fresh_server(place.root)
    server.segment(0).parent.rename(server.folder / "aside")
    server.segment(0).parent.parent.rmdir()
    with pytest.raises(BackupSourceMissing, match="has no WAL in shop/wals/"):
        look(place)


@EVERYWHERE
@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        ("", HISTORY),
        ("", GZIPPED),
        (".gz", GZIPPED),
        (".bz2", bz2.compress(HISTORY)),
        (".xz", lzma.compress(HISTORY)),
        (".zst", zstandard.compress(HISTORY)),
        (".lz4", lz4.frame.compress(HISTORY)),
    ],
    ids=["plain", "gz-untold", "gz", "bz2", "xz", "zst", "lz4"],
)
def test_timeline_history_is_read_however_it_is_packed(
    place: Place, suffix: str, data: bytes
) -> None:
    """Barman itself compresses without telling it in the name."""
    server = fresh_server(place.root)
    (server.folder / "wals" / f"00000002.history{suffix}").write_bytes(data)
    covered = look(place, PROMOTED).covered
    assert [item.stretch.timeline for item in covered] == [1, 2]


@EVERYWHERE
@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x28\xb5\x2f\xfd rest", "cannot be decompressed"),
        (b"\x04\x22\x4d\x18 rest", "cannot be decompressed"),
        (b"\xff\x06\x00\x00sNaPpY", "is packed with snappy"),
        (GZIPPED[:12] + b"broken", "cannot be decompressed"),
        (b"<html>", "is no timeline history file"),
    ],
    ids=["zstd", "lz4", "snappy", "damaged", "html"],
)
def test_timeline_history_that_cannot_be_read_is_unknown(
    place: Place, data: bytes, problem: str
) -> None:
    """Which way the WAL goes is then not known, whatever segments are there."""
    server = fresh_server(place.root)
    (server.folder / "wals" / "00000002.history.gz").write_bytes(data)
    with pytest.raises(BackupUnknown, match=problem):
        look(place, PROMOTED)


@EVERYWHERE
@pytest.mark.parametrize("suffix", [".partial", ".gz.tmp", "x"])
def test_what_is_called_like_a_timeline_history_is_none(place: Place, suffix: str) -> None:
    """Half of one, for example."""
    server = fresh_server(place.root)
    (server.folder / "wals" / f"00000002.history{suffix}").write_bytes(b"1\t0/33000000\tx\n")
    assert look(place, PROMOTED).missing_history == "00000002.history"


@EVERYWHERE
def test_timeline_history_that_is_not_there_is_named(place: Place) -> None:
    """No restore finds the way without it."""
    fresh_server(place.root)
    assert look(place, PROMOTED).missing_history == "00000002.history"
