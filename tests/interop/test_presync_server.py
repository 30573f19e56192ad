"""A forked presync is the process that a started one is."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.interop.presync_server import PresyncServer
from tests.testbed.postgres_server import free_port
from tests.testbed.process import RunningPresync, launch

_LOOK_AROUND = """
import gc, os, signal, sys
print(sorted(os.environ.items()), os.getcwd(), sys.argv[1:], os.readlink("/proc/self/fd/0"))
print(sorted(set(os.listdir("/proc/self/fd"))), sys.stdout.encoding, sys.stderr.encoding)
print([signal.getsignal(number) for number in sorted(signal.valid_signals())])
print(os.getpgid(0), gc.get_threshold(), os.umask(0o22), signal.pthread_sigmask(0, ()))
"""


@pytest.fixture(params=["started", "forked"])
def start(request: pytest.FixtureRequest, presync: PresyncServer) -> Callable[..., RunningPresync]:
    """Return what starts presync in one of the two ways."""
    starters: dict[str, Callable[..., RunningPresync]] = {
        "started": launch,
        "forked": presync.launch,
    }
    return starters[request.param]


@pytest.fixture
def waiting(start: Callable[..., RunningPresync], tmp_path: Path) -> Iterator[RunningPresync]:
    """Return a run that waits for a server that there is not."""
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    running = start(["run"], {"PRESYNC_URL": url}, tmp_path)
    running.wait_for_event("retry.scheduled")
    yield running
    running.close()


def test_same_is_around_both(presync: PresyncServer, tmp_path: Path) -> None:
    """Environment, folder, descriptors, signals: nothing of the server's is left."""
    arguments = ["-n1", "-r1", _LOOK_AROUND]
    ended = []
    for starter in (launch, presync.launch):
        with contextlib.closing(starter(arguments, {"GIVEN": "x"}, tmp_path, "timeit")) as running:
            ended.append(running.wait())
    started, forked = ended
    assert started.exit_code == forked.exit_code == 0, forked.stderr
    assert started.stdout.splitlines()[:-1] == forked.stdout.splitlines()[:-1]
    assert "('GIVEN', 'x')" in forked.stdout


def test_process_is_shown_by_its_own_command_line(waiting: RunningPresync) -> None:
    """Whoever lists the processes finds a run of presync."""
    line = Path(f"/proc/{waiting.process.pid}/cmdline").read_bytes()
    assert line.decode().split("\0")[:4] == [sys.executable, "-m", "hook", "run"]


def test_stop_request_ends_it_in_order(waiting: RunningPresync) -> None:
    """A signal reaches the handler that presync has installed."""
    waiting.send_signal(signal.SIGTERM)
    completed = waiting.wait()
    assert completed.exit_code == ExitCode.INTERRUPTED
    assert completed.report["verdict"].startswith("FAILED 40 INTERRUPTED: SIGTERM")


def test_kill_is_told_as_one(waiting: RunningPresync) -> None:
    """Nothing was said, and the status names the signal."""
    waiting.send_signal(signal.SIGKILL)
    completed = waiting.wait()
    assert (completed.exit_code, completed.stdout) == (-signal.SIGKILL, "")
