"""A password is shown by no command, wherever somebody may look; `run` has its own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hook.commands import DEFAULT_COMMAND, SHAPES
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.deployment import Deployment
from tests.testbed.process import child_environment
from tests.testbed.refusal import CANARY, S3_CANARY, Attempt

OK = ExitCode.OK
# A history of its own, as the other one was begun long ago.
_BASELINE = {"FLYWAY_TABLE": "another_history"}
# `check` starts a program to learn of backups; that this one tells of none stops nobody.
_OWN_PROGRAM = {
    "PRESYNC_BACKUP_SOURCE": "command:echo nothing",
    "PRESYNC_BACKUP_POLICY": "warn",
    "PRESYNC_ARCHIVE_POLICY": "warn",
    "PRESYNC_MARKER_POLICY": "off",
}
OFFLINE = ("lint", "digest")
COMMANDS = (
    *("check", "plan", "plan --sql", "info", "info --runs", "validate", "verify"),
    *("repair", "repair --yes", "baseline", "baseline --yes", "config", *OFFLINE),
)
# One process for all of them: a start costs more than what they do. It takes down the command
# line of every process that it starts, however soon that one ends. Their environment is theirs.
_CARRY_OUT = """
import json, os, sys
from hook.cli import execute
from hook.clock import Interrupt

STARTS = {"subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"}
started = open("started", "w")

def note(event, given):
    if event in STARTS:
        print(repr(given[:2]), file=started)

sys.addaudithook(note)
interrupt = Interrupt()
codes = []
for folder, arguments, environment in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(f"{folder}/{name}", os.O_CREAT | os.O_WRONLY), number)
    codes.append(execute(arguments, environment, interrupt))
    sys.stdout.flush()
started.close()
json.dump(codes, open("codes", "w"))
"""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the commands find.

    Attributes:
        env: How the database is named, of the role and its password.
        code: The end of those that ask the database.
        config: The end of `config`, which reads the settings and asks nobody.
        more: Ends that are others.
    """

    env: Callable[[Deployment, Role], Mapping[str, str]]
    code: ExitCode
    config: ExitCode = OK
    more: Mapping[str, ExitCode] = field(default_factory=dict)

    def expected(self, command: str) -> ExitCode:
        """Return how *command* ends."""
        if command in OFFLINE:
            return OK
        return self.more.get(command, self.config if command == "config" else self.code)


def _right(deployment: Deployment, role: Role) -> dict[str, str]:
    return {"PRESYNC_URL": deployment.database.url_for(role)}


def _wrong_password(deployment: Deployment, role: Role) -> dict[str, str]:
    return _right(deployment, Role(role.name, f"{CANARY}-wrong"))


def _no_database(deployment: Deployment, role: Role) -> dict[str, str]:
    server = deployment.database.server
    return {"PRESYNC_URL": server.url("no-such-shop", role.name, CANARY)}


def _no_server(_: Deployment, role: Role) -> dict[str, str]:
    place = {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "1", "POSTGRES_DB": "shop"}
    login = {"POSTGRES_USER": role.name, "POSTGRES_PASSWORD": CANARY}
    return {"PRESYNC_URL": "", **place, **login}


def _unreadable_url(_: Deployment, role: Role) -> dict[str, str]:
    return {"PRESYNC_URL": f"postgresql://{role.name}:{CANARY}@x@nowhere/shop"}


SITUATIONS = {
    "all is well": Situation(_right, OK, more={"verify": ExitCode.NOT_YET}),
    "wrong password": Situation(_wrong_password, ExitCode.AUTH),
    "no such database": Situation(_no_database, ExitCode.CONFIG),
    "no server": Situation(_no_server, ExitCode.UNREACHABLE),
    "URL that cannot be read": Situation(_unreadable_url, ExitCode.CONFIG, ExitCode.CONFIG),
}


def test_all_commands_are_looked_at() -> None:
    """One that is added has to keep the secret as well."""
    elsewhere = {DEFAULT_COMMAND, "demo"}
    assert {command.split()[0] for command in COMMANDS} | elsewhere == {
        *(shape.name for shape in SHAPES),
        "demo",
    }


@pytest.mark.parametrize("name", SITUATIONS)
def test_no_command_shows_a_password(name: str, attempt: Attempt, tmp_path: Path) -> None:
    """Output, log, report, termination message, and the command lines of programs it starts."""
    situation = SITUATIONS[name]
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    works = [
        _Work(tmp_path / f"{number}-{form}", command, form)
        for form in ("json", "text")
        for number, command in enumerate(COMMANDS)
    ]
    for work in works:
        work.folder.mkdir()
    env = _environment(attempt, situation)
    codes = _carry_out([work.order(env) for work in works], tmp_path)
    given = dict(zip(((work.command, work.form) for work in works), codes, strict=True))
    assert given == {(work.command, work.form): situation.expected(work.command) for work in works}
    for work in works:
        work.assert_silent()
    started = (tmp_path / "started").read_text()
    assert ("'echo'" in started) == (situation.code is OK)
    assert CANARY not in started
    assert S3_CANARY not in started


@dataclass(frozen=True, slots=True)
class _Work:
    """A command, and where all that it says is kept."""

    folder: Path
    command: str
    form: str

    def order(self, env: Mapping[str, str]) -> tuple[str, list[str], dict[str, str]]:
        """Return what the process that carries it out is told."""
        arguments = [*self.command.split(), f"--format={self.form}", f"--log-format={self.form}"]
        places = {
            "PRESYNC_REPORT": str(self.folder / "report"),
            "PRESYNC_TERMINATION_LOG": str(self.folder / "message"),
        }
        more = _BASELINE if self.command.startswith("baseline") else {}
        return str(self.folder), arguments, {**env, **places, **more}

    def assert_silent(self) -> None:
        """Check that nothing of what it says is a secret, and that it says something."""
        told = {path.name: path.read_text() for path in self.folder.iterdir()}
        assert told["stdout"], self.command
        for place, text in told.items():
            for unwanted in (CANARY, S3_CANARY, "Traceback"):
                assert unwanted not in text, (self.command, self.form, place)


def _environment(attempt: Attempt, situation: Situation) -> dict[str, str]:
    deployment = attempt.deployment
    return {
        **child_environment(deployment.folder),
        **deployment.env(),
        **_OWN_PROGRAM,
        "PRESYNC_WAIT_TIMEOUT": "50ms" if situation.code is ExitCode.UNREACHABLE else "120s",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": S3_CANARY,
        **situation.env(deployment, attempt.role),
    }


def _carry_out(orders: list[tuple[str, list[str], dict[str, str]]], folder: Path) -> list[int]:
    """Return how each of *orders* ended."""
    done = subprocess.run(
        [sys.executable, "-c", _CARRY_OUT],
        input=json.dumps(orders),
        env=child_environment(folder) | {"PATH": os.environ.get("PATH", os.defpath)},
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (folder / "stderr", done.stderr)
    codes: list[int] = json.loads((folder / "codes").read_text())
    return codes
