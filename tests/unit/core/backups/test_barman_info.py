"""What ``backup.info`` of Barman tells, and what it cannot be made to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.barman_info import link_chains, parse_backup_info
from tests.testbed.barman_server import SAMPLES, SYSTEM_IDENTIFIER

LABEL = "20261121T191452"
GOOD = (SAMPLES / "backup.info").read_bytes()


def changed(**fields: str) -> Backup:
    """Return the backup of the recorded file with some fields changed."""
    lines = GOOD.decode().splitlines()
    told = {key: value for key, _, value in (line.partition("=") for line in lines)} | fields
    text = "".join(f"{key}={value}\n" for key, value in told.items())
    return parse_backup_info(LABEL, text.encode()).backup


def test_parse_reads_a_recorded_file() -> None:
    """All that a verdict needs is in it."""
    told = parse_backup_info(LABEL, GOOD)
    assert told.backup == Backup(
        label=LABEL,
        type=BackupType.FULL,
        started_at=datetime(2026, 11, 21, 19, 14, 52, 721866, UTC),
        stopped_at=datetime(2026, 11, 21, 19, 15, 12, 889997, UTC),
        error=False,
        system_identifier=SYSTEM_IDENTIFIER,
        wal_start="00000001000000000000002E",
        wal_stop="00000001000000000000002E",
        lsn_stop="0/2E000138",
    )
    assert (told.awaits_wal, told.tablespaces, told.segment_size) == (False, (), 16 * 2**20)


def test_parse_converts_the_zone() -> None:
    """Barman writes the time of its own host, with the offset."""
    backup = changed(end_time="2026-11-22 03:15:12.889997+08:00")
    assert backup.stopped_at == datetime(2026, 11, 21, 19, 15, 12, 889997, UTC)


@pytest.mark.parametrize(
    ("sample", "problems"),
    [
        ("backup.info.STARTED-killed", ()),
        (
            "backup.info.FAILED",
            ("failed (failure uploading data (Connection lost, reconnection not allowed))",),
        ),
    ],
)
def test_parse_gives_what_did_not_end_no_stop_time(sample: str, problems: tuple[str, ...]) -> None:
    """Whether it runs or was killed only its age tells."""
    backup = parse_backup_info(LABEL, (SAMPLES / sample).read_bytes()).backup
    assert (backup.stopped_at, backup.problems) == (None, problems)
    assert backup.started_at is not None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "FAILED"}, "failed"),
        ({"status": "FAILED", "error": "no\x1broom"}, "failed (no\\u001broom)"),
        ({"status": "UNHEARD"}, "is in status UNHEARD"),
        ({"status": "EMPTY", "begin_time": "None"}, "is EMPTY and does not tell since when"),
        ({"end_time": "soon"}, "does not tell when it ended in a time with a zone"),
        ({"end_time": "0001-01-01 00:00:00+14:00"}, "does not tell when it ended in a time"),
        ({"snapshots_info": "{}"}, "lies in volume snapshots, which are not looked at"),
        ({"tablespaces": "[("}, "does not tell its tablespaces"),
        ({"tablespaces": "7"}, "does not tell its tablespaces"),
        ({"tablespaces": "[7]"}, "does not tell its tablespaces"),
        ({"tablespaces": "[" * 70_000}, "does not tell its tablespaces"),
        ({"parent_backup_id": "../x"}, "does not tell the backup it rests on"),
    ],
)
def test_parse_says_what_stands_against_it(fields: dict[str, str], problem: str) -> None:
    """In the words that the refusal uses."""
    (told,) = changed(**fields).problems
    assert told.startswith(problem)


def test_parse_reads_tablespaces() -> None:
    """Each is an archive of its own."""
    text = "[('fast', 16400, '/fast'), ('slow', 16401, '/slow')]"
    data = GOOD.replace(b"tablespaces=None", f"tablespaces={text}".encode())
    assert parse_backup_info(LABEL, data).tablespaces == ("16400", "16401")


@given(st.one_of(st.binary(), st.integers(0, len(GOOD)).map(lambda end: GOOD[:end])))
def test_parse_takes_no_damaged_file_for_a_good_one(data: bytes) -> None:
    """It never raises, and the status sorts late enough to notice that the end is missing."""
    backup = parse_backup_info(LABEL, data).backup
    is_whole = b"\nstatus=DONE" in data
    assert is_whole or backup.problems


def linked(*backups: Backup) -> dict[str, Backup]:
    """Return *backups* by label, linked."""
    return {backup.label: backup for backup in link_chains(backups)}


def test_link_follows_the_chain_to_its_beginning() -> None:
    """An incremental names only the one before; a restore reads all of them."""
    full = replace(changed(), label="a")
    first = replace(full, label="b", prior="a")
    second = replace(full, label="c", prior="b")
    found = linked(second, full, first)
    assert found["c"].chain == ("c", "b", "a")
    assert found["c"].problems == ()


def test_link_tells_what_is_wrong_below() -> None:
    """A good incremental on a failed full backup restores nothing."""
    full = replace(changed(), label="a", problems=("failed",))
    running = replace(changed(), label="r", stopped_at=None)
    found = linked(
        full,
        replace(full, label="b", prior="a", problems=()),
        running,
        replace(running, label="s", prior="r", stopped_at=changed().stopped_at),
        replace(full, label="x", prior="gone", problems=()),
    )
    assert found["b"].problems == ("rests on a, which failed",)
    assert found["s"].problems == ("rests on r, which has not ended",)
    assert found["x"].problems == ()
    assert found["x"].references == ("gone",)


def test_link_survives_a_circle() -> None:
    """Nobody writes such a chain but who wants to hang a reader."""
    a = replace(changed(), label="a", prior="b")
    b = replace(changed(), label="b", prior="a")
    assert linked(a, b)["a"].references == ("b",)
