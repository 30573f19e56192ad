"""What the timeline is called in the ways back: by its number, where that is sure to be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.restore_commands import RestorePoint, RestoreSource, restore_commands

BACKUP = "20261121-191306F"
TIME = datetime(2026, 11, 21, 19, 31, 34, tzinfo=UTC)
POINT = RestorePoint("presync-shop", "0/38025F60", TIME, 3, BACKUP)
TIMELINE_OPTION = {
    "pgbackrest": " --target-timeline={} ",
    "barman": " --target-tli {} ",
    "walg": "recovery_target_timeline = '\"'\"'{}'\"'\"'",
    "barman-cloud": "recovery_target_timeline = '\"'\"'{}'\"'\"'",
}


@pytest.mark.parametrize("system", sorted(TIMELINE_OPTION))
@pytest.mark.parametrize(
    ("of_backup", "told"),
    [(3, "current"), (2, "3"), (None, "3")],
)
def test_timeline_of_the_backup_needs_no_history(
    system: str, of_backup: int | None, told: str
) -> None:
    """A server takes a number only with the history file of that timeline in the archive."""
    source = RestoreSource(system, "shop", "s3://backups/shop")
    for way in restore_commands(source, POINT._replace(backup_timeline=of_backup)):
        if "recoveryTarget" not in way.command:
            assert TIMELINE_OPTION[system].format(told) in way.command


@pytest.mark.parametrize("system", sorted(TIMELINE_OPTION))
def test_first_timeline_has_a_number_and_no_history(system: str) -> None:
    """Nothing can be missing, and a number is the plainer word."""
    source = RestoreSource(system, "shop", "s3://backups/shop")
    first, *_ = restore_commands(source, POINT._replace(timeline=1, backup_timeline=1))
    assert TIMELINE_OPTION[system].format("1") in first.command


def test_cloudnativepg_is_told_no_timeline_where_the_backup_is_on_it() -> None:
    """Its word for that is none at all."""
    source = RestoreSource("cnpg", "shop")
    (way,) = restore_commands(source, POINT._replace(backup_timeline=3))
    assert way.command == f'recoveryTarget: {{backupID: "{BACKUP}", targetLSN: "{POINT.lsn}"}}'


def test_first_segment_tells_the_timeline_of_a_backup() -> None:
    """Also one of more than nine; one that tells no WAL is of none."""
    full = Backup(BACKUP, BackupType.FULL, None, TIME, error=False)
    late = replace(full, label="late", wal_start="0000001F0000000000000021")
    assert (full.timeline, late.timeline) == (None, 31)
