"""presync as a child of a process that has its modules loaded already.

Run as a program it reads one JSON object per line, ``arguments`` and ``environment``,
runs presync in a fork of itself, and answers with exit code and output. Each run is
a process with an environment of its own, as with ``python -m hook``, for a tenth of
its price; hundreds of runs are compared with Flyway.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from tests.testbed.process import ROOT, Completed

# Programs, and what presync itself imports only where it is needed.
_NOT_PRELOADED = ("hook.__main__", "hook.catalogs")


class PresyncServer:
    """A running server. Not for use by several threads."""

    def __init__(self, home: Path) -> None:
        """Start it with nothing around: *home* is an empty folder."""
        self._home = home
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.interop.presync_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=home,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": str(ROOT),
                "LANG": "C.UTF-8",
            },
        )

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Completed:
        """Run presync to its end with nothing but *environment* around it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        around = {"PATH": os.defpath, "HOME": str(self._home), "LANG": "C.UTF-8"}
        request = {"arguments": arguments, "environment": around | dict(environment)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the server of presync processes ended"
        return Completed(**json.loads(answer))

    def close(self) -> None:
        """End the server."""
        assert self._process.stdout is not None
        self._process.communicate()


@contextmanager
def running_presync_server() -> Iterator[PresyncServer]:
    """Start a server and end it afterwards."""
    with tempfile.TemporaryDirectory() as home:
        server = PresyncServer(Path(home))
        try:
            yield server
        finally:
            server.close()


def _serve() -> None:
    _preload()
    gc.freeze()  # collections in the children leave the pages shared
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            child = os.fork()
            if not child:
                _become_presync(request["arguments"], request["environment"], stdout, stderr)
            _, status = os.waitpid(child, 0)
            answer = {
                "exit_code": os.waitstatus_to_exitcode(status),
                "stdout": _text(stdout),
                "stderr": _text(stderr),
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _preload() -> None:
    package = importlib.import_module("hook")
    for module in pkgutil.walk_packages(package.__path__, "hook."):
        if not module.name.startswith(_NOT_PRELOADED):
            importlib.import_module(module.name)


def _become_presync(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["presync", *arguments]
    code: object = 0
    try:
        importlib.import_module("hook.cli").main()
    except SystemExit as end:
        code = end.code
    # Taking the interpreter down in order costs more than most commands do.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode()


if __name__ == "__main__":
    _serve()
