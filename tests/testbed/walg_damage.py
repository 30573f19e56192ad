"""What can become of a WAL-G prefix, done to a copy of the recorded one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hook.catalogs.walg_backups import SENTINEL_LIMIT
from tests.testbed.walg_repository import FULL, LABELS, NEWEST, Prefix

Make = Callable[[Prefix], object]


def each(change: Callable[[Prefix, str], object]) -> Make:
    """Do *change* to each finished backup."""

    def make(prefix: Prefix) -> None:
        for label in LABELS:
            change(prefix, label)

    return make


def write(label: str, name: str, data: bytes) -> Make:
    """Write *data* into a file of a backup."""
    return lambda prefix: prefix.file(label, name).write_bytes(data)


def remove(label: str, name: str) -> Make:
    """Remove a file of a backup."""
    return lambda prefix: prefix.file(label, name).unlink()


def empty(prefix: Prefix) -> None:
    """Leave nothing there."""
    shutil.rmtree(prefix.backups)
    shutil.rmtree(prefix.wal)


def truncate(path: Path) -> None:
    """Cut a file off."""
    path.write_bytes(path.read_bytes()[:100])


def bloat(path: Path) -> None:
    """Make a file longer than is read."""
    with path.open("r+b") as file:
        file.truncate(SENTINEL_LIMIT + 1)


def set_in(label: str, **values: object) -> Make:
    """Set values in a sentinel."""
    return lambda prefix: prefix.set(label, **values)


def forget_times(prefix: Prefix, label: str) -> None:
    """Turn a sentinel into one of before version 2."""
    prefix.set(label, StartTime=None, FinishTime=None, Version=None)


def forget_all_times(prefix: Prefix) -> None:
    """Leave only the time of the object."""
    forget_times(prefix, NEWEST)
    prefix.file(NEWEST, "metadata.json").unlink()
    written = int((datetime.now(UTC) - timedelta(minutes=10)).timestamp())
    os.utime(prefix.sentinel(NEWEST), (written, written))


def forget_and_damage(prefix: Prefix) -> None:
    """Leave an old sentinel, and metadata that says nothing."""
    forget_times(prefix, NEWEST)
    prefix.file(NEWEST, "metadata.json").write_text("[")


def disable_list(prefix: Prefix) -> None:
    """Do what ``WALG_WITHOUT_FILES_METADATA`` does."""
    prefix.set(NEWEST, FilesMetadataDisabled=True)
    prefix.file(NEWEST, "files_metadata.json").unlink()


def to_the_future(prefix: Prefix, label: str) -> None:
    """Let a backup stop in a thousand years."""
    prefix.set(label, FinishTime="2999-01-01T00:00:00Z")


def touch(prefix: Prefix) -> None:
    """Do what a copy of the bucket does."""
    prefix.stop_newest_at(datetime.now(UTC) - timedelta(hours=31))
    for path in prefix.backups.iterdir():
        path.touch()


def upgrade(prefix: Prefix) -> None:
    """Leave the backup of an older cluster that has a greater name than all of the new one."""
    older = "base_000000030000000000000001"
    shutil.copytree(prefix.backups / FULL, prefix.backups / older)
    shutil.copy(prefix.sentinel(FULL), prefix.sentinel(older))
    prefix.set(older, SystemIdentifier=42, FinishTime="2026-01-01T00:00:00Z")
    past = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    os.utime(prefix.sentinel(older), (past, past))


def add_strangers(prefix: Prefix) -> None:
    """Put backups of another database beside, and a name that only begins like one."""
    for name in ("stream_20261129T000000Z", "base_0000", f"{FULL}.bak"):
        (prefix.backups / f"{name}_backup_stop_sentinel.json").write_text("{}")
