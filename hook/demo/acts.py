"""The acts: real runs of presync, each with the exit code that it has to have."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hook.clock import Interrupt, SystemClock
from hook.errors import DemoFailed, ExitCode, Interrupted
from hook.render.palette import Colour, Palette

_POLL_SECONDS = 0.02
_STOP_SECONDS = 25.0  # presync itself stops within 20
_TOLD_OF_LOG = 4000
# What a process needs to run and to write text; no other setting may reach a run.
_INHERITED = ("COLORTERM", "HOME", "LANG", "NO_COLOR", "PATH", "TERM", "TMPDIR", "TZ")
_INHERITED_PREFIXES = ("COVERAGE_", "LC_", "LD_", "PYTHON")


@dataclass(frozen=True, slots=True)
class Act:
    """One command and what it shows.

    Attributes:
        title: What has happened before, and what to look for.
        command: Of presync.
        expected: The exit code without which the demo has failed.
        consequence: What Argo CD makes of it.
    """

    title: str
    command: str
    expected: ExitCode
    consequence: str


REFUSED = Act(
    "A release with new migrations, but the newest backup is 31 hours old.",
    "run",
    ExitCode.NO_WAY_BACK,
    "Argo CD stops the sync, the old version keeps serving, and the hook's message says:\n"
    "Container migrate for pod shop/db-migration-x7k2p failed with exit code 18"
    " matching FailJob rule at index 1\n"
    "Index 1 is always: refused, database untouched.",
)
MIGRATED = Act(
    "A backup has been taken since. The same release again.",
    "run",
    ExitCode.OK,
    "Argo CD goes on with the sync: the new version starts on the schema that it needs.",
)
REPEATED = Act(
    "The next sync, with nothing to migrate: no lock, no write, no look at the backups.",
    "run",
    ExitCode.OK,
    "Argo CD goes on. This is what a sync costs on most days.",
)
SHOWN = Act(
    "What the schema history says now. Flyway reads and writes the same table.",
    "info",
    ExitCode.OK,
    "",
)


@dataclass(frozen=True, slots=True)
class Theatre:
    """Where acts are played.

    Attributes:
        folder: Of the demo's own, the working directory of each command.
        settings: Environment of each command.
        tell: Writes lines to the audience, at once.
        interrupt: Ends an act before its time.
    """

    folder: Path
    settings: Mapping[str, str]
    tell: Callable[[str], None]
    palette: Palette
    interrupt: Interrupt

    def play(self, number: int, act: Act) -> None:
        """Announce *act*, let the audience see its output, say what follows from it.

        Raises:
            DemoFailed: It ended with another exit code.
            Interrupted: A stop was requested; the command has ended.
        """
        title = self.palette.paint(f"{number}. {act.title}", Colour.STRONG)
        self.tell(f"\n{title}\n$ presync {act.command}\n")
        with tempfile.TemporaryFile() as log:
            code = self._run(act.command, log)
            if code != act.expected:
                log.seek(0)
                self.tell(log.read()[-_TOLD_OF_LOG:].decode(errors="replace"))
                raise DemoFailed(f"presync {act.command}", code, act.expected)
        said = [f"exit {code} {act.expected.name}", *act.consequence.splitlines()]
        self.tell("\n" + "\n".join(f"   {line}" for line in said))

    def _run(self, command: str, log: IO[bytes]) -> int:
        """Run presync with its log, which is for machines, out of sight; return the exit code."""
        clock = SystemClock(self.interrupt)
        with subprocess.Popen(  # noqa: S603 - this very program, no shell
            [sys.executable, "-m", "hook", command],
            stdin=subprocess.DEVNULL,
            stderr=log,
            cwd=self.folder,
            env=_inherited_environment() | dict(self.settings),
        ) as process:
            try:
                while process.poll() is None:
                    clock.sleep(_POLL_SECONDS)
            except Interrupted:
                _stop(process)
                raise
            return process.returncode


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _inherited_environment() -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    # The commands run this very code, installed or not.
    own = str(Path(__file__).parents[2])
    inherited["PYTHONPATH"] = os.pathsep.join(filter(None, (own, inherited.get("PYTHONPATH"))))
    return inherited
