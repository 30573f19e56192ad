"""The two tools behind one face: a command and settings in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.interop.flyway_process import FlywayProcess
from tests.interop.presync_server import PresyncServer

State = tuple[str, ...]

# Of an entry of `info`, under the names that both have in their JSON. What can be undone is
# aside: OSS Flyway does not know undo scripts.
_COLUMNS = ("category", "version", "description", "type", "state", "installedBy")

# What `info` shows of a migration set that it cannot read.
REFUSED: tuple[State, ...] = (("refused",),)

_PRESYNC_COMMANDS = {
    "migrate": ("run",),
    "validate": ("validate",),
    "info": ("info",),
    "repair": ("repair", "--yes"),
    "baseline": ("baseline", "--yes"),
}
# Flyway remembers no failure; both are to run what is refused a second time.
_PRESYNC_SETTINGS = {"PRESYNC_BACKUP_SOURCE": "none", "PRESYNC_FAILURE_MEMORY": "0s"}
# Its open-source edition does not know them, and passes over what it does not know.
_SOLD = frozenset({"FLYWAY_CHERRY_PICK"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a tool answered.

    Attributes:
        code: Flyway's error code or presync's exit code, empty when it accepted.
        said: Log and messages, for the reader of a failed test.
    """

    tool: str
    accepted: bool
    code: str
    said: str
    problems: tuple[str, ...] = ()


class Actor(Protocol):
    """A tool that can take a turn.

    Attributes:
        tool: ``flyway`` or ``presync``.
        name: The same with the version, where there are several.
    """

    tool: str
    name: str

    def run(self, command: str, settings: Mapping[str, str]) -> Verdict:
        """Run *command* and return its verdict."""
        ...

    def states(self, settings: Mapping[str, str]) -> tuple[State, ...]:
        """Return the columns of each entry of `info`, in order."""
        ...


class FlywayActor:
    """Real Flyway."""

    tool = "flyway"

    def __init__(self, process: FlywayProcess) -> None:
        """Speak to *process*."""
        self.name = f"flyway {process.version}"
        self._process = process

    def run(self, command: str, settings: Mapping[str, str]) -> Verdict:
        """Run *command* and return its verdict."""
        answer = self._process.run(command, _flyway_only(settings))
        said = "\n".join((*answer.log, answer.message))
        return Verdict(self.tool, answer.accepted, answer.error, said, answer.problems)

    def states(self, settings: Mapping[str, str]) -> tuple[State, ...]:
        """Return the columns of each entry of `info`, in order."""
        answer = self._process.run("info", _flyway_only(settings))
        return tuple(_state(entry) for entry in answer.states) if answer.accepted else REFUSED


class PresyncActor:
    """presync."""

    tool = name = "presync"

    def __init__(self, server: PresyncServer) -> None:
        """Start presync through *server*."""
        self._server = server

    def run(self, command: str, settings: Mapping[str, str]) -> Verdict:
        """Run *command* and return its verdict."""
        done = self._server.run(_PRESYNC_COMMANDS[command], {**_PRESYNC_SETTINGS, **settings})
        accepted = done.exit_code == 0
        code = "" if accepted else str(done.exit_code)
        said = [f"{event['level']} {event['message']}" for event in done.events]
        return Verdict(self.tool, accepted, code, "\n".join(said))

    def states(self, settings: Mapping[str, str]) -> tuple[State, ...]:
        """Return the columns of each entry of `info`, in order."""
        done = self._server.run(_PRESYNC_COMMANDS["info"], {**_PRESYNC_SETTINGS, **settings})
        accepted = done.exit_code == 0
        return tuple(_state(entry) for entry in done.report["migrations"]) if accepted else REFUSED


def _flyway_only(settings: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in settings.items()
        if name.startswith("FLYWAY_") and name not in _SOLD
    }


def _state(entry: Mapping[str, Any]) -> State:
    return tuple(entry[key] or "" for key in _COLUMNS)
