"""A terminal with a process in it, and what a person sees there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyte

from tests.testbed.process import child_environment
from tests.testbed.run_context import eventually

# So many that nothing scrolls away.
ROWS = 80
_SECONDS = 60.0
# Runs a program as a shell would: the terminal controls it, so that ^C reaches it.
_CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A terminal of *columns*, whose process is *arguments*; see `on_terminal`."""

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], home: Path, columns: int
    ) -> None:
        """Start the process, with nothing but *env* around it."""
        self._master, slave = pty.openpty()
        self._screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._written = bytearray()
        self.resize(columns)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CONTROLLED, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home,
            env=child_environment(home) | {"TERM": "xterm"} | dict(env),
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # Linux tells the end of a terminal by an error, others by an empty read.
        with contextlib.suppress(OSError):
            while piece := os.read(self._master, 4096):
                with self._lock:
                    self._written += piece
                    self._stream.feed(piece)

    @property
    def written(self) -> str:
        """Return everything that was written so far, as it was written."""
        with self._lock:
            return self._written.decode()

    @property
    def rows(self) -> list[str]:
        """Return what is to be seen now, without what is empty."""
        with self._lock:
            shown = [row.rstrip() for row in self._screen.display]
        return [row for row in shown if row]

    def wait_for(self, condition: Callable[[str], bool]) -> str:
        """Return the last row as soon as *condition* holds for it."""
        found = [""]

        def is_there() -> bool:
            found[0] = next(reversed(self.rows), "")
            assert self.process.poll() is None, self.rows
            return condition(found[0])

        try:
            eventually(is_there)
        except AssertionError as error:
            raise AssertionError(self.rows) from error
        return found[0]

    def resize(self, columns: int) -> None:
        """Make the window *columns* wide."""
        size = struct.pack("HHHH", ROWS, columns, 0, 0)
        with self._lock:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)
            self._screen.resize(ROWS, columns)

    def press(self, keys: bytes) -> None:
        """Press *keys*."""
        os.write(self._master, keys)

    def wait(self) -> int:
        """Return the exit code, after everything was written."""
        code = self.process.wait(_SECONDS)
        self._reader.join(_SECONDS)
        return code

    def close(self) -> None:
        """Kill the process if it still runs, and close the window."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        os.close(self._master)


@contextlib.contextmanager
def on_terminal(
    arguments: Sequence[str], env: Mapping[str, str], home: Path, columns: int = 400
) -> Iterator[Terminal]:
    """Yield a terminal in which the program *arguments* runs."""
    terminal = Terminal(arguments, env, home, columns)
    try:
        yield terminal
    finally:
        terminal.close()
