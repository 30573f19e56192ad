"""presync as a child of a process that has its modules loaded already.

Run as a program it takes one request at a time from the socket at its standard input and
runs presync in a fork of itself. Each run is a process, with an environment, a folder,
signals and an exit status of its own, as with ``python -m hook``, for a tenth of its price:
hundreds of runs are compared with Flyway, and hundreds are struck by a fault.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.testbed.process import Completed, RunningPresync, child_environment

# Programs, and what presync itself imports only where it is needed.
_NOT_PRELOADED = ("hook.__main__", "hook.catalogs.rds", "hook.catalogs.s3", "hook.demo")
_LARGEST_REQUEST = 1 << 17
_LONGEST_STATUS = 16
# In the line of a process in /proc, behind its name: proc(5) counts from 1, two lie in front.
_ARGUMENTS_BEGIN = 48 - 3


class ForkedProcess:
    """A process of the server's, to be handled like one of ours."""

    def __init__(self, told: socket.socket, stdout: IO[str], stderr: IO[str]) -> None:
        """Wait until it is there; the server tells by *told*, first its number, then its end."""
        self._told = told
        self._code: int | None = None
        self.stdout: IO[str] | None = stdout
        self.stderr: IO[str] | None = stderr
        self.pid = int(told.recv(_LONGEST_STATUS))

    def poll(self) -> int | None:
        """Return the exit code, that of a kill negative, none as long as it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, see `poll`.

        Raises:
            TimeoutExpired: It still runs after *timeout* seconds.
        """
        if self._code is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("presync", timeout or 0)
            self._code = int(self._told.recv(_LONGEST_STATUS))
            self._told.close()
        return self._code

    def send_signal(self, sig: int) -> None:
        """Send the signal *sig*, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """End it as nothing else does."""
        self.send_signal(signal.SIGKILL)


class PresyncServer:
    """A running server. Not for use by several threads."""

    def __init__(self, home: Path) -> None:
        """Start it with nothing around: *home* is an empty folder."""
        self._home = home
        self._control, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with end:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.interop.presync_server"],
                stdin=end.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=home,
                env=child_environment(home),
            )

    def launch(
        self, arguments: Sequence[str], env: Mapping[str, str], home: Path, module: str = "hook"
    ) -> RunningPresync:
        """Start presync as `tests.testbed.process.launch` does."""
        told, teller = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
        environment = child_environment(home) | dict(env)
        request = {"module": module, "arguments": arguments, "environment": environment}
        message = json.dumps({**request, "folder": str(home)}).encode()
        socket.send_fds(self._control, [message], [to_stdout, to_stderr, teller.fileno()])
        os.close(to_stdout)
        os.close(to_stderr)
        teller.close()
        outputs = (os.fdopen(each, encoding="utf-8") for each in (stdout, stderr))
        return RunningPresync(ForkedProcess(told, *outputs))

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Completed:
        """Run presync to its end with nothing but *environment* around it."""
        with contextlib.closing(self.launch(arguments, environment, self._home)) as running:
            return running.wait()

    def close(self) -> None:
        """End the server."""
        self._control.close()
        self._process.wait()


@contextmanager
def running_presync_server() -> Iterator[PresyncServer]:
    """Start a server and end it afterwards."""
    with tempfile.TemporaryDirectory() as home:
        server = PresyncServer(Path(home))
        try:
            yield server
        finally:
            server.close()


def _serve(control: socket.socket) -> None:
    _preload()
    gc.freeze()  # collections in the children leave the pages shared
    with selectors.DefaultSelector() as waiting:
        waiting.register(control, selectors.EVENT_READ)
        while control in waiting.get_map():
            for key, _ in waiting.select():
                act = _take if key.data is None else _tell_end
                act(waiting, key)


def _take(waiting: selectors.BaseSelector, control: selectors.SelectorKey) -> None:
    """Begin what is asked for; leave when nobody can ask for anything any more."""
    with socket.socket(fileno=os.dup(control.fd)) as asking:
        message, ends, _, _ = socket.recv_fds(asking, _LARGEST_REQUEST, 3)
    if message:
        child, told = _begin(json.loads(message), *ends)
        waiting.register(os.pidfd_open(child), selectors.EVENT_READ, (child, told))
    else:
        waiting.unregister(control.fd)


def _begin(request: Mapping[str, Any], stdout: int, stderr: int, told: int) -> tuple[int, int]:
    child = os.fork()
    if not child:
        _become_presync(request, stdout, stderr)
    os.close(stdout)
    os.close(stderr)
    os.write(told, str(child).encode())
    return child, told


def _tell_end(waiting: selectors.BaseSelector, ended: selectors.SelectorKey) -> None:
    waiting.unregister(ended.fd)
    os.close(ended.fd)
    child, told = ended.data
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):  # nobody waits for it any more
        os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(told)


def _preload() -> None:
    package = importlib.import_module("hook")
    for module in pkgutil.walk_packages(package.__path__, "hook."):
        if not module.name.startswith(_NOT_PRELOADED):
            importlib.import_module(module.name)


def _become_presync(request: Mapping[str, Any], stdout: int, stderr: int) -> NoReturn:
    arguments: list[str] = request["arguments"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    # Of the server's own: a peer must hear that what a run has open is closed.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["", *arguments]
    _call_oneself([sys.executable, "-m", request["module"], *arguments])
    code: object = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - told as Python tells what nobody catches
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


def _call_oneself(words: Sequence[str]) -> None:
    """Let ``ps`` show *words*, as far as they are no longer than those of the server."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = (int(each) for each in fields[_ARGUMENTS_BEGIN : _ARGUMENTS_BEGIN + 2])
    line = "\0".join(words).encode()[: end - begin - 1]
    ctypes.memmove(begin, line.ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    _serve(socket.socket(fileno=0))
