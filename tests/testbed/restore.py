"""Do what a run has printed, as somebody who restores would: in a shell, as it stands."""

from __future__ import annotations

import os
import shlex
import subprocess

from tests.testbed.pgbackrest import PgBackRest, PgBackRestFailed
from tests.testbed.postgres_server import PostgresServer

_SECONDS = 180.0


def run_as_printed(tool: PgBackRest, command: str, **environment: str) -> None:
    """Have a shell run *command*; only where the configuration lies is added.

    Raises:
        PgBackRestFailed: It ended with an error.
    """
    account = tool.server.cluster.account
    done = subprocess.run(
        ["sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
        cwd=tool.folder,
        env={
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "TZ": "America/New_York",
            "PGBACKREST_CONFIG": str(tool.folder / "pgbackrest.conf"),
            **environment,
        },
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise PgBackRestFailed(f"{command} ended with {done.returncode}:\n{done.stdout}")


def start_restored(tool: PgBackRest, server: PostgresServer) -> None:
    """Start *server*, whose recovery finds the configuration as the restore did."""
    cluster = server.cluster
    options = ("-w", "-D", cluster.data, "-l", cluster.folder / "log")
    place = f"-p {server.port} -k {cluster.folder}"
    words = (cluster.programs / "pg_ctl", "start", *options, "-o", place)
    # Whatever the server inherits of the output would never be closed.
    run_as_printed(tool, f"{shlex.join(map(str, words))} >/dev/null 2>&1")
