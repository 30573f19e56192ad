"""Runs a program of the user's own, and lets it take neither time, memory nor secrets.

It has a process group of its own, which is killed as a whole when it has ended, when its time
is over and when this process ends before it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from hook.core.reporting.redaction import Redactor
from hook.core.text import one_line
from hook.errors import BackupUnknown
from hook.settings.secrets import is_secret_name

OUTPUT_LIMIT = 8 * 2**20
_TAIL = 4096
_TOLD_LENGTH = 300
_CHUNK = 2**16
_POLL_SECONDS = 0.01
_LOGIN = re.compile(r"://[^/\s@]+@")
# How the database is reached is no business of a backup command, and least of all the password.
_OURS = ("PRESYNC_", "FLYWAY_", "POSTGRES_", "PG")
_THEIRS = "PGBACKREST_"
_DATABASE = "DATABASE_URL"


class _TimeIsOver(Exception):
    """The program did not end in time."""


def run_bounded_command(arguments: Sequence[str], timeout: timedelta) -> bytes:
    """Return what the program printed.

    Raises:
        BackupUnknown: It could not be started, failed, took too long or printed too much.
    """
    environment = passed_on(os.environ)
    program = arguments[0]
    ends_at = time.monotonic() + timeout.total_seconds()
    try:
        process = _GROUPS.start(arguments, environment)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BackupUnknown(
            f"the command {program} cannot be started: {reason}",
            "Correct the path in PRESYNC_BACKUP_SOURCE, or add the program to the image.",
        ) from error
    try:
        output, tail = _read(process, program, ends_at)
        _await_end(process.pid, ends_at)
    except _TimeIsOver:
        raise BackupUnknown(
            f"the command {program} did not end within {timeout.total_seconds():g}s",
            "Run it by hand in this container, and see what it waits for.",
        ) from None
    finally:
        # In this order: as long as nobody has waited for it, its number is nobody else's.
        _GROUPS.kill(process.pid)
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()
        process.wait()
    if process.returncode != 0:
        raise _failed(program, process.returncode, _told(tail, environment))
    return output


class _Groups:
    """The process groups that were started; none outlives this process.

    The thread that waits for a program is given up at a stop request, so the end of the
    process is where they are killed.
    """

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._changing = threading.Lock()
        atexit.register(self._kill_all)

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program as the first of a group of its own."""
        with self._changing:
            process = subprocess.Popen(  # noqa: S603 - the operator named it; no shell reads it
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
            self._running.add(process.pid)
        return process

    def kill(self, pid: int) -> None:
        """Kill the group of *pid*, for which nobody has waited yet."""
        with self._changing:
            self._running.discard(pid)
            _kill_group(pid)

    def _kill_all(self) -> None:
        # Kept to the end: what is being started is waited for, and nothing starts after it.
        self._changing.acquire()
        for pid in self._running:
            _kill_group(pid)


def _kill_group(pid: int) -> None:
    # One that changed its user, as sudo does, is nobody's to kill.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


_GROUPS = _Groups()


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of *environment* a command gets to see."""
    return {
        name: value
        for name, value in environment.items()
        if name != _DATABASE and (not name.startswith(_OURS) or name.startswith(_THEIRS))
    }


def _read(process: subprocess.Popen[bytes], program: str, ends_at: float) -> tuple[bytes, bytes]:
    """Return all of the output and the end of the error output, read side by side."""
    output, tail = bytearray(), b""
    for pipe, chunk in _chunks(process, ends_at):
        if pipe is not process.stdout:
            tail = (tail + chunk)[-_TAIL:]
            continue
        output += chunk
        if len(output) > OUTPUT_LIMIT:
            raise BackupUnknown(
                f"the command {program} prints more than {OUTPUT_LIMIT // 2**20} MiB",
                "Let it print one JSON document about the backups and nothing else.",
            )
    return bytes(output), tail


def _chunks(process: subprocess.Popen[bytes], ends_at: float) -> Iterator[tuple[object, bytes]]:
    """Yield what comes out of both pipes, until both are at their end."""
    with selectors.DefaultSelector() as selector:
        for pipe in filter(None, (process.stdout, process.stderr)):
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, ends_at - time.monotonic()))
            if not ready or time.monotonic() > ends_at:
                raise _TimeIsOver
            yield from ((key.fileobj, _take(selector, key)) for key, _ in ready)


def _take(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bytes:
    """Return what is there, and watch a pipe no longer that is at its end."""
    chunk = os.read(key.fd, _CHUNK)
    if not chunk:
        selector.unregister(key.fileobj)
    return chunk


def _await_end(pid: int, ends_at: float) -> None:
    """Wait until the program has ended, and leave its exit status to be asked for."""
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while os.waitid(os.P_PID, pid, options) is None:
        if time.monotonic() > ends_at:
            raise _TimeIsOver
        time.sleep(_POLL_SECONDS)


def _failed(program: str, code: int, told: str) -> BackupUnknown:
    end = (
        f"was ended by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit status {code}"
    )
    return BackupUnknown(
        f"the command {program} {end}: {told or 'it told no reason'}",
        "Run it by hand in this container.",
    )


def _told(tail: bytes, environment: Mapping[str, str]) -> str:
    """Return the end of the error output on one line, without what looks like a secret."""
    secrets = [value for name, value in environment.items() if is_secret_name(name)]
    text = _LOGIN.sub("://***@", tail.decode(errors="replace"))
    lines = [line.strip() for line in Redactor(secrets).text(text).splitlines()]
    text = one_line(" / ".join(filter(None, lines)))
    return text if len(text) <= _TOLD_LENGTH else f"…{text[-_TOLD_LENGTH:]}"
