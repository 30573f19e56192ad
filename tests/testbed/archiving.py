"""A server that archives its WAL, as pgBackRest would, into a repository with a fresh backup."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hook.demo.play import archive_command
from hook.demo.repository import STANZA, BackedUp, Repository
from tests.testbed.binaries import Binaries
from tests.testbed.pgbackrest_repository import SAMPLES
from tests.testbed.postgres_server import PostgresServer, running_server


@dataclass(frozen=True, slots=True)
class Archiving:
    """A server and the repository that it archives into, with a fresh backup."""

    server: PostgresServer
    repository: Repository

    def archive(self) -> None:
        """Let the server archive from now on."""
        self.archive_with(archive_command(self.repository.archive))

    def archive_with(self, command: str) -> None:
        """Make *command* the server's archive_command."""
        quoted = command.replace("'", "''")
        with self.server.connect() as admin:
            admin.execute(f"ALTER SYSTEM SET archive_command = '{quoted}'".encode())
            admin.execute("SELECT pg_reload_conf()")

    def environment(self, **more: str) -> dict[str, str]:
        """Return what presync is told of the repository."""
        return {
            "PRESYNC_BACKUP_SOURCE": f"pgbackrest:{self.repository.root}",
            "PRESYNC_BACKUP_STANZA": STANZA,
            **more,
        }


@contextlib.contextmanager
def running_archiving(binaries: Binaries) -> Iterator[Archiving]:
    """Lend a server with a repository of its own; it archives once it is told to."""
    settings = {"archive_mode": "on", "archive_command": ""}
    with (
        running_server(binaries, settings) as server,
        # The server may archive while it is removed.
        TemporaryDirectory(prefix="presync-repo-", dir="/tmp", ignore_cleanup_errors=True) as name,
    ):
        root = Path(name)
        with server.connect() as admin:
            query = (
                "SELECT (SELECT system_identifier::text FROM pg_control_system()),"
                " pg_switch_wal()::text"
            )
            row = admin.execute(query).fetchone()
            assert row is not None
            (segment,) = admin.execute("SELECT pg_walfile_name(%s)", (row[1],)).fetchone() or ("",)
        cluster = BackedUp(row[0], str(server.major), segment, row[1])
        repository = Repository(SAMPLES / "small-repo", root, cluster)
        repository.copy_all(datetime.now(UTC) - timedelta(hours=31))
        repository.add_full_backup(datetime.now(UTC) - timedelta(minutes=12))
        repository.archive.mkdir()
        server.cluster.own(root)
        root.chmod(0o755)
        yield Archiving(server, repository)
