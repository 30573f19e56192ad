"""The prefix that Spilo gives to WAL-G under Zalando's operator, in a bucket and in a directory.

Spilo puts ``spilo/<scope>/<uid of the cluster>/wal/<major version>`` below what it is given.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import Covered
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.settings.backup_source import parse_backup_source
from tests.contract.conftest import Place
from tests.contract.verdict import Case, assert_verdict, passes, refuses, warns
from tests.testbed.backup_gate import judge_source
from tests.testbed.walg_repository import (
    DELTA,
    FULL,
    NEWEST,
    SYSTEM_IDENTIFIER,
    fresh_prefix,
)

CLUSTER = "spilo/shop-db/8f6f2c58-9d2e-4a52-9df5-6a0d1f0c7e11"
MADE_BEFORE = "spilo/shop-db/0a1b2c3d-0000-4000-8000-000000000000"
EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)


def _fill(root: Path) -> None:
    folder = root / CLUSTER / "wal/16"
    folder.mkdir(parents=True)
    fresh_prefix(folder)


def _drop_sentinel(root: Path, label: str) -> None:
    (found,) = root.rglob(f"{label}_backup_stop_sentinel.json")
    found.unlink()


def _upgrade(root: Path) -> None:
    """Leave what there is after a major upgrade, before the first backup: WAL alone."""
    folder = root / CLUSTER / "wal/17/wal_005"
    folder.mkdir(parents=True)
    (folder / "000000010000000000000001.lz4").write_bytes(b"wal")


def _recreate(root: Path) -> None:
    """Leave a cluster of the same name that was made anew, with a uid of its own."""
    shutil.move(root / CLUSTER, root / MADE_BEFORE)


# What the setting names below the bucket, and what the gate says of it.
CASES: list[tuple[str, Case[Path]]] = [
    (f"{CLUSTER}/wal/16", passes("good", lambda _: None, f"newest usable backup {NEWEST} (incr)")),
    (
        f"{CLUSTER}/wal/16",
        warns(
            "link-of-the-chain-gone",
            lambda root: _drop_sentinel(root, DELTA),
            f"{NEWEST} needs {DELTA}, which is not listed (expired?)",
            f"newest usable backup {FULL} (full)",
        ),
    ),
    (
        f"{CLUSTER}/wal/17",
        refuses(
            "upgraded",
            _upgrade,
            "no completed backup is listed in WAL-G in ",
            "this prefix is of PostgreSQL 17 only, and after a major upgrade the new one begins",
        ),
    ),
    (f"{CLUSTER}/wal/15", refuses("other-version", lambda _: None, "there is no ")),
    (
        f"{CLUSTER}/wal",
        refuses("version-forgotten", _upgrade, "there is no WAL-G in ", "folders there: 16, 17"),
    ),
    (CLUSTER, refuses("end-forgotten", lambda _: None, "there is no WAL-G in ", "there: wal")),
    ("spilo/shop-db", refuses("uid-forgotten", lambda _: None, "folders there: 8f6f2c58-")),
    (f"{CLUSTER}/wal/16", refuses("cluster-made-anew", _recreate, "there is no ")),
]


@EVERYWHERE
@pytest.mark.parametrize(("path", "case"), CASES, ids=lambda item: getattr(item, "name", ""))
def test_gate_gives_each_path_its_verdict(place: Place, path: str, case: Case[Path]) -> None:
    """A path that is too short, too old or of another cluster is never taken for a good one."""
    _fill(place.root)
    case.make(place.root)
    findings = judge_source(f"walg:{place.url}/{path}", Access(place.settings), SYSTEM_IDENTIFIER)
    assert_verdict(findings, case)


@EVERYWHERE
def test_wal_is_found_below_it(place: Place) -> None:
    """From the newest backup to the last segment, and a hole by its name."""
    _fill(place.root)
    source = parse_backup_source(f"walg:{place.url}/{CLUSTER}/wal/16")
    catalog = open_catalogs(source, Access(place.settings)).wal
    assert catalog is not None
    recovery = Recovery(Segment(1, 0x8), 0x8000100, Segment(1, 0xC), 2**24)
    needed = Stretch(1, 0x8, 0xC)
    assert catalog.read_archive(recovery).covered == (Covered(needed, (Run(0x8, 0xB),)),)
    (place.root / CLUSTER / "wal/16/wal_005/000000010000000000000009.lz4").unlink()
    runs = (Run(0x8, 0x8), Run(0xA, 0xB))
    assert catalog.read_archive(recovery).covered == (Covered(needed, runs),)
