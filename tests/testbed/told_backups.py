"""What a command may print of backups, for tests to age and damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.testbed.pgbackrest_repository import SAMPLES

Document = Any


def recorded(name: str) -> bytes:
    """Return what pgBackRest printed, as the sample *name*."""
    return (SAMPLES / f"info-{name}.json").read_bytes()


def aged(name: str, age: timedelta = timedelta(minutes=19)) -> bytes:
    """Return the sample *name*, its newest backup of that age."""
    (stanza,) = json.loads(recorded(name).decode(errors="replace"), strict=False)
    times = [backup["timestamp"] for backup in stanza["backup"]]
    newest = max(time["stop"] for time in times)
    shift = int((datetime.now(UTC) - age).timestamp()) - newest
    for time in times:
        time["start"] += shift
        time["stop"] += shift
    return json.dumps([stanza]).encode()


def own_document() -> Document:
    """Return a document with a full backup, an incremental one on it, and the WAL."""
    now = datetime.now(UTC)

    def moment(minutes: int) -> str:
        return (now - timedelta(minutes=minutes)).isoformat()

    return {
        "system_identifier": "7710702599933426604",
        "backups": [
            {
                "label": "monday",
                "type": "full",
                "started_at": moment(80),
                "stopped_at": moment(70),
                "error": False,
                "wal_start": "000000010000000000000020",
                "lsn_stop": "0/20000100",
            },
            {
                "label": "tuesday",
                "type": "incr",
                "stopped_at": moment(19),
                "error": False,
                "needs": ["monday"],
                "wal_start": "000000010000000000000025",
                "lsn_stop": "0/25000100",
            },
        ],
        "wal": [{"first": "000000010000000000000020", "last": "00000001000000000000003C"}],
    }


def edited(change: Callable[[Document], object]) -> bytes:
    """Return `own_document` as *change* leaves it."""
    document = own_document()
    change(document)
    return json.dumps(document).encode()


def printing(folder: Path, data: bytes) -> str:
    """Return a backup source whose command prints *data*."""
    path = folder / "printed"
    path.write_bytes(data)
    return f"command:cat {path}"
