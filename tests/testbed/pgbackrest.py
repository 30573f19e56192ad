"""The real pgBackRest: it archives the WAL of a real cluster, and backs it up."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hook.demo.server import SUPERUSER
from tests.testbed.postgres_server import PostgresServer, roomy_folder
from tests.testbed.run_context import eventually
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

PROGRAM = "pgbackrest"
STANZA = "app"
BUCKET = "backups"
PASSPHRASE = "canary-passphrase-51c0d7"
_SECONDS = 180.0
_MANIFEST = "backup.manifest"

Options = Mapping[str, str]


class PgBackRestFailed(Exception):
    """pgBackRest ended with another exit status than a test expects."""


def installed_version(program: str = PROGRAM) -> str | None:
    """Return the version of *program*, none when there is none."""
    if shutil.which(program) is None:
        return None
    said = subprocess.run([program, "version"], check=True, capture_output=True, text=True)
    return said.stdout.split()[-1]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository lies, and how pgBackRest and presync are told.

    Attributes:
        root: The repository's files, wherever it is reached.
        options: Of pgBackRest, without the ``repoN-`` in front.
        source: The value of ``PRESYNC_BACKUP_SOURCE``.
        environment: What presync needs besides.
    """

    root: Path
    options: Options
    source: str
    environment: Mapping[str, str] = field(default_factory=dict)


def directory_place(folder: Path) -> Place:
    """Return a repository in *folder*."""
    return Place(folder, {"path": str(folder)}, f"pgbackrest:{folder}")


def s3_place(server: S3Server, prefix: str) -> Place:
    """Return a repository below *prefix* of a bucket on *server*, which speaks TLS."""
    (server.root / BUCKET).mkdir(exist_ok=True)
    host, _, port = server.endpoint.removeprefix("https://").partition(":")
    assert server.ca_file is not None
    options = {
        "type": "s3",
        "path": f"/{prefix}",
        "s3-bucket": BUCKET,
        "s3-endpoint": host,
        "storage-port": port,
        "s3-region": "us-east-1",
        "s3-uri-style": "path",
        "s3-key": ACCESS_KEY,
        "s3-key-secret": SECRET_KEY,
        "storage-ca-file": str(server.ca_file),
        # A thousand small files are a thousand requests; this way both formats are tried.
        "bundle": "y",
    }
    environment = {
        "PRESYNC_S3_ENDPOINT": server.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CA_BUNDLE": str(server.ca_file),
        "NO_PROXY": "localhost",
    }
    return Place(
        server.root / BUCKET / prefix, options, f"pgbackrest:s3://{BUCKET}/{prefix}", environment
    )


@dataclass(frozen=True, slots=True)
class PgBackRest:
    """pgBackRest as the account of *server* runs it, on one or more repositories.

    Attributes:
        folder: Configuration, locks, logs and spool.
        places: The repositories, repo1 first.
        program: Path of another one than the shell finds.
    """

    server: PostgresServer
    folder: Path
    places: tuple[Place, ...]
    stanza: str = STANZA
    program: str = PROGRAM

    @property
    def command(self) -> list[str]:
        """Return the beginning of each command line."""
        config = self.folder / "pgbackrest.conf"
        return [self.program, f"--config={config}", f"--stanza={self.stanza}"]

    def shell(self) -> dict[str, str]:
        """Return the variables in which a shell finds program and configuration."""
        beside = [] if self.program == PROGRAM else [str(Path(self.program).parent)]
        return {
            "PGBACKREST_CONFIG": str(self.folder / "pgbackrest.conf"),
            "PATH": os.pathsep.join([*beside, os.environ["PATH"]]),
        }

    def configure(self, options: Options) -> None:
        """Write the configuration, *options* on top of what suits a test."""
        settings = {
            "log-path": self.folder / "log",
            "spool-path": self.folder / "spool",
            "lock-path": self.folder / "lock",
            "log-level-console": "warn",
            "log-level-file": "off",
            "start-fast": "y",
            "compress-type": "zst",
            "archive-timeout": 20,
            # A minute is soon over for a storage on a machine that has more to do.
            "io-timeout": 150,
            **options,
        }
        for number, place in enumerate(self.places, 1):
            settings |= {f"repo{number}-{name}": value for name, value in place.options.items()}
            settings.setdefault(f"repo{number}-retention-full", 5)
        stanza = {
            "pg1-path": self.server.data,
            "pg1-port": self.server.port,
            "pg1-socket-path": self.server.socket_folder,
            "pg1-user": SUPERUSER,
        }
        lines = ["[global]", *_lines(settings), f"[{self.stanza}]", *_lines(stanza), ""]
        (self.folder / "pgbackrest.conf").write_text("\n".join(lines))
        self.server.cluster.own(self.folder)

    def run(self, *arguments: str) -> str:
        """Run a command of pgBackRest and return what it said.

        Raises:
            PgBackRestFailed: It ended with an error, or not at all.
        """
        process = self.start(*arguments)
        try:
            said, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
        if process.returncode:
            raise PgBackRestFailed(f"{arguments} ended with {process.returncode}:\n{said}")
        return said

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of pgBackRest in a process group of its own."""
        account = self.server.cluster.account
        return subprocess.Popen(
            [*self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "Asia/Shanghai"},
            process_group=0,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    def create_stanza(self) -> None:
        """Create the stanza and archive all WAL from now on."""
        self.run("stanza-create")
        self.archive()

    def archive(self, *options: str) -> None:
        """Let the server archive into the stanza from now on."""
        self.archive_with(" ".join([*self.command, *options, "archive-push", "%p"]))

    def archive_with(self, command: str) -> None:
        """Make *command* the server's archive_command."""
        quoted = command.replace("'", "''")
        with self.server.connect() as admin:
            admin.execute(f"ALTER SYSTEM SET archive_command = '{quoted}'".encode())
            admin.execute("SELECT pg_reload_conf()")

    def finish_segment(self) -> str:
        """Write something, finish the segment it is in, and return the name of that."""
        with self.server.connect() as admin:
            # Beside the schema of the release, which is to be empty.
            admin.execute("CREATE SCHEMA IF NOT EXISTS aside")
            admin.execute("CREATE TABLE IF NOT EXISTS aside.written (at timestamptz)")
            admin.execute("INSERT INTO aside.written VALUES (now())")
            row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        name: str = row[0]
        return name

    def await_archived(self, segment: str) -> None:
        """Wait until the server says that *segment* is archived."""
        query = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
        with self.server.connect() as admin:

            def is_archived() -> bool:
                row = admin.execute(query).fetchone()
                return row is not None and row[0][:24] >= segment

            eventually(is_archived, _SECONDS)

    def segment_files(self, segment: str) -> list[Path]:
        """Return the files of *segment* in the first repository."""
        return sorted((self.places[0].root / "archive" / self.stanza).glob(f"*/*/{segment}-*"))

    def back_up(self, type_: str, *options: str, repo: int = 1) -> dict[str, Any]:
        """Take a backup into repository *repo* and return what pgBackRest tells of it."""
        self.run("backup", f"--type={type_}", f"--repo={repo}", *options)
        return self.backups(repo)[-1]

    def backups(self, repo: int = 1) -> list[dict[str, Any]]:
        """Return what pgBackRest tells of its backups, the oldest first."""
        (stanza,) = json.loads(self.run("info", "--output=json", f"--repo={repo}"))
        found: list[dict[str, Any]] = stanza["backup"]
        return found

    def kill_backup(self) -> str:
        """Start a full backup, kill it while it copies, and return the label it had."""
        before = self._labels()
        process = self.start("backup", "--type=full")
        while not (begun := self._labels() - before):
            assert process.poll() is None, process.communicate()[0]
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=_SECONDS)
        assert self._labels(f"/{_MANIFEST}") <= before, "the backup was faster than the kill"
        (label,) = begun
        return label

    def _labels(self, file: str = "") -> set[str]:
        """Return the backups that have a folder, or *file* in it."""
        stanza = self.places[0].root / "backup" / self.stanza
        return {path.relative_to(stanza).parts[0] for path in stanza.glob(f"????????-*{file}")}

    def environment(self, repo: int = 1, **more: str) -> dict[str, str]:
        """Return what presync is told of the server and of repository *repo*."""
        place = self.places[repo - 1]
        return {
            "PRESYNC_URL": self.server.url(),
            "PRESYNC_BACKUP_SOURCE": place.source,
            "PRESYNC_BACKUP_STANZA": self.stanza,
            **place.environment,
            **more,
        }


def _lines(options: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items()]


@contextlib.contextmanager
def new_pgbackrest(
    server: PostgresServer,
    places: Sequence[Place | None] = (None,),
    options: Options | None = None,
    stanza: str = STANZA,
    program: str = PROGRAM,
) -> Iterator[PgBackRest]:
    """Lend a configured pgBackRest; a place that is none becomes a directory of its own."""
    # The archiver may still be at work in it.
    with tempfile.TemporaryDirectory(
        prefix="presync-pgbackrest-", dir=roomy_folder(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        found = [
            place or directory_place(folder / f"repository{number}")
            for number, place in enumerate(places, 1)
        ]
        for part in ("log", "spool", "lock"):
            (folder / part).mkdir()
        made = PgBackRest(server, folder, tuple(found), stanza, program)
        made.configure(options or {})
        yield made
