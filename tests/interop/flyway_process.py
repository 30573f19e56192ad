"""Real Flyway as a resident process that takes one command after the other."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.interop.flyway_jars import class_path

_SECONDS = 60.0
_JVM = (
    "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FlywayAnswer:
    """What became of one command.

    Attributes:
        error: Flyway's error code, empty when it accepted.
        problems: The error code of each entry that `validate` objects to.
        states: The entries of `info`, in its order.
        log: Flyway's log, for the message of a failed test.
    """

    accepted: bool
    error: str = ""
    message: str = ""
    problems: tuple[str, ...] = ()
    states: tuple[Mapping[str, Any], ...] = ()
    log: tuple[str, ...] = ()


class FlywayProcess:
    """One Flyway version in a JVM of its own."""

    def __init__(self, version: str) -> None:
        """Start the JVM; what it writes to standard error goes to the test's."""
        self.version = version
        self._process = subprocess.Popen(
            ["java", *_JVM, "-cp", class_path(version), "FlywayRunner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def run(
        self, command: str, settings: Mapping[str, str], seconds: float = _SECONDS
    ) -> FlywayAnswer:
        """Run *command* with the FLYWAY_* variables *settings*.

        Raises:
            AssertionError: The JVM died or gave no answer within *seconds*.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(urlencode({"command": command, **settings}) + "\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise AssertionError(f"Flyway {self.version} {command}: no answer") from None
        assert line, f"Flyway {self.version} {command}: the JVM ended"
        return _answer(json.loads(line))

    def close(self) -> None:
        """End the JVM and release its pipes."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def _answer(fields: Mapping[str, Any]) -> FlywayAnswer:
    return FlywayAnswer(
        accepted=fields["accepted"],
        error=fields.get("error", ""),
        message=fields.get("message") or "",
        problems=tuple(fields.get("problems", ())),
        states=tuple(fields.get("states", ())),
        log=tuple(fields["log"]),
    )


@contextmanager
def running_flyway(version: str) -> Iterator[FlywayProcess]:
    """Start Flyway *version* and end it afterwards."""
    flyway = FlywayProcess(version)
    try:
        yield flyway
    finally:
        flyway.close()
