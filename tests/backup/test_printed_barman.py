"""The printed lines for a host of Barman, against the options that the real Barman takes.

Each is run as it stands, by a Barman that knows the server and has no backup of it; what they
bring back is told by `test_way_back_barman.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hook.core.backups.restore_commands import RestorePoint, RestoreSource, restore_commands
from tests.testbed.barman_host import SERVER, configure_barman, run_barman
from tests.testbed.restore import LineFailed

TIME = datetime(2026, 11, 21, 19, 31, 34, 271812, UTC)
LABEL = "20261121T180506"
_USAGE = 2


def _lines(backup: str | None) -> list[str]:
    point = RestorePoint("presync-shop-20261121T193134Z-1ec8a77e", "0/38025F60", TIME, 3, backup)
    return [way.command for way in restore_commands(RestoreSource("barman", SERVER), point)]


def _refusal(line: str, home: Path) -> LineFailed:
    """Return how *line* ends for a Barman that keeps all in *home*."""
    configure_barman(home, "host=/nowhere")
    folders = {"PGDATA": str(home / "data"), "RESTORE_TO": str(home / "beside")}
    with pytest.raises(LineFailed) as caught:
        run_barman(line, home, **folders)
    return caught.value


@pytest.mark.parametrize("line", _lines(LABEL))
def test_barman_understands_each_line_and_looks_for_its_backup(line: str, tmp_path: Path) -> None:
    """By position, by name, by time, and beside: it misses nothing but the backup."""
    told = f"ERROR: Unknown backup '{LABEL}' for server 'shop'\n"
    assert _refusal(line, tmp_path).said == told


def test_barman_chooses_a_backup_where_none_is_known(tmp_path: Path) -> None:
    """The word for that is one of its own."""
    told = "ERROR: Cannot find any candidate backup for recovery.\n"
    assert _refusal(_lines(None)[0], tmp_path).said == told


def test_line_that_barman_does_not_understand_ends_otherwise(tmp_path: Path) -> None:
    """As another version may not know what is printed."""
    line = _lines(LABEL)[0].replace("--target-lsn", "--target-position")
    refusal = _refusal(line, tmp_path)
    assert refusal.status == _USAGE
    assert "unrecognized arguments" in refusal.said
