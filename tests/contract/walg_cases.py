"""The states of a WAL-G prefix, and what the gate must say of each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hook.catalogs.walg_backups import SENTINEL_LIMIT
from tests.contract.verdict import cannot_tell, passes, refuses, warns
from tests.testbed.walg_repository import (
    DELTA,
    ERRORED,
    FULL,
    KILLED,
    LABELS,
    NEWEST,
    SYSTEM_IDENTIFIER,
    Prefix,
)

Make = Callable[[Prefix], object]

USABLE = f"newest usable backup {NEWEST} (incr) stopped 19m"
# The full backup is the third newest, each some two seconds after the one before.
PASSED_OVER = f"newest usable backup {FULL} (full) stopped 19m"


def _each(change: Callable[[Prefix, str], object]) -> Make:
    def make(prefix: Prefix) -> None:
        for label in LABELS:
            change(prefix, label)

    return make


def _write(label: str, name: str, data: bytes) -> Make:
    return lambda prefix: prefix.file(label, name).write_bytes(data)


def _write_sentinel(data: bytes) -> Make:
    return lambda prefix: prefix.sentinel(NEWEST).write_bytes(data)


def _remove(label: str, name: str) -> Make:
    return lambda prefix: prefix.file(label, name).unlink()


def _empty(prefix: Prefix) -> None:
    shutil.rmtree(prefix.backups)
    shutil.rmtree(prefix.wal)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _bloat(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(SENTINEL_LIMIT + 1)


def _set(label: str, **values: object) -> Make:
    return lambda prefix: prefix.set(label, **values)


def _forget_times(prefix: Prefix, label: str) -> None:
    prefix.set(label, StartTime=None, FinishTime=None, Version=None)


def _forget_all_times(prefix: Prefix) -> None:
    _forget_times(prefix, NEWEST)
    prefix.file(NEWEST, "metadata.json").unlink()
    written = (datetime.now(UTC) - timedelta(minutes=10)).timestamp()
    os.utime(prefix.sentinel(NEWEST), (written, written))


def _forget_and_damage(prefix: Prefix) -> None:
    _forget_times(prefix, NEWEST)
    prefix.file(NEWEST, "metadata.json").write_text("[")


def _disable_list(prefix: Prefix) -> None:
    prefix.set(NEWEST, FilesMetadataDisabled=True)
    prefix.file(NEWEST, "files_metadata.json").unlink()


def _to_the_future(prefix: Prefix, label: str) -> None:
    prefix.set(label, FinishTime="2999-01-01T00:00:00Z")


def _touch(prefix: Prefix) -> None:
    """Do what a copy of the bucket does."""
    prefix.stop_newest_at(datetime.now(UTC) - timedelta(hours=31))
    for path in prefix.backups.iterdir():
        path.touch()


def _upgrade(prefix: Prefix) -> None:
    """Leave the backup of an older cluster that has a greater name than all of the new one."""
    older = "base_000000030000000000000001"
    shutil.copytree(prefix.backups / FULL, prefix.backups / older)
    shutil.copy(prefix.sentinel(FULL), prefix.sentinel(older))
    prefix.set(older, SystemIdentifier=42, FinishTime="2026-01-01T00:00:00Z")
    past = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    os.utime(prefix.sentinel(older), (past, past))


def _add_strangers(prefix: Prefix) -> None:
    """Put backups of another database beside, and a name that only begins like one."""
    for name in ("stream_20261129T000000Z", "base_0000", f"{FULL}.bak"):
        (prefix.backups / f"{name}_backup_stop_sentinel.json").write_text("{}")


CASES = [
    passes("good", lambda _: None, USABLE),
    refuses(
        "empty-place",
        _empty,
        "there is no WAL-G in ",
        "folders there: none",
    ),
    refuses(
        "no-backups-listed",
        lambda prefix: shutil.rmtree(prefix.backups),
        "no completed backup is listed in WAL-G in ",
    ),
    refuses(
        "only-unfinished",
        _each(lambda prefix, label: prefix.sentinel(label).unlink()),
        "no completed backup is listed in WAL-G in ",
        f"and 5 backups without a sentinel ({ERRORED}, {FULL}, ",
        KILLED,
    ),
    warns(
        "truncated-sentinel",
        lambda prefix: _truncate(prefix.sentinel(NEWEST)),
        f"{NEWEST} its sentinel is damaged: not JSON (truncated?)",
        f"newest usable backup {DELTA} (incr)",
    ),
    cannot_tell(
        "zero-bytes-sentinels",
        _each(lambda prefix, label: prefix.sentinel(label).write_bytes(b"")),
        "of 4 backups none can be read: ",
        "its sentinel is damaged: not JSON",
    ),
    cannot_tell(
        "html-error-page",
        _each(lambda prefix, label: prefix.sentinel(label).write_text("<html>502</html>")),
        "of 4 backups none can be read: ",
        "its sentinel is damaged: not JSON",
    ),
    warns(
        "huge-sentinel",
        lambda prefix: _bloat(prefix.sentinel(NEWEST)),
        f"{NEWEST} its sentinel is longer than 8 MiB",
        f"newest usable backup {DELTA} (incr)",
    ),
    passes(
        "huge-list-of-files",
        lambda prefix: _bloat(prefix.file(NEWEST, "files_metadata.json")),
        USABLE,
    ),
    warns(
        "truncated-list-of-files",
        lambda prefix: _truncate(prefix.file(NEWEST, "files_metadata.json")),
        f"{NEWEST} its files_metadata.json is damaged: not JSON (truncated?)",
        f"newest usable backup {DELTA} (incr)",
    ),
    warns(
        "missing-list-of-files",
        _remove(NEWEST, "files_metadata.json"),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    passes(
        "list-of-files-disabled",
        _disable_list,
        USABLE,
    ),
    warns(
        "archive-deleted-by-lifecycle",
        _remove(NEWEST, "tar_partitions/part_001.tar.lz4"),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    warns(
        "archive-without-content",
        _write(NEWEST, "tar_partitions/part_001.tar.lz4", b""),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    warns(
        "control-file-deleted",
        _remove(NEWEST, "tar_partitions/pg_control.tar.lz4"),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    refuses(
        "archives-of-the-full-deleted",
        lambda prefix: shutil.rmtree(prefix.backups / FULL / "tar_partitions"),
        "none of 4 backups is usable",
        f"{NEWEST} part of the data is missing for {FULL}",
        f"{DELTA} part of the data is missing for {FULL}",
    ),
    refuses(
        "full-expired-deltas-left",
        lambda prefix: prefix.sentinel(FULL).unlink(),
        f"{NEWEST} needs {FULL}, which is not listed (expired?)",
        f"{DELTA} needs {FULL}, which is not listed (expired?)",
        f"{ERRORED} contains damaged pages",
    ),
    warns(
        "link-of-the-chain-deleted",
        lambda prefix: prefix.sentinel(DELTA).unlink(),
        f"{NEWEST} needs {DELTA}, which is not listed (expired?)",
        PASSED_OVER,
    ),
    warns(
        "link-of-the-chain-damaged",
        lambda prefix: _truncate(prefix.sentinel(DELTA)),
        f"{NEWEST} needs {DELTA}: its sentinel is damaged",
        PASSED_OVER,
    ),
    refuses(
        "future-times",
        _each(_to_the_future),
        "none of 4 backups is usable",
        f"{NEWEST} stopped in the future",
    ),
    warns(
        "newest-in-the-future",
        lambda prefix: _to_the_future(prefix, NEWEST),
        f"{NEWEST} stopped in the future",
        f"newest usable backup {DELTA} (incr)",
    ),
    refuses(
        "only-errored",
        lambda prefix: [prefix.sentinel(label).unlink() for label in (FULL, DELTA, NEWEST)],
        "the only backup is not usable",
        f"{ERRORED} contains damaged pages",
    ),
    warns(
        "newest-errored",
        lambda prefix: shutil.copy(
            prefix.file(ERRORED, "files_metadata.json"), prefix.file(NEWEST, "files_metadata.json")
        ),
        f"{NEWEST} contains damaged pages",
        f"newest usable backup {DELTA} (incr)",
    ),
    refuses(
        "full-of-the-chain-errored",
        lambda prefix: shutil.copy(
            prefix.file(ERRORED, "files_metadata.json"), prefix.file(FULL, "files_metadata.json")
        ),
        f"{NEWEST} contains damaged pages",
        f"{FULL} contains damaged pages",
    ),
    passes(
        "in-progress-dir",
        lambda prefix: shutil.copytree(
            prefix.backups / KILLED, prefix.backups / "base_0000000100000000000000FF"
        ),
        USABLE,
    ),
    passes("old-sentinel-with-metadata", lambda prefix: _forget_times(prefix, NEWEST), USABLE),
    warns(
        "old-sentinel-without-metadata",
        _forget_all_times,
        f"{NEWEST} does not tell when it stopped",
        f"newest usable backup {NEWEST} (incr) stopped 10m",
    ),
    warns(
        "old-sentinel-damaged-metadata",
        _forget_and_damage,
        f"{NEWEST}: its metadata.json is damaged: not JSON",
        "does not tell when it stopped",
    ),
    refuses(
        "another-cluster",
        _each(lambda prefix, label: prefix.set(label, SystemIdentifier=42)),
        "holds backups of cluster 42",
        SYSTEM_IDENTIFIER,
    ),
    cannot_tell(
        "no-cluster-told",
        _each(lambda prefix, label: prefix.set(label, SystemIdentifier=None)),
        "does not tell its system identifier",
    ),
    passes("upgraded-in-place", _upgrade, USABLE),
    passes("strangers-beside", _add_strangers, USABLE),
    warns(
        "name-that-leads-elsewhere",
        _set(NEWEST, DeltaFrom="../../etc"),
        f"{NEWEST} its sentinel is damaged: '../../etc' is not the name of a backup",
    ),
    refuses(
        "rests-on-itself",
        _set(FULL, DeltaFrom=NEWEST, DeltaFullName=FULL),
        f"{NEWEST} rests on no full backup",
    ),
    warns("number-as-time", _set(NEWEST, FinishTime=7), "its sentinel is damaged: FinishTime is 7"),
    warns("text-as-number", _set(NEWEST, FinishLSN="0/8"), "its sentinel is damaged: FinishLSN is"),
    refuses(
        "stale",
        lambda prefix: prefix.stop_newest_at(datetime.now(UTC) - timedelta(hours=31)),
        f"newest usable backup {NEWEST} (incr) stopped 31h",
        "(limit 24h)",
    ),
    refuses(
        "stale-in-a-copied-bucket",
        _touch,
        f"newest usable backup {NEWEST} (incr) stopped 31h",
    ),
]
