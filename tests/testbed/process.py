"""presync as a child process: its exit code, output and events."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

ROOT = Path(__file__).parents[2]
_SECONDS = 120.0

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completed:
    """A presync process that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def events(self) -> list[Event]:
        """Return the log; a line that is not JSON is an error, as it is a promise."""
        return [json.loads(line) for line in self.stderr.splitlines()]

    def events_named(self, name: str) -> list[Event]:
        """Return the events *name*, in order."""
        return [event for event in self.events if event["event"] == name]

    @property
    def report(self) -> Event:
        """Return standard output as one JSON object."""
        report: Event = json.loads(self.stdout)
        return report


def has_ended(pid: int) -> bool:
    """Tell whether no process has *pid*, or only one that nobody has waited for."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def command_lines() -> Mapping[int, str]:
    """Return what each process of the machine was started with, each argument ended by a NUL."""
    lines: dict[int, str] = {}
    processes = (entry for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    for process in processes:
        # One that ends meanwhile has no file at first, and then one that cannot be read.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines[int(process.name)] = (process / "cmdline").read_text(errors="replace")
    return lines


class ChildProcess(Protocol):
    """What is asked of a process, as `subprocess.Popen` answers it."""

    pid: int
    stdout: IO[str] | None
    stderr: IO[str] | None

    def poll(self) -> int | None:
        """Return the exit code, none as long as it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, waiting for it."""

    def send_signal(self, sig: int) -> None:
        """Send the signal *sig*."""

    def kill(self) -> None:
        """Send SIGKILL."""


class RunningPresync:
    """A presync process under way; its log is read while it is written."""

    def __init__(self, process: ChildProcess) -> None:
        """Start reading the output of *process*."""
        self.process = process
        self._lines: list[str] = []
        self._stdout: list[str] = []
        self._changed = threading.Condition()
        self._closed = False
        self._readers = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read_stderr, self._read_stdout)
        ]
        for reader in self._readers:
            reader.start()

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        self._stdout.append(self.process.stdout.read())

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_for_event(
        self, name: str, seconds: float = _SECONDS, matching: Mapping[str, object] | None = None
    ) -> Event:
        """Return the first event *name* with the fields *matching*, waiting for it.

        Raises:
            AssertionError: The process ended or *seconds* passed without it.
        """

        def found() -> Event | None:
            return self._find(name, matching or {})

        with self._changed:
            self._changed.wait_for(lambda: self._closed or found() is not None, seconds)
            event = found()
        assert event is not None, f"no event {name} {matching} in:\n{''.join(self._lines)}"
        return event

    def has_told(self, name: str, matching: Mapping[str, object] | None = None) -> bool:
        """Tell whether there was an event *name* with the fields *matching* by now."""
        with self._changed:
            return self._find(name, matching or {}) is not None

    def _find(self, name: str, matching: Mapping[str, object]) -> Event | None:
        wanted = {"event": name, **matching}.items()
        events = (json.loads(line) for line in self._lines)
        return next((event for event in events if wanted <= event.items()), None)

    def send_signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def wait(self, seconds: float = _SECONDS) -> Completed:
        """Return the ended process; one that does not end in *seconds* is an error."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return Completed(code, "".join(self._stdout), "".join(self._lines))

    def close(self) -> None:
        """Kill the process if it still runs, and release its pipes."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


def launch(
    arguments: Sequence[str], env: Mapping[str, str], home: Path, module: str = "hook"
) -> RunningPresync:
    """Start ``python -m`` *module* in *home* with nothing but *env* around it.

    Nothing of the caller's environment reaches it, no ``~/.pgpass`` and no
    ``./migrations`` either: what a test does not give does not exist.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=home,
        env=child_environment(home) | dict(env),
    )
    return RunningPresync(process)


def child_environment(home: Path) -> dict[str, str]:
    """Return what is around every presync of a test, *home* being its home."""
    inherited = ("COVERAGE_PROCESS_START", "COVERAGE_FILE")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        # botocore would look for an instance's metadata on the network.
        "AWS_EC2_METADATA_DISABLED": "true",
    } | {name: os.environ[name] for name in inherited if name in os.environ}
