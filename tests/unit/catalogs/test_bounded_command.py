"""A program of the user's own takes neither time nor secrets, and leaves nothing behind."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hook.catalogs.bounded_command import passed_on, run_bounded_command
from hook.errors import BackupUnknown
from tests.testbed.process import has_ended
from tests.testbed.run_context import eventually

LONG = timedelta(minutes=1)
# Long enough for a shell to start on a busy machine.
SHORT = timedelta(seconds=4)


def _sleeper(file: Path, end: str) -> list[str]:
    """Return a program with a child that sleeps and keeps the output open."""
    return ["/bin/sh", "-c", f"sleep 600 & echo $! > {shlex.quote(str(file))}; {end}"]


def test_output_comes_back_whole() -> None:
    """Also when the error output is full in between."""
    script = "import sys; sys.stderr.write('e' * 200000); sys.stdout.write('o' * 200000)"
    assert run_bounded_command([sys.executable, "-c", script], LONG) == b"o" * 200_000


def test_nothing_is_read_from_this_process() -> None:
    """A program that asks for input finds the end of it."""
    assert run_bounded_command(["cat"], LONG) == b""


def test_program_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    """The whole group goes, not only the program that was started."""
    with pytest.raises(BackupUnknown, match="the command /bin/sh did not end within 4s"):
        run_bounded_command(_sleeper(tmp_path / "pid", "wait"), SHORT)
    child = int((tmp_path / "pid").read_text())
    eventually(lambda: has_ended(child))


def test_child_that_keeps_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    """The program has ended, and what it left behind goes too."""
    with pytest.raises(BackupUnknown, match="did not end within 4s"):
        run_bounded_command(_sleeper(tmp_path / "pid", "exit 0"), SHORT)
    child = int((tmp_path / "pid").read_text())
    eventually(lambda: has_ended(child))


def test_child_without_the_output_is_killed_when_its_parent_ended(tmp_path: Path) -> None:
    """Nothing of a command outlives the question."""
    script = f"sleep 600 >/dev/null 2>&1 & echo $! > {shlex.quote(str(tmp_path / 'pid'))}; echo x"
    assert run_bounded_command(["/bin/sh", "-c", script], LONG) == b"x\n"
    child = int((tmp_path / "pid").read_text())
    eventually(lambda: has_ended(child))


def test_program_that_closes_its_output_and_goes_on_is_not_waited_for() -> None:
    """The end of the output is not the end of the program."""
    script = "exec >/dev/null 2>&1; sleep 600"
    with pytest.raises(BackupUnknown, match="did not end within 4s"):
        run_bounded_command(["/bin/sh", "-c", script], SHORT)


def test_program_dies_with_the_process_that_asked(tmp_path: Path) -> None:
    """As at a stop request: the main thread ends, and the one that waits is given up."""
    program = _sleeper(tmp_path / "pid", "wait")
    script = (
        "import threading, time, pathlib\n"
        "from datetime import timedelta\n"
        "from hook.catalogs.bounded_command import run_bounded_command\n"
        f"work = lambda: run_bounded_command({program!r}, timedelta(minutes=5))\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        f"file = pathlib.Path({str(tmp_path / 'pid')!r})\n"
        "while not file.exists() or not file.read_text(): time.sleep(0.01)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    child = int((tmp_path / "pid").read_text())
    eventually(lambda: has_ended(child))


def test_command_does_not_see_how_the_database_is_reached() -> None:
    """Nor what is set for presync; its own settings and those of the storage it does see."""
    ours = ["PRESYNC_URL", "PRESYNC_BACKUP_CIPHER_PASS", "FLYWAY_PASSWORD", "POSTGRES_PASSWORD"]
    hidden = [*ours, "PGPASSWORD", "PGHOST", "PGSERVICEFILE", "DATABASE_URL"]
    seen = ("PATH", "PGBACKREST_REPO1_CIPHER_PASS", "AWS_SECRET_ACCESS_KEY", "SHOP_TOKEN")
    assert passed_on(dict.fromkeys([*hidden, *seen], "x")) == dict.fromkeys(seen, "x")


def test_environment_of_the_program_is_what_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule is applied, not only written."""
    monkeypatch.setenv("PGPASSWORD", "canary")
    monkeypatch.setenv("SHOP_TOKEN", "seen")
    names = {
        line.partition("=")[0] for line in run_bounded_command(["env"], LONG).decode().split("\n")
    }
    assert "SHOP_TOKEN" in names
    assert "PGPASSWORD" in os.environ
    assert "PGPASSWORD" not in names
