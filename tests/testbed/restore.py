"""Do what a run has printed, as somebody who restores would: in a shell, as it stands."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from hook.demo.programs import Account
from tests.testbed.postgres_server import PostgresServer

_SECONDS = 180.0


class Restorer(Protocol):
    """A backup tool of a server, as somebody who restores has set it up."""

    @property
    def server(self) -> PostgresServer:
        """Return the server that it backs up."""

    @property
    def folder(self) -> Path:
        """Return a folder of the account of the server."""

    def environment(self, repo: int = 1, **more: str) -> Mapping[str, str]:
        """Return what presync is told of the server and of the place *repo*."""

    def shell(self) -> Mapping[str, str]:
        """Return the variables in which the tool finds its configuration."""


class LineFailed(Exception):
    """A line ended with an error.

    Attributes:
        status: Its exit status.
        said: What it wrote.
    """

    def __init__(self, line: str, status: int, said: str) -> None:
        super().__init__(f"{line} ended with {status}:\n{said}")
        self.status = status
        self.said = said


def run_line(
    line: str, folder: Path, environment: Mapping[str, str], account: Account | None = None
) -> str:
    """Have a shell run *line* in *folder*, as *account* or whoever runs the test.

    Raises:
        LineFailed: It ended with an error.
    """
    done = subprocess.run(
        ["sh", "-c", line],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "TZ": "America/New_York",
            **environment,
        },
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise LineFailed(line, done.returncode, done.stdout)
    return done.stdout


def run_as_printed(tool: Restorer, command: str, **environment: str) -> None:
    """Have a shell run *command*; only where the configuration lies is added.

    Raises:
        LineFailed: It ended with an error.
    """
    account = tool.server.cluster.account
    run_line(command, tool.folder, {**tool.shell(), **environment}, account)


def start_restored(tool: Restorer, server: PostgresServer) -> None:
    """Start *server*, whose recovery finds the configuration as the restore did."""
    cluster = server.cluster
    options = ("-w", "-D", cluster.data, "-l", cluster.folder / "log")
    place = f"-p {server.port} -k {cluster.folder}"
    words = (cluster.programs / "pg_ctl", "start", *options, "-o", place)
    # Whatever the server inherits of the output would never be closed.
    run_as_printed(tool, f"{shlex.join(map(str, words))} >/dev/null 2>&1")
