"""A WAL-G prefix as only a bucket can be: frozen, shrinking under the look, large."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.catalogs.directory import DirectoryStore
from hook.catalogs.object_store import Entry, ObjectStore, StoredObject
from hook.catalogs.walg import LOOK_LIMIT, WalGCatalog
from hook.core.backups.backup import Backup, Evidence, Presence
from hook.core.backups.wal import Recovery, Run, Segment
from hook.errors import BackupSourceMissing, BackupUnknown
from tests.testbed.walg_repository import DELTA, FULL, LABELS, NEWEST, Prefix, fresh_prefix


@dataclass(slots=True)
class Bucket:
    """An `ObjectStore` over a directory, which does what a bucket can do to its objects.

    Attributes:
        frozen: Keys that lie in an archive storage class; they cannot be read.
        gone: Keys that are listed and then not there any more.
        asked: Keys that were read, and prefixes that were listed.
    """

    store: ObjectStore
    name: str = "s3://shop"
    frozen: str = "(?!)"
    gone: str = "(?!)"
    asked: list[str] = field(default_factory=list)

    def describe(self, key: str = "") -> str:
        """Return the URL of *key*."""
        return f"{self.name}/{key}".rstrip("/")

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return the object, with a clock as a bucket has one."""
        assert not re.search(self.frozen, key)
        self.asked.append(key)
        stored = None if re.search(self.gone, key) else self.store.read(key, limit)
        return stored and replace(stored, clock=datetime.now(UTC))

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return what is there, frozen or not."""
        self.asked.append(prefix)
        return tuple(
            replace(entry, is_archived=bool(re.search(self.frozen, entry.key)))
            for entry in self.store.list_level(prefix)
        )


@pytest.fixture
def prefix(tmp_path: Path) -> Prefix:
    """Return a prefix whose newest backup is nineteen minutes old."""
    return fresh_prefix(tmp_path)


def _evidence(
    prefix: Prefix, frozen: str = "(?!)", gone: str = "(?!)", name: str = "s3://shop/wal/16"
) -> tuple[Evidence, Bucket]:
    bucket = Bucket(DirectoryStore(prefix.root), name, frozen, gone)
    return WalGCatalog(bucket).read_evidence(), bucket


def _backup(evidence: Evidence, label: str) -> Backup:
    (found,) = (backup for backup in evidence.backups if backup.label == label)
    return found


def test_usable_backup_costs_its_own_chain_only(prefix: Prefix) -> None:
    """Sentinel, list of files and archives of each link; nothing of what is older."""
    evidence, bucket = _evidence(prefix)
    assert {backup.label for backup in evidence.backups} == {NEWEST, DELTA, FULL}
    # One listing of the backups, and two reads and two listings for each of three.
    assert len(bucket.asked) == 1 + 3 * 4
    assert evidence.clock is not None


@pytest.mark.parametrize("part", ["part_001.tar.lz4", "pg_control.tar.lz4"])
def test_frozen_archive_of_any_link_makes_a_backup_useless(prefix: Prefix, part: str) -> None:
    """The sentinel is small and stays, so only a look at the archives tells."""
    evidence, _ = _evidence(prefix, frozen=f"{FULL}/tar_partitions/{re.escape(part)}")
    assert _backup(evidence, FULL).presence is Presence.ARCHIVED
    assert _backup(evidence, NEWEST).presence is Presence.COMPLETE
    assert FULL in _backup(evidence, NEWEST).chain


def test_frozen_list_of_files_is_left_alone(prefix: Prefix) -> None:
    """Of what cannot be read nothing is known, and the archives are what a restore reads."""
    evidence, _ = _evidence(prefix, frozen=f"{NEWEST}/files_metadata")
    newest = _backup(evidence, NEWEST)
    assert (newest.presence, newest.error) == (Presence.COMPLETE, False)


def test_frozen_sentinel_is_not_read(prefix: Prefix) -> None:
    """Reading it would fail, and so would WAL-G."""
    evidence, _ = _evidence(prefix, frozen=f"{NEWEST}_backup_stop")
    assert _backup(evidence, NEWEST).problems == ("its sentinel lies in an archive storage class",)


@pytest.mark.parametrize("gone", ["_backup_stop_sentinel.json", "files_metadata.json"])
def test_object_that_vanishes_after_the_listing_is_missing(prefix: Prefix, gone: str) -> None:
    """A deletion may run at the same time."""
    evidence, _ = _evidence(prefix, gone=f"{NEWEST}.*{gone}")
    newest = _backup(evidence, NEWEST)
    assert newest.problems or newest.presence is Presence.INCOMPLETE


def test_number_of_backups_looked_at_is_bounded(prefix: Prefix) -> None:
    """Hundreds of backups without a usable one are not read to the last."""
    for label in LABELS:
        prefix.set(label, FinishTime=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    for number in range(LOOK_LIMIT):
        label = f"base_{number + 0x100000100000000:024X}"
        shutil.copy(prefix.sentinel(FULL), prefix.sentinel(label))
    evidence, bucket = _evidence(prefix)
    assert LOOK_LIMIT <= len(evidence.backups) <= LOOK_LIMIT + len(LABELS)
    (warning,) = evidence.warnings
    assert warning == f"only the newest {LOOK_LIMIT} of {LOOK_LIMIT + 4} backups were looked at"
    assert len(bucket.asked) < 4 * (LOOK_LIMIT + 5)


def _nothing(prefix: Prefix) -> None:
    shutil.rmtree(prefix.backups)
    shutil.rmtree(prefix.wal)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_nothing, "there is no WAL-G in s3://shop/wal/16; folders there: none"),
        (lambda prefix: shutil.rmtree(prefix.backups), "no completed backup is listed in WAL-G in"),
    ],
)
def test_empty_prefix_of_spilo_is_explained(
    prefix: Prefix, change: Callable[[Prefix], object], told: str
) -> None:
    """It ends in the version, and a major upgrade leads to a new one."""
    change(prefix)
    spilo = "this prefix is of PostgreSQL 16 only, and after a major upgrade the new one begins"
    with pytest.raises(BackupSourceMissing) as caught:
        _evidence(prefix)
    assert told in caught.value.message
    assert spilo in caught.value.message
    with pytest.raises(BackupSourceMissing) as caught:
        _evidence(prefix, name="s3://shop/backups")
    assert spilo not in caught.value.message


def test_prefix_too_short_names_the_folders(prefix: Prefix) -> None:
    """Who forgot the last part of the prefix sees it in the answer."""
    (prefix.root / "shop").mkdir()
    _nothing(prefix)
    with pytest.raises(BackupSourceMissing, match="folders there: shop; this prefix"):
        _evidence(prefix)


def test_nothing_readable_is_unknown_and_not_missing(prefix: Prefix) -> None:
    """Sentinels are there, and nobody knows what they say."""
    with pytest.raises(BackupUnknown, match="of 4 backups none can be read: base_0000"):
        _evidence(prefix, frozen="_backup_stop_sentinel")


def test_frozen_wal_is_a_hole_that_is_explained(prefix: Prefix) -> None:
    """A restore would have to wait until somebody thaws it."""
    bucket = Bucket(DirectoryStore(prefix.root), frozen="wal_005/00000001000000000000000[9A]")
    recovery = Recovery(Segment(1, 8), 0x8000100, Segment(1, 12), 2**24)
    read = WalGCatalog(bucket).read_archive(recovery)
    ((_, present),) = read.covered
    assert present == (Run(8, 8), Run(11, 11))
    assert read.warnings == (
        "2 segments in an archive storage class, 000000010000000000000009 first",
    )


@pytest.mark.parametrize(
    ("first", "last", "listed"),
    [
        (0x1FE, 0x201, ["0000000100000001", "0000000100000002"]),
        (0x100, 0x5FF, [f"000000010000000{log}" for log in range(1, 6)]),
        (0x100, 0x6FF, ["000000010000000"]),
        (0x1, 0x1101, ["000000010000000", "0000000100000010", "0000000100000011"]),
    ],
    ids=["two logs", "five logs", "six logs", "eighteen logs"],
)
def test_only_names_like_those_that_a_recovery_reads_are_listed(
    prefix: Prefix, first: int, last: int, listed: list[str]
) -> None:
    """The folder is flat and may keep the WAL of years."""
    bucket = Bucket(DirectoryStore(prefix.root))
    recovery = Recovery(Segment(1, first), first * 2**24, Segment(1, last), 2**24)
    WalGCatalog(bucket).read_archive(recovery)
    assert bucket.asked == [f"wal_005/{beginning}" for beginning in listed]


def test_history_that_vanishes_after_the_listing_is_missing(prefix: Prefix) -> None:
    """Then a restore does not find it either."""
    (prefix.wal / "00000002.history").write_text("1\t0/E0000A0\tno reason\n")
    recovery = Recovery(Segment(1, 8), 0x8000100, Segment(2, 14), 2**24)
    bucket = Bucket(DirectoryStore(prefix.root), gone="history")
    assert WalGCatalog(bucket).read_archive(recovery).missing_history == "00000002.history"
