"""A PostgreSQL cluster of the tests' own: created, started, copied, removed."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from tests.testbed.binaries import Account, Binaries, reachable, server_account

SUPERUSER = "postgres"
PASSWORD_GROUP = "needs_password"
_START_SECONDS = "60"
_START_ATTEMPTS = 3

# Nothing here survives a power cut, and nothing needs to.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "32MB",
    "max_prepared_transactions": "10",
    "wal_level": "replica",
    "wal_keep_size": "128MB",
    "hot_standby": "on",
    "timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
}

# The first line that matches decides: members of the group must give their password.
_HBA = f"""\
local all         all                trust
host  all         +{PASSWORD_GROUP} 127.0.0.1/32 scram-sha-256
host  all         all               127.0.0.1/32 trust
host  replication all               127.0.0.1/32 trust
"""


class ServerNotStarted(Exception):
    """initdb or pg_ctl failed; the message holds what they and the server wrote."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running cluster that trusts local connections.

    Members of the role ``needs_password`` have to authenticate over TCP (scram).
    """

    programs: Path
    folder: Path
    account: Account | None
    major: int
    port: int
    host: str = "127.0.0.1"
    superuser: str = SUPERUSER

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.folder / "data"

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the unix socket, usable as libpq's ``host``."""
        return self.folder

    def conninfo(self, dbname: str = "postgres", user: str = SUPERUSER, **more: str) -> str:
        """Return a libpq keyword string; *more* are further libpq parameters."""
        return make_conninfo(
            "", host=self.host, port=str(self.port), dbname=dbname, user=user, **more
        )

    def url(self, dbname: str = "postgres", user: str = SUPERUSER, password: str = "") -> str:
        """Return a libpq URL. *password* must not need percent-encoding."""
        login = f"{user}:{password}" if password else user
        return f"postgresql://{login}@{self.host}:{self.port}/{dbname}"

    def connect(
        self, dbname: str = "postgres", user: str = SUPERUSER, **more: str
    ) -> psycopg.Connection[TupleRow]:
        """Return an autocommit connection."""
        return psycopg.connect(self.conninfo(dbname, user, **more), autocommit=True)

    def log_text(self) -> str:
        """Return what the server has logged so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; *mode* is pg_ctl's ``smart``, ``fast`` or ``immediate``."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self.data), "-m", mode)

    def start(self) -> None:
        """Start the server on its port and wait until it accepts connections."""
        options = f"-p {self.port} -k {self.folder}"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "start", "-w", "-t", _START_SECONDS, "-D", str(self.data),
            "-l", log, "-o", options,
        )  # fmt: skip

    def promote(self) -> None:
        """Turn a standby into a primary and wait for it."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self.data))

    def configure(self, settings: Mapping[str, str]) -> None:
        """Append *settings* to postgresql.conf; they count from the next start or reload."""
        lines = (f"{name} = '{value}'\n" for name, value in settings.items())
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(lines)

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits the output of pg_ctl, so a pipe would never be closed.
        with tempfile.TemporaryFile("w+") as output:
            status = subprocess.run(
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.folder)},
                check=False,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            ).returncode
            output.seek(0)
            said = output.read()
        if status:
            log = self.log_text() if (self.folder / "log").exists() else ""
            message = f"{program} {arguments[0]} ended with {status}\n{said}{log[-4000:]}"
            raise ServerNotStarted(message)

    def _own(self, path: Path) -> None:
        if self.account:
            for item in (path, *path.rglob("*")):
                os.chown(item, self.account.uid, self.account.gid, follow_symlinks=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _new_server(programs: Path, major: int, account: Account | None) -> PostgresServer:
    # /tmp and not $TMPDIR: a socket's path may have at most about 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="presync-pg-", dir="/tmp"))
    server = PostgresServer(programs, folder, account, major, _free_port())
    server._own(folder)
    return server


def _start(server: PostgresServer) -> PostgresServer:
    """Start *server*, on another port when someone else was faster to take its own."""
    for attempt in itertools.count(1):
        try:
            server.start()
        except ServerNotStarted:
            if attempt == _START_ATTEMPTS:
                raise
            server = PostgresServer(
                server.programs, server.folder, server.account, server.major, _free_port()
            )
        else:
            break
    return server


@contextlib.contextmanager
def _removed_afterwards(server: PostgresServer) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(ServerNotStarted):
            server.stop("immediate")
        shutil.rmtree(server.folder, ignore_errors=True)


@contextlib.contextmanager
def running_server(
    binaries: Binaries, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """Create a cluster with *settings* on top of the fast ones; remove it at the end.

    Raises:
        ServerNotStarted: initdb or pg_ctl failed.
    """
    account = server_account()
    with contextlib.ExitStack() as stack:
        programs = stack.enter_context(reachable(binaries, account))
        server = _new_server(programs, binaries.major, account)
        stack.enter_context(_removed_afterwards(server))
        server._run(
            "initdb", "-D", str(server.data), "-U", SUPERUSER, "--auth=trust",
            "--encoding=UTF8", "--no-locale", "--no-sync",
        )  # fmt: skip
        server.configure({**_SETTINGS, **(settings or {})})
        (server.data / "pg_hba.conf").write_text(_HBA)
        server = _start(server)
        with server.connect() as admin:
            admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(PASSWORD_GROUP)))
        yield server


@contextlib.contextmanager
def running_standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    """Start a hot standby that streams from *primary*; remove it at the end.

    Uses the low-level backup functions, because the smallest server distributions
    come without pg_basebackup.
    https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
    """
    standby = _new_server(primary.programs, primary.major, primary.account)
    with _removed_afterwards(standby):
        label = _copy_data(primary, standby.data)
        (standby.data / "backup_label").write_text(label)
        (standby.data / "standby.signal").touch()
        source = primary.conninfo(dbname="replication")
        standby.configure({"primary_conninfo": source.replace("'", "''")})
        standby._own(standby.data)
        yield _start(standby)


def _copy_data(primary: PostgresServer, target: Path) -> str:
    """Copy the data directory of a running *primary*; return the backup label."""
    begin, end = (
        ("pg_backup_start('standby', true)", "pg_backup_stop(false)")
        if primary.major >= 15
        else ("pg_start_backup('standby', true, false)", "pg_stop_backup(false, false)")
    )
    transient = shutil.ignore_patterns("postmaster.*", "pgsql_tmp*", "pg_internal.init")
    with primary.connect() as admin:
        admin.execute(f"SELECT {begin}".encode())
        with contextlib.suppress(shutil.Error):  # files that vanish meanwhile are replayed
            shutil.copytree(primary.data, target, symlinks=True, ignore=transient)
        row = admin.execute(f"SELECT labelfile FROM {end}".encode()).fetchone()
    target.chmod(0o700)
    assert row is not None
    return str(row[0])
