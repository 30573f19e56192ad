"""A WAL archive for the runs that look for a way back; without one of them nothing is kept."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hook.demo.play import archive_command
from hook.demo.repository import STANZA, BackedUp, Repository
from tests.testbed.pgbackrest_repository import SAMPLES
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually

# While it is there nothing is archived.
CLOSED = "closed"
_DESCRIPTION = (
    "SELECT (SELECT system_identifier::text FROM pg_control_system()), lsn::text,"
    " pg_walfile_name(lsn) FROM pg_switch_wal() AS lsn"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """Where a server archives, as soon as there is a repository; *root* is that."""

    root: Path
    major: int

    @property
    def settings(self) -> dict[str, str]:
        """Return what the server has to be told before it starts."""
        folder = self.root / "archive" / STANZA / f"{self.major}-1"
        wait = f"while test -e {self.root / CLOSED}; do sleep 0.1; done"
        # That of a new timeline lies in front of the folders of segments.
        keep = f"case %f in *.history) cp %p {folder}/%f;; *) {archive_command(folder)};; esac"
        command = f"{wait}; test ! -d {folder} || {keep}"
        return {"archive_mode": "on", "archive_command": command.replace("'", "''")}

    def begin(self, server: PostgresServer) -> None:
        """Make a repository with a fresh backup, from which WAL leads on."""
        eventually(self._is_cleared)
        folder = self.root / "archive" / STANZA / f"{self.major}-1"
        folder.mkdir(parents=True, exist_ok=True)
        server.cluster.own(self.root)
        with server.connect() as admin:
            row = admin.execute(_DESCRIPTION).fetchone()
        assert row is not None
        identifier, position, segment = row
        cluster = BackedUp(identifier, str(self.major), segment, position)
        repository = Repository(SAMPLES / "small-repo", self.root, cluster)
        repository.copy_all(datetime.now(UTC) - timedelta(hours=31))
        repository.add_full_backup(datetime.now(UTC) - timedelta(minutes=12))
        eventually(lambda: bool(list(folder.glob(f"*/{segment}-*"))))

    def _is_cleared(self) -> bool:
        """Remove what is there; a segment of the run before may arrive meanwhile, in a folder."""
        shutil.rmtree(self.root, ignore_errors=True)
        return not self.root.exists()

    def end(self) -> None:
        """Keep nothing from now on."""
        shutil.rmtree(self.root / "archive", ignore_errors=True)


@contextlib.contextmanager
def archive_of(major: int) -> Iterator[Archive]:
    """Return an archive for a server of version *major*; its account can reach it."""
    with TemporaryDirectory(prefix="presync-repo-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        root = Path(name, "repo")
        root.mkdir()
        yield Archive(root, major)


def await_standby(primary: PostgresServer, standby: PostgresServer) -> None:
    """Wait until *standby* has all that *primary* has written, and so has the archive.

    A standby does not archive what it has received: with a primary that crashes before it has
    done so itself, the way back from a backup of its timeline would be lost.
    """
    replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
    with primary.connect() as admin, standby.connect() as follower:
        row = admin.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        assert row is not None
        eventually(lambda: follower.execute(replayed, row).fetchone() == (True,))
    await_archived(primary)


def await_archived(server: PostgresServer) -> None:
    """Wait until nothing is left for *server* to archive, the history of its timeline included."""
    waiting = "SELECT FROM pg_ls_dir('pg_wal/archive_status') AS name WHERE name LIKE '%.ready'"
    with server.connect() as admin:
        eventually(lambda: not admin.execute(waiting).fetchall())
