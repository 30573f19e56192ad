"""The demo's repository: what pgBackRest would have written at another time."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.catalogs.directory import DirectoryStore
from hook.catalogs.pgbackrest import PgBackRestCatalog
from hook.core.backups.archive import Covered
from hook.core.backups.backup import Evidence
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.demo.repository import (
    INFO,
    STANZA,
    BackedUp,
    Repository,
    read_sections,
    render_sections,
)
from hook.errors import BackupUnknown
from tests.testbed.pgbackrest_repository import SAMPLES

SAMPLE = SAMPLES / "small-repo"
CLUSTER = BackedUp("123456789", "18", "000000010000000000000001", "0/1000060")
STOPPED = datetime(2031, 3, 1, 0, 30, 12, 345678, tzinfo=UTC)
FRESH = STOPPED + timedelta(hours=30)
STALE_LABELS = [
    "20310301-002821F",
    "20310301-002911F",
    "20310301-002911F_20310301-003010I",
]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository of another cluster whose newest backup stopped in 2031."""
    repository = Repository(SAMPLE, tmp_path / "repository", CLUSTER)
    repository.copy_all(STOPPED)
    return repository


def evidence(repository: Repository) -> Evidence:
    """Return what the catalog reads."""
    return PgBackRestCatalog(DirectoryStore(repository.root), STANZA).read_evidence()


def test_copy_is_of_the_cluster_and_time_that_were_asked_for(repository: Repository) -> None:
    """Labels, times and links between backups move together; the checksum matches."""
    read = evidence(repository)
    assert read.warnings == ()
    assert read.origin.system_identifier == "123456789"
    assert [backup.label for backup in read.backups] == STALE_LABELS
    newest = read.backups[-1]
    assert newest.stopped_at == STOPPED.replace(microsecond=0)
    assert newest.references == (STALE_LABELS[1],)
    assert newest.system_identifier == "123456789"


def test_every_listed_backup_of_the_copy_has_its_folder(repository: Repository) -> None:
    """Each label is a folder with a manifest, and no recorded label is left."""
    stanza = (repository.root / INFO).parent
    assert sorted(path.parent.name for path in stanza.glob("*/backup.manifest")) == STALE_LABELS


def test_added_backup_is_a_full_one_beside_the_others(repository: Repository) -> None:
    """A new full backup joins the stale ones, complete and without errors."""
    repository.add_full_backup(FRESH)
    read = evidence(repository)
    assert [backup.label for backup in read.backups] == [*STALE_LABELS, "20310302-063008F"]
    added = read.backups[-1]
    assert added.stopped_at == FRESH.replace(microsecond=0)
    assert added.error is False
    manifest = repository.root / INFO.with_name(added.label) / "backup.manifest"
    assert manifest.is_file()


def test_archive_of_the_copy_is_the_clusters_own(repository: Repository) -> None:
    """The recorded WAL is left out; what the server archives is found from the backups on."""
    folder = repository.archive / "0000000100000000"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"{Segment(1, number).name(16 * 2**20)}-{'0' * 40}").write_bytes(b"wal")
    recovery = Recovery(Segment(1, 1), 0x1000060, Segment(1, 3), 16 * 2**20)
    catalog = PgBackRestCatalog(DirectoryStore(repository.root), STANZA)
    found = catalog.read_archive(recovery)
    assert (found.system_identifier, repository.archive.name) == ("123456789", "18-1")
    assert {backup.wal_start for backup in evidence(repository).backups} == {CLUSTER.segment}
    assert found.covered == (Covered(Stretch(1, 1, 3), (Run(1, 2),)),)


def test_sample_without_a_good_full_backup_is_refused(tmp_path: Path) -> None:
    """A recorded repository that cannot play its part is named."""
    sample = tmp_path / "sample"
    shutil.copytree(SAMPLE, sample)
    sections = read_sections((sample / INFO).read_bytes())
    sections["backup:current"].pop("20261121-190733F")
    (sample / INFO).write_text(render_sections(sections))
    repository = Repository(sample, tmp_path / "repository", CLUSTER)
    repository.copy_all(STOPPED)
    with pytest.raises(BackupUnknown, match=f"no full backup .* {sample}"):
        repository.add_full_backup(FRESH)


def test_damaged_sample_is_refused(tmp_path: Path) -> None:
    """A recorded info file is believed no more than any other."""
    sample = tmp_path / "sample"
    shutil.copytree(SAMPLE, sample)
    data = (sample / INFO).read_bytes()
    (sample / INFO).write_bytes(data.replace(b'"backup-error":true', b'"backup-error":false'))
    with pytest.raises(BackupUnknown, match="checksum does not match"):
        Repository(sample, tmp_path / "repository", CLUSTER).copy_all(STOPPED)


def test_second_copy_of_the_info_file_is_the_same(repository: Repository) -> None:
    """Both copies say the same, as pgBackRest leaves them."""
    info = repository.root / INFO
    assert info.with_name("backup.info.copy").read_bytes() == info.read_bytes()


def test_info_file_survives_reading_and_rendering() -> None:
    """A file of pgBackRest's own is rendered back byte for byte, checksum included."""
    data = (SAMPLE / INFO).read_bytes()
    assert render_sections(read_sections(data)).encode() == data
