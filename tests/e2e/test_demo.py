"""The demo, whole: what it shows, what it ends with, what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.process import ROOT
from tests.testbed.run_context import eventually

FIRST_ACT = "$ presync run"
# Each would send the demo's commands elsewhere, or through the gate, if it reached them.
HOSTILE = {
    "DATABASE_URL": "postgresql://production.invalid/shop",
    "FLYWAY_URL": "jdbc:postgresql://production.invalid/shop",
    "PGHOST": "production.invalid",
    "PGPORT": "1",
    "PRESYNC_BACKUP_POLICY": "off",
    "PRESYNC_URL": "postgresql://production.invalid/shop",
}


class Demo:
    """A demo under way, read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Follow *process*."""
        self.process = process
        self.text = ""

    def wait_for(self, words: str) -> None:
        """Return as soon as *words* have been said."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line
            if words in line:
                return
        pytest.fail(f"{words!r} was never said:\n{self.text}")

    def places(self) -> tuple[Path, ...]:
        """Return the folders in the environment of the commands: server, repository."""
        server, repository = dict.fromkeys(re.findall(r"/\w+/presync-demo-\w+", self.text))
        return Path(server), Path(repository)

    def server_pid(self) -> int:
        """Return the process id of the running server."""
        file = self.places()[0] / "data" / "postmaster.pid"
        return int(file.read_text().splitlines()[0])

    def end(self) -> int:
        """Return the exit code; all has been said then."""
        assert self.process.stdout is not None
        self.text += self.process.stdout.read()
        return self.process.wait(60)


Start = Callable[..., Demo]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return ``start(*arguments, env={}) -> Demo``."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str, env: Mapping[str, str] = {}) -> Demo:
            process = subprocess.Popen(
                [sys.executable, "-m", "hook", "demo", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                cwd=tmp_path,
                env={**os.environ, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **env},
                # A terminal's signals go to the whole group; the tests must not be in it.
                process_group=0,
            )
            stack.enter_context(process)
            stack.callback(process.terminate)
            return Demo(process)

        yield start


def is_running(pid: int) -> bool:
    """Tell whether there is such a process, and more of it than its exit status."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # Empty once it has ended, even if nobody has asked for its exit status yet.
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def assert_gone(places: tuple[Path, ...], pid: int) -> None:
    """Fail if a folder or the server is left."""
    assert [place for place in places if place.exists()] == []
    eventually(lambda: not is_running(pid))


def test_demo_shows_the_gate_and_leaves_nothing_behind(start: Start) -> None:
    """Refused, migrated, nothing to do, history: in that order, whatever the caller's settings."""
    demo = start(env=HOSTILE)
    demo.wait_for(FIRST_ACT)
    places, pid = demo.places(), demo.server_pid()
    assert demo.end() == ExitCode.OK
    assert_gone(places, pid)
    assert re.findall(r"^   exit (\d+) ", demo.text, re.MULTILINE) == ["18", "0", "0", "0"]
    _, refused, migrated, repeated, shown = re.split(r"^\d\. ", demo.text, flags=re.MULTILINE)
    assert re.search(r"^REFUSED 18 NO_WAY_BACK: .* stopped 31h .*untouched$", refused, re.MULTILINE)
    assert re.search(r"^PASSED 0 OK: 8 applied \(.*\), at 7, ", migrated, re.MULTILINE)
    assert re.search(r"^PASSED 0 OK: .*at 7", repeated, re.MULTILINE)
    assert "nothing pending" in repeated
    assert not re.search(r"^  . (lock|backup) ", repeated, re.MULTILINE)
    assert len(re.findall(r"\| Success +\|", shown)) == 8
    assert "\x1b" not in demo.text


def test_demo_ends_when_an_act_goes_wrong(start: Start, tmp_path: Path) -> None:
    """A migration that fails fails the demo, with the log of the command, and cleans up."""
    (tmp_path / "V1__broken.sql").write_text("CREATE TABLE t (id int);\nSELECT nothing FROM t;\n")
    demo = start("--migrations", str(tmp_path))
    demo.wait_for(FIRST_ACT)
    places, pid = demo.places(), demo.server_pid()
    assert demo.end() == ExitCode.BUG
    assert_gone(places, pid)
    assert '"event": "run.finished"' in demo.text
    last = demo.text.splitlines()[-1]
    assert last.startswith("presync demo: presync run ended with 20, and the demo expects 0 OK. ")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name
)
def test_stop_signal_ends_the_demo_and_its_server(start: Start, number: signal.Signals) -> None:
    """Stopped in the middle of an act, by whatever means, it still leaves nothing behind."""
    # The demo leaves a SIGHUP alone that its parent ignores, as these tests do under nohup.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    demo = start()
    signal.signal(signal.SIGHUP, before)
    demo.wait_for(FIRST_ACT)
    places, pid = demo.places(), demo.server_pid()
    demo.process.send_signal(number)
    assert demo.end() == ExitCode.INTERRUPTED
    assert_gone(places, pid)
    assert f"{number.name} received" in demo.text.splitlines()[-1]


def test_ctrl_c_while_the_server_is_made_ends_the_demo(start: Start) -> None:
    """A terminal signals the whole process group; the server's programs are not in it."""
    demo = start()
    demo.wait_for("Starting")
    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.end() == ExitCode.INTERRUPTED
    assert demo.text.splitlines()[-1] == "presync demo: SIGINT received."


def test_missing_samples_are_told_in_one_line(start: Start, tmp_path: Path) -> None:
    """Where there is no checkout, one line says what is missing and where it is found."""
    demo = start("--samples", str(tmp_path))
    assert demo.end() == ExitCode.CONFIG
    assert demo.text == (
        f"presync demo: no recorded pgBackRest repository: {tmp_path}/backup/app/backup.info"
        " does not exist. Run `make demo` in a checkout of presync, which holds all that the"
        " demo needs.\n"
    )
