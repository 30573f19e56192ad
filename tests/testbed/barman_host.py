"""The real Barman on a host of its own: it keeps the backups and the WAL of a real cluster."""

from __future__ import annotations

import contextlib
import os
import pwd
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hook.demo.server import SUPERUSER
from tests.testbed.barman_cloud import PROGRAMS
from tests.testbed.postgres_server import PostgresServer, roomy_folder
from tests.testbed.restore import LineFailed, run_line
from tests.testbed.run_context import eventually

SERVER = "shop"
_SECONDS = 180.0
_POLL_SECONDS = 0.2
_CONFIGURATION = """\
[barman]
barman_home = {home}
barman_user = {user}
log_file = {home}/log
[{server}]
description = the shop
conninfo = {conninfo}
backup_method = postgres
archiver = on
"""


def configure_barman(home: Path, conninfo: str, *more: str) -> None:
    """Let Barman keep all in *home*, of one server, for whoever runs the test.

    It takes backups by pg_basebackup, and WAL that the server brings.
    """
    user = pwd.getpwuid(os.getuid()).pw_name
    text = _CONFIGURATION.format(home=home, user=user, server=SERVER, conninfo=conninfo)
    (home / ".barman.conf").write_text(text + "".join(f"{line}\n" for line in more))


def run_barman(line: str, home: Path, **environment: str) -> str:
    """Have a shell run *line* as it stands, and return what it said.

    Raises:
        LineFailed: It ended with an error.
    """
    path = os.pathsep.join((str(PROGRAMS), os.environ["PATH"]))
    return run_line(line, home, {"HOME": str(home), "PATH": path, **environment})


@dataclass(frozen=True, slots=True)
class BarmanHost:
    """Barman for one server, as the account that runs the test; all it keeps is in *home*."""

    server: PostgresServer
    home: Path

    @property
    def incoming(self) -> Path:
        """Return where the server puts its WAL, until Barman takes it from there."""
        return self.home / SERVER / "incoming"

    def environment(self, repo: int = 1, **more: str) -> dict[str, str]:
        """Return what presync is told of the server and of the host; there is one *repo*."""
        assert repo == 1
        return {
            "PRESYNC_URL": self.server.url(),
            "PRESYNC_BACKUP_SOURCE": f"barman:{self.home}",
            "PRESYNC_BACKUP_STANZA": SERVER,
            **more,
        }

    def configure(self) -> None:
        """Let Barman reach the server."""
        conninfo = self.server.conninfo(user=SUPERUSER)
        configure_barman(
            self.home,
            conninfo,
            f"streaming_conninfo = {conninfo}",
            f"path_prefix = {self.server.cluster.programs}",
            "immediate_checkpoint = true",
        )

    def run(self, line: str, **environment: str) -> str:
        """Do what `run_barman` does, on this host."""
        return run_barman(line, self.home, **environment)

    def back_up(self) -> str:
        """Take a full backup and return its name."""
        before = self._labels()
        said = self.run(f"barman backup --wait {SERVER}")
        (label,) = self._labels() - before
        assert f"{label} - " in self.run(f"barman list-backups {SERVER}"), said
        return label

    def restore(self, command: str, folder: Path, **environment: str) -> None:
        """Run *command* as printed, which restores into *folder*, for the server's account."""
        self.run(command, **environment)
        self.server.cluster.own(folder)

    def archive(self) -> None:
        """Let the server archive here from now on."""
        staging = self.home / "staging"
        staging.mkdir()
        self.server.cluster.own(staging)
        self.server.cluster.own(self.incoming)
        with self.server.connect() as admin:
            command = f"cp %p {staging}/%f && mv {staging}/%f {self.incoming}/%f"
            admin.execute(f"ALTER SYSTEM SET archive_command = '{command}'".encode())
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE TABLE aside ()")
            admin.execute("SELECT pg_switch_wal()")
        eventually(lambda: any((self.home / SERVER / "wals").glob("*/*")), _SECONDS)

    def take_in(self, stopped: threading.Event) -> None:
        """Take in the WAL that arrives, as its cron job does each minute, until *stopped*."""
        while not stopped.wait(_POLL_SECONDS):
            self.run(f"barman archive-wal {SERVER}")

    def _labels(self) -> set[str]:
        return {path.name for path in (self.home / SERVER / "base").glob("*")}


@contextlib.contextmanager
def new_barman_host(server: PostgresServer) -> Iterator[BarmanHost]:
    """Lend a host without a backup; the server archives there from then on."""
    with tempfile.TemporaryDirectory(
        prefix="presync-barman-", dir=roomy_folder(), ignore_cleanup_errors=True
    ) as name:
        host = BarmanHost(server, Path(name))
        host.home.chmod(0o755)
        host.configure()
        # Makes the folders.
        with contextlib.suppress(LineFailed):
            host.run(f"barman check {SERVER}")
        stopped = threading.Event()
        worker = threading.Thread(target=host.take_in, args=(stopped,))
        worker.start()
        try:
            host.archive()
            yield host
        finally:
            stopped.set()
            worker.join(_SECONDS)
