"""The printed lines for a host of Barman, against the options that the real Barman takes.

Each is run as it stands, by a Barman that knows the server and has no backup of it; what they
bring back is told by `test_way_back_barman.py`.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hook.core.backups.restore_commands import RestorePoint, RestoreSource, restore_commands
from tests.testbed.barman_cloud import PROGRAMS

TIME = datetime(2026, 11, 21, 19, 31, 34, 271812, UTC)
LABEL = "20261121T180506"
_CONFIGURATION = """\
[barman]
barman_home = {home}
barman_user = {user}
log_file = {home}/log
[shop]
description = the shop
conninfo = host=/nowhere
backup_method = postgres
archiver = on
"""
_USAGE = 2
_SECONDS = 120.0


def _lines(backup: str | None) -> list[str]:
    point = RestorePoint("presync-shop-20261121T193134Z-1ec8a77e", "0/38025F60", TIME, 3, backup)
    return [way.command for way in restore_commands(RestoreSource("barman", "shop"), point)]


def _run(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run *line* as the account that Barman is configured for in *home*."""
    user = pwd.getpwuid(os.getuid()).pw_name
    (home / ".barman.conf").write_text(_CONFIGURATION.format(home=home, user=user))
    found = {"HOME": str(home), "PATH": os.pathsep.join((str(PROGRAMS), os.environ["PATH"]))}
    folders = {"PGDATA": str(home / "data"), "RESTORE_TO": str(home / "beside")}
    return subprocess.run(
        ["sh", "-c", line],
        env={**found, **folders},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("line", _lines(LABEL))
def test_barman_understands_each_line_and_looks_for_its_backup(line: str, tmp_path: Path) -> None:
    """By position, by name, by time, and beside: it misses nothing but the backup."""
    done = _run(line, tmp_path)
    assert done.stderr == f"ERROR: Unknown backup '{LABEL}' for server 'shop'\n"


def test_barman_chooses_a_backup_where_none_is_known(tmp_path: Path) -> None:
    """The word for that is one of its own."""
    done = _run(_lines(None)[0], tmp_path)
    assert done.stderr == "ERROR: Cannot find any candidate backup for recovery.\n"


def test_line_that_barman_does_not_understand_ends_otherwise(tmp_path: Path) -> None:
    """As another version may not know what is printed."""
    done = _run(_lines(LABEL)[0].replace("--target-lsn", "--target-position"), tmp_path)
    assert done.returncode == _USAGE
    assert "unrecognized arguments" in done.stderr
