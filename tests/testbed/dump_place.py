"""Recorded dumps, put into a place as if pg_dump had begun them a while ago."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.testbed.process import ROOT

SAMPLES = ROOT / "tests/samples/pg_dump"
_TIME_AT = 16
_TAR_TIME_AT = 512 + 16


def redated(data: bytes, moment: datetime, at: int = _TIME_AT) -> bytes:
    """Return an archive of version 1.14 whose header tells *moment*, in UTC."""
    parts = (moment.second, moment.minute, moment.hour, moment.day, moment.month - 1)
    numbers = (*parts, moment.year - 1900, 0)
    written = b"".join(b"\x00" + number.to_bytes(4, "little") for number in numbers)
    return data[:at] + written + data[at + len(written) :]


def sample(name: str, moment: datetime) -> bytes:
    """Return the recorded dump *name*, begun at *moment*."""
    data = (SAMPLES / name).read_bytes()
    if data.startswith(b"PGDMP"):
        return redated(data, moment)
    return redated(data, moment, _TAR_TIME_AT) if name.endswith(".tar") else data


def stamp(moment: datetime) -> str:
    """Return *moment* as a job that dumps puts it into a name."""
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _ago(age: timedelta) -> datetime:
    """Return a moment that a clock of whole seconds sees at least *age* ago."""
    return (datetime.now(UTC) - age - timedelta(seconds=5)).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class DumpPlace:
    """A place for dumps."""

    root: Path

    def put(self, name: str, data: bytes, age: timedelta) -> Path:
        """Write *data*, last modified *age* ago; ``{}`` in the name becomes that moment."""
        moment = _ago(age)
        path = self.root / name.replace("{}", stamp(moment))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        return path

    def add(self, name: str, recorded: str, age: timedelta = timedelta(minutes=19)) -> Path:
        """Write the recorded dump *recorded*, begun *age* ago."""
        return self.put(name, sample(recorded, datetime.now(UTC) - age), age)

    def add_directory(self, name: str, age: timedelta = timedelta(minutes=19)) -> Path:
        """Write the recorded dump in the directory format."""
        moment = _ago(age)
        folder = self.root / name.replace("{}", stamp(moment))
        shutil.copytree(SAMPLES / "directory", folder)
        toc = folder / "toc.dat"
        toc.write_bytes(redated(toc.read_bytes(), moment))
        for path in folder.iterdir():
            os.utime(path, (moment.timestamp(), moment.timestamp()))
        return folder
