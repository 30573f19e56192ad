"""A pgBackRest repository of the demo's own, made from a recorded one."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hook.core.backups.pgbackrest_info import parse_backup_info
from hook.core.backups.pgbackrest_lines import InfoLine, info_checksum, read_info_lines
from hook.errors import BackupUnknown

STANZA = "app"
INFO = Path("backup", STANZA, "backup.info")
ARCHIVE_INFO = Path("archive", STANZA, "archive.info")

_CHECKSUM = "backrest-checksum"
_ARCHIVE_ID = re.compile(r"\d+-\d+")
_STAMP = re.compile(r"\d{8}-\d{6}")
_STAMP_FORMAT = "%Y%m%d-%H%M%S"

Sections = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """The cluster whose backups a repository is to hold.

    Attributes:
        major: Version of the server.
        segment: WAL that each backup needs, and all it needs.
        position: In that segment, where a restore becomes consistent.
    """

    system_identifier: str
    major: str
    segment: str
    position: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A recorded repository, retold for another cluster and another time.

    Only what pgBackRest dates is rewritten: its labels carry the start of the backup, its
    manifests name them, its info file tells both ends and the WAL between them, and a checksum
    covers each. The recorded WAL is of the other cluster and left out; a real server archives
    here.

    Attributes:
        cluster: Whose backups these are to be.
    """

    sample: Path
    root: Path
    cluster: BackedUp

    @property
    def archive(self) -> Path:
        """Return the folder for the WAL of the cluster."""
        return self.root / ARCHIVE_INFO.parent / f"{self.cluster.major}-1"

    def copy_all(self, stopped_at: datetime) -> None:
        """Create *root*, all backups moved in time so that the newest one stops then.

        Raises:
            BackupUnknown: The recorded info file is damaged.
        """
        shutil.copytree(self.sample, self.root, ignore=_dated_folders, dirs_exist_ok=True)
        for path in (ARCHIVE_INFO, ARCHIVE_INFO.with_name("archive.info.copy")):
            sections = read_sections((self.sample / path).read_bytes())
            self._retell_cluster(sections, "db-id")
            (self.root / path).write_text(render_sections(sections))
        recorded = self._recorded()
        entries = recorded["backup:current"]
        newest = max(entry["backup-timestamp-stop"] for entry in entries.values())
        self._save(recorded, self._copy(entries, _since(newest, stopped_at)))

    def add_full_backup(self, stopped_at: datetime) -> None:
        """Add the recorded full backup without errors, as if it had just been taken.

        The next run sees what it would see after ``pgbackrest --type=full backup``.

        Raises:
            BackupUnknown: There is no such backup.
        """
        present = read_sections(self._info.read_bytes())
        for label, entry in self._recorded()["backup:current"].items():
            if entry["backup-type"] == "full" and not entry["backup-error"]:
                shift = _since(entry["backup-timestamp-stop"], stopped_at)
                added = self._copy({label: entry}, shift)
                self._save(present, present["backup:current"] | added)
                return
        raise BackupUnknown(f"no full backup without errors is recorded in {self.sample}")

    @property
    def _info(self) -> Path:
        return self.root / INFO

    def _recorded(self) -> Sections:
        """Return the recorded info file, for the cluster of this repository."""
        data = (self.sample / INFO).read_bytes()
        parse_backup_info(data)  # whatever else is wrong with it is told by name
        sections = read_sections(data)
        self._retell_cluster(sections, "db-system-id")
        return sections

    def _retell_cluster(self, sections: Sections, key: str) -> None:
        """Put the cluster into *sections*, in whose history *key* is its identifier."""
        sections["db"] |= {
            "db-system-id": int(self.cluster.system_identifier),
            "db-version": self.cluster.major,
        }
        for cluster in sections["db:history"].values():
            cluster |= {key: int(self.cluster.system_identifier), "db-version": self.cluster.major}

    def _copy(self, entries: dict[str, Any], shift: timedelta) -> dict[str, Any]:
        """Copy the folders of *entries* and return the entries, both later by *shift*."""
        for label in entries:
            copied = self._info.with_name(_move_stamps(label, shift))
            # A copy of the sample's own times would be one of before the backup.
            shutil.copytree(
                (self.sample / INFO).with_name(label), copied, copy_function=shutil.copyfile
            )
            for path in copied.glob("backup.manifest*"):
                moved_text = _move_stamps(path.read_text(), shift)
                path.write_text(render_sections(read_sections(moved_text.encode())))
        # Labels also stand in the entries of the backups that build on them.
        moved: dict[str, Any] = json.loads(_move_stamps(json.dumps(entries), shift))
        for entry in moved.values():
            entry["backup-timestamp-start"] += int(shift.total_seconds())
            entry["backup-timestamp-stop"] += int(shift.total_seconds())
            entry["backup-archive-start"] = entry["backup-archive-stop"] = self.cluster.segment
            entry["backup-lsn-start"] = entry["backup-lsn-stop"] = self.cluster.position
        return moved

    def _save(self, sections: Sections, entries: dict[str, Any]) -> None:
        # pgBackRest lists by label, that is by time.
        text = render_sections(sections | {"backup:current": dict(sorted(entries.items()))})
        for path in (self._info, self._info.with_name("backup.info.copy")):
            path.write_text(text)


def _dated_folders(folder: str, names: list[str]) -> list[str]:
    """Return which of *names* are folders of single backups or of WAL, for `shutil.copytree`."""
    if Path(folder).name != STANZA:
        return []
    return [name for name in names if _STAMP.match(name) or _ARCHIVE_ID.fullmatch(name)]


def _since(timestamp: int, moment: datetime) -> timedelta:
    return timedelta(seconds=int(moment.timestamp()) - timestamp)


def _move_stamps(text: str, shift: timedelta) -> str:
    def moved(found: re.Match[str]) -> str:
        stamp = datetime.strptime(found.group(), _STAMP_FORMAT).replace(tzinfo=UTC)
        return (stamp + shift).strftime(_STAMP_FORMAT)

    return _STAMP.sub(moved, text)


def read_sections(data: bytes) -> Sections:
    """Return the sections of an info file, without its checksum.

    Raises:
        BackupUnknown: It is no info file.
    """
    sections: Sections = {}
    for line in read_info_lines(data):
        sections.setdefault(line.section, {})[line.key] = line.value()
    sections["backrest"].pop(_CHECKSUM, None)
    return sections


def render_sections(sections: Sections) -> str:
    """Return an info file as pgBackRest writes it, under a checksum that matches."""
    lines = [
        InfoLine(section, key, json.dumps(value, separators=(",", ":")))
        for section, values in sections.items()
        for key, value in values.items()
    ]
    lines.append(InfoLine("backrest", _CHECKSUM, json.dumps(info_checksum(lines))))
    text, section = [], ""
    for line in lines:
        if line.section != section:
            text += ["", f"[{line.section}]"] if section else [f"[{line.section}]"]
            section = line.section
        text.append(f"{line.key}={line.raw}")
    return "\n".join([*text, ""])
