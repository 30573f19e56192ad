"""A copy of the recorded WAL-G prefix that a test may age and damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.testbed.process import ROOT

SAMPLES = ROOT / "tests/samples/walg"
SYSTEM_IDENTIFIER = "7713591486190463953"
ERRORED = "base_000000010000000000000002"
FULL = "base_000000010000000000000004"
DELTA = "base_000000010000000000000006_D_000000010000000000000004"
NEWEST = "base_000000010000000000000008_D_000000010000000000000006"
KILLED = "base_00000001000000000000000B"
LABELS = (ERRORED, FULL, DELTA, NEWEST)

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prefix:
    """The files below one prefix."""

    root: Path

    @classmethod
    def copy_to(cls, root: Path) -> Prefix:
        """Copy the recorded prefix to *root*, which may exist already."""
        shutil.copytree(SAMPLES / "small-repo", root, dirs_exist_ok=True)
        return cls(root)

    @property
    def backups(self) -> Path:
        """Return the folder of the backups."""
        return self.root / "basebackups_005"

    @property
    def wal(self) -> Path:
        """Return the folder of the WAL."""
        return self.root / "wal_005"

    def sentinel(self, label: str) -> Path:
        """Return the sentinel of *label*."""
        return self.backups / f"{label}_backup_stop_sentinel.json"

    def file(self, label: str, name: str) -> Path:
        """Return the file *name* in the folder of *label*."""
        return self.backups / label / name

    def edit(self, path: Path, change: Callable[[Values], object]) -> None:
        """Let *change* alter the values in the JSON file at *path*."""
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))

    def set(self, label: str, **values: object) -> None:
        """Set *values* in the sentinel of *label*; none takes a key out."""

        def change(found: Values) -> None:
            found.update(values)
            for key in [key for key, value in values.items() if value is None]:
                del found[key]

        self.edit(self.sentinel(label), change)

    def stop_newest_at(self, moment: datetime) -> None:
        """Move all backups in time so that the newest stops at *moment*."""
        newest = json.loads(self.sentinel(NEWEST).read_text())["FinishTime"]
        # The clock of a bucket has whole seconds, and may not be behind the backup's.
        shift = moment.replace(microsecond=0) - datetime.fromisoformat(newest)
        for label in LABELS:
            self.edit(self.sentinel(label), lambda found: _shift(found, shift, "Time"))
            self.edit(
                self.file(label, "metadata.json"), lambda found: _shift(found, shift, "_time")
            )


def _shift(values: Values, shift: timedelta, ending: str) -> None:
    for key in [key for key in values if key.endswith(ending)]:
        moved = datetime.fromisoformat(values[key]) + shift
        values[key] = moved.astimezone(UTC).isoformat().replace("+00:00", "Z")


def fresh_prefix(root: Path) -> Prefix:
    """Put the recorded prefix there, its newest backup nineteen minutes old."""
    prefix = Prefix.copy_to(root)
    prefix.stop_newest_at(datetime.now(UTC) - timedelta(minutes=19, seconds=5))
    return prefix
