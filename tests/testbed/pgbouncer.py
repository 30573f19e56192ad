"""A real pgbouncer in front of a server."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from hook.demo.programs import server_account
from tests.testbed.postgres_server import PostgresServer, free_port
from tests.testbed.run_context import eventually

# Debian keeps it where the PATH of an ordinary user does not look.
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
_CONFIGURATION = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
{settings}
"""


@contextlib.contextmanager
def running_pgbouncer(server: PostgresServer, **settings: str) -> Iterator[int]:
    """Run pgbouncer with *settings* in front of *server*; yield its port.

    Raises:
        FileNotFoundError: It is not installed.
    """
    program = shutil.which("pgbouncer", path=_PLACES)
    if program is None:
        raise FileNotFoundError("pgbouncer is not installed: apt-get install pgbouncer")
    # It refuses to run as root, as the server does.
    account = server_account()
    with tempfile.TemporaryDirectory(prefix="presync-pgbouncer-", dir="/tmp") as name:
        folder, listen = Path(name), free_port()
        lines = "\n".join(f"{key} = {value}" for key, value in settings.items())
        (folder / "ini").write_text(
            _CONFIGURATION.format(
                host=server.host, port=server.port, listen=listen, folder=folder, settings=lines
            )
        )
        (folder / "users").write_text(f'"{server.superuser}" ""\n')
        folder.chmod(0o777)
        pooler = subprocess.Popen(
            [program, "-q", folder / "ini"],
            stdin=subprocess.DEVNULL,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        try:
            eventually(lambda: _answers(server, listen))
            yield listen
        finally:
            pooler.kill()
            pooler.wait()


def _answers(server: PostgresServer, port: int) -> bool:
    try:
        psycopg.connect(server.conninfo(), port=port).close()
    except psycopg.OperationalError:
        return False
    return True
