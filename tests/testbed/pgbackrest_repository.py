"""A copy of the recorded pgBackRest repository that a test may age and damage."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hook.demo.repository import STANZA, Sections, read_sections, render_sections
from tests.testbed.process import ROOT

SAMPLES = ROOT / "tests/samples/pgbackrest"
SYSTEM_IDENTIFIER = "7710702599933426604"
ERRORED = "20261121-190643F"
FULL = "20261121-190733F"
INCREMENTAL = "20261121-190733F_20261121-190832I"
# When the newest backup of the recorded repository stopped.
NEWEST_STOPPED = datetime(2026, 11, 21, 19, 8, 34, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Repository:
    """The files of one repository with the stanza ``app``."""

    root: Path

    @classmethod
    def copy_to(cls, root: Path) -> Repository:
        """Copy the recorded repository to *root*, which may exist already.

        Only the info files have a body; of all others the names were recorded. All are of
        now: a manifest from before the end of its backup would tell of a wrong clock.
        """
        sample = SAMPLES / "small-repo"
        shutil.copytree(sample, root, copy_function=shutil.copyfile, dirs_exist_ok=True)
        return cls(root)

    def fill_wal(self) -> None:
        """Give the segments content."""
        for path in (self.root / "archive").rglob(f"{'[0-9A-F]' * 24}-*"):
            path.write_bytes(b"wal")

    @property
    def stanza(self) -> Path:
        """Return the folder of the stanza's backups."""
        return self.root / "backup" / STANZA

    @property
    def infos(self) -> tuple[Path, Path]:
        """Return the info file and its second copy."""
        return self.stanza / "backup.info", self.stanza / "backup.info.copy"

    def manifest(self, label: str) -> Path:
        """Return the manifest of *label*."""
        return self.stanza / label / "backup.manifest"

    def sections(self) -> Sections:
        """Return what the info file says, for `save`."""
        return read_sections(self.infos[0].read_bytes())

    def backups(self, sections: Sections) -> dict[str, Any]:
        """Return the listed backups in *sections*, to be changed in place."""
        return sections.setdefault("backup:current", {})

    def save(self, sections: Sections) -> None:
        """Write *sections* to both info files under a checksum that matches."""
        for path in self.infos:
            path.write_text(render_sections(sections))

    def belong_to(self, identifier: object) -> None:
        """Make it one of the cluster with the system identifier *identifier*."""
        sections = self.sections()
        for cluster in (sections["db"], *sections["db:history"].values()):
            cluster["db-system-id"] = identifier
        self.save(sections)

    def stop_newest_at(self, moment: datetime) -> None:
        """Move all backups in time so that the newest stops at *moment*."""
        sections = self.sections()
        newest = max(entry["backup-timestamp-stop"] for entry in self.backups(sections).values())
        shift = int(moment.timestamp()) - newest
        for entry in self.backups(sections).values():
            entry["backup-timestamp-start"] += shift
            entry["backup-timestamp-stop"] += shift
        self.save(sections)
