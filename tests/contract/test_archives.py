"""The WAL of the recorded repository, over every store."""

from __future__ import annotations

import pytest

from hook.catalogs import WalCatalog
from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.demo.repository import STANZA
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import parse_backup_source
from tests.contract.conftest import Place
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER, Repository

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)
# From the newest backup of the repository to the segment after the last one.
RECOVERY = Recovery(Segment(1, 0x25), 0x25000100, Segment(1, 0x3D), 16 * 2**20)
NEEDED = Stretch(1, 0x25, 0x3D)


def catalog(place: Place) -> WalCatalog:
    """Return the catalog of *place*."""
    source = parse_backup_source(f"pgbackrest:{place.url}")
    opened = open_catalogs(source, Access(place.settings, STANZA)).wal
    assert opened is not None
    return opened


def look(place: Place, recovery: Recovery = RECOVERY) -> ArchiveEvidence:
    """Return what the catalog finds at *place*."""
    return catalog(place).read_archive(recovery)


@EVERYWHERE
def test_whole_archive_is_one_run(place: Place) -> None:
    """Backup history files beside the segments do not matter."""
    Repository.copy_to(place.root).fill_wal()
    read = look(place)
    assert read.system_identifier == SYSTEM_IDENTIFIER
    assert read.covered == (Covered(NEEDED, (Run(0x25, 0x3C),)),)
    assert read.duplicates == read.warnings == ()


@EVERYWHERE
def test_hole_parts_the_archive(place: Place) -> None:
    """What somebody deleted is not there, whatever comes after it."""
    repository = Repository.copy_to(place.root)
    (found,) = (repository.root / "archive").rglob("00000001000000000000002E-*")
    found.unlink()
    assert look(place).covered == (Covered(NEEDED, (Run(0x25, 0x2D), Run(0x2F, 0x3C))),)


@EVERYWHERE
def test_one_segment_without_content_is_a_hole(place: Place) -> None:
    """The others have theirs; a marker in it does not count as archived."""
    repository, name = Repository.copy_to(place.root), "00000001000000000000002E"
    repository.fill_wal()
    (found,) = (repository.root / "archive").rglob(f"{name}-*")
    found.write_bytes(b"")
    read = look(place)
    assert read.covered == (Covered(NEEDED, (Run(0x25, 0x2D), Run(0x2F, 0x3C))),)
    assert read.warnings == (f"1 segment without content, {name} first",)
    assert not catalog(place).has_segment(name)


@EVERYWHERE
def test_folder_that_is_not_there_holds_nothing(place: Place) -> None:
    """The server went on to the next 4 GiB, and nothing of it came."""
    Repository.copy_to(place.root)
    far = RECOVERY._replace(end=Segment(1, 0x101))
    (covered,) = look(place, far).covered
    assert covered == Covered(Stretch(1, 0x25, 0x101), (Run(0x25, 0x3C),))


@EVERYWHERE
def test_stanza_without_archive_is_missing(place: Place) -> None:
    """An archive that was never begun is a refusal and not a riddle."""
    repository = Repository.copy_to(place.root)
    for name in ("archive.info", "archive.info.copy"):
        (repository.root / "archive" / STANZA / name).unlink()
    with pytest.raises(BackupSourceMissing, match=r"has no archive\.info"):
        look(place)


@EVERYWHERE
def test_one_segment_is_there_or_not(place: Place) -> None:
    """By its whole name, whatever checksum and compression follow."""
    Repository.copy_to(place.root).fill_wal()
    asked = catalog(place)
    assert asked.has_segment("00000001000000000000003C")
    assert not asked.has_segment("00000001000000000000003D")
    # A folder that is not there, and a timeline that nobody wrote on.
    assert not asked.has_segment("000000010000000A0000003C")
    assert not asked.has_segment("00000002000000000000003C")


@EVERYWHERE
def test_segment_that_arrives_is_seen_by_the_same_catalog(place: Place) -> None:
    """Half a file has another name; a waiting run asks until the whole one is there."""
    repository = Repository.copy_to(place.root)
    asked, name = catalog(place), "00000001000000000000003D"
    (last,) = (repository.root / "archive").rglob("00000001000000000000003C-*")
    whole = last.with_name(f"{name}-{'0' * 40}.zst")
    half = whole.with_name(f"{whole.name}.pgbackrest.tmp")
    half.write_bytes(b"half")
    assert not asked.has_segment(name)
    half.rename(whole)
    assert asked.has_segment(name)


@EVERYWHERE
def test_segment_that_is_there_twice_is_no_way_back(place: Place) -> None:
    """Of two with different checksums pgBackRest restores neither."""
    repository = Repository.copy_to(place.root)
    name = "00000001000000000000003C"
    (last,) = (repository.root / "archive").rglob(f"{name}-*")
    last.with_name(f"{name}-{'0' * 40}.zst").write_bytes(b"another")
    with pytest.raises(BackupUnknown, match=f"{name}-.* the same segment twice"):
        catalog(place).has_segment(name)


@EVERYWHERE
def test_segment_under_two_compressions_is_there_once(place: Place) -> None:
    """Of two with one checksum pgBackRest restores either."""
    repository = Repository.copy_to(place.root)
    repository.fill_wal()
    name = "00000001000000000000003C"
    (last,) = (repository.root / "archive").rglob(f"{name}-*")
    last.with_suffix("").write_bytes(b"the same")
    assert catalog(place).has_segment(name)


@EVERYWHERE
def test_segment_of_a_stanza_without_archive_is_no_question(place: Place) -> None:
    """There is no archive, which waiting does not change."""
    Repository.copy_to(place.root)
    for name in ("archive.info", "archive.info.copy"):
        (place.root / "archive" / STANZA / name).unlink()
    with pytest.raises(BackupSourceMissing, match=r"has no archive\.info"):
        catalog(place).has_segment("00000001000000000000003C")
