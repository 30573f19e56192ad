"""What real barman-cloud left of one server in a bucket, for a test to age and damage."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.testbed.process import ROOT

SAMPLES = ROOT / "tests/samples/barman"
SERVER = "shop"
SYSTEM_IDENTIFIER = "7710702599933426604"
OLDER, NEWEST, FAILED, KILLED = (
    f"{datetime.now(UTC) - timedelta(minutes=age):%Y%m%dT%H%M%S}" for age in (1220, 20, 6, 3)
)
# From the newest backup to the segment after the last one of the sample.
FIRST, LAST = 0x2E, 0x33
_LOG = "0000000100000000"


def render(fields: Mapping[str, str]) -> str:
    """Return a ``backup.info``."""
    return "".join(f"{key}={value}\n" for key, value in sorted(fields.items()))


@dataclass(frozen=True, slots=True)
class BarmanServer:
    """The files of one server below *root*, as barman-cloud and CloudNativePG lay them."""

    root: Path

    @property
    def folder(self) -> Path:
        """Return the server's folder."""
        return self.root / SERVER

    def backup(self, label: str) -> Path:
        """Return the folder of the backup *label*."""
        return self.folder / "base" / label

    def info(self, label: str) -> Path:
        """Return the ``backup.info`` of *label*."""
        return self.backup(label) / "backup.info"

    def segment(self, number: int, suffix: str = ".gz") -> Path:
        """Return the file of a segment."""
        return self.folder / "wals" / _LOG / f"{_LOG}{number:08X}{suffix}"

    def edit(self, label: str, **fields: str) -> None:
        """Change *fields* in the ``backup.info`` of *label*."""
        self.info(label).write_text(render({**self.fields(label), **fields}))

    def fields(self, label: str) -> dict[str, str]:
        """Return what the ``backup.info`` of *label* says."""
        lines = self.info(label).read_text().splitlines()
        return {key: value for key, _, value in (line.partition("=") for line in lines)}

    def add(self, label: str, sample: str, stopped_at: datetime) -> None:
        """Put a recorded backup there, moved in time so that it stopped, or began, then."""
        self.backup(label).mkdir(parents=True)
        shutil.copyfile(SAMPLES / sample, self.info(label))
        # A storage's clock tells whole seconds, and so may be a moment behind.
        stopped_at -= timedelta(seconds=5)
        began = stopped_at - timedelta(seconds=20)
        times = {"begin_time": f"{began:%F %T.%f}+00:00"}
        if self.fields(label)["end_time"] != "None":
            times["end_time"] = f"{stopped_at:%F %T.%f}+00:00"
            (self.backup(label) / "data.tar.gz").write_bytes(b"data")
        self.edit(label, server_name=SERVER, **times)


def fresh_server(root: Path) -> BarmanServer:
    """Put two good backups there, the newer one nineteen minutes old, and WAL behind it."""
    server = BarmanServer(root)
    newest = datetime.now(UTC) - timedelta(minutes=19)
    server.add(OLDER, "backup.info", newest - timedelta(hours=20))
    server.add(NEWEST, "backup.info", newest)
    server.segment(0).parent.mkdir(parents=True)
    for number in range(FIRST - 1, LAST):
        server.segment(number).write_bytes(b"wal")
    (server.segment(FIRST, ".00000028.backup.gz")).write_bytes(b"history of a backup")
    (server.segment(LAST, ".partial")).write_bytes(b"half")
    return server
