"""The long-running programs of a cluster, each with its output in a file."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SECONDS_TO_START = 180.0
_SECONDS_TO_STOP = 20.0
_LINES = 30


class ProgramFailed(Exception):
    """A program ended that should go on, or did not become ready."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was started."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def end_of_log(self) -> str:
        """Return the last lines that it wrote."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LINES:]
        return "\n".join([f"--- {self.name}:", *lines])


@dataclass(frozen=True, slots=True)
class Programs:
    """All that were started, in order, with their logs in *folder*."""

    folder: Path
    started: list[Program] = field(default_factory=list)

    def start(self, *command: str | Path) -> None:
        """Start *command* and go on."""
        name = Path(command[0]).name
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder
            )
        self.started.append(Program(name, process, log))

    def wait_until(self, is_ready: Callable[[], bool], what: str) -> None:
        """Wait until *is_ready*; *what* says in an error what was waited for.

        Raises:
            ProgramFailed: A program ended meanwhile, or it took too long.
        """
        end = time.monotonic() + _SECONDS_TO_START
        while not is_ready():
            self.check()
            if time.monotonic() > end:
                raise ProgramFailed(f"no {what} after {_SECONDS_TO_START:.0f} s\n{self.logs()}")
            time.sleep(0.1)

    def check(self) -> None:
        """See that every program still runs.

        Raises:
            ProgramFailed: One does not; the message has the end of its log.
        """
        for program in self.started:
            code = program.process.poll()
            if code is not None:
                raise ProgramFailed(f"{program.name} ended with {code}\n{program.end_of_log()}")

    def logs(self) -> str:
        """Return the end of every log."""
        return "\n".join(program.end_of_log() for program in self.started)

    def stop(self) -> None:
        """Stop them all, the last one first; kill what does not stop."""
        for program in reversed(self.started):
            program.process.terminate()
            try:
                program.process.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                program.process.kill()
                program.process.wait()


@contextlib.contextmanager
def running_programs(folder: Path) -> Iterator[Programs]:
    """Yield the place to start programs in; they are stopped at the end."""
    programs = Programs(folder)
    try:
        yield programs
    finally:
        programs.stop()
