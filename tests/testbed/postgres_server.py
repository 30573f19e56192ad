"""A PostgreSQL cluster of the tests' own: created, started, copied, removed."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from hook.demo.programs import Account, reachable, server_account
from hook.demo.server import DISK, FAST, SUPERUSER, Cluster, new_cluster
from hook.errors import DatabaseUnreachable
from tests.testbed.binaries import Binaries

PASSWORD_GROUP = "needs_password"
_FOLDER_PREFIX = "presync-pg-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - for folders with random names
# What all workers together fill is less than this.
_ENOUGH = 2 << 30
_START_ATTEMPTS = 3
_PORTS = range(10_000, 32_768)

_SETTINGS = {
    **FAST,
    "listen_addresses": "127.0.0.1",
    "max_prepared_transactions": "10",
    "wal_level": "replica",
    "wal_keep_size": "128MB",
    "hot_standby": "on",
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


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running cluster that trusts local connections.

    Members of the role ``needs_password`` have to authenticate over TCP (scram).
    """

    cluster: Cluster
    major: int
    port: int
    host: str = "127.0.0.1"
    superuser: str = SUPERUSER

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.cluster.data

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the unix socket, usable as libpq's ``host``."""
        return self.cluster.folder

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
        return self.cluster.log_text()

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; *mode* is pg_ctl's ``smart``, ``fast`` or ``immediate``."""
        self.cluster.stop(mode)

    def start(self) -> None:
        """Start the server on its port and wait until it accepts connections."""
        self.cluster.start(self.port)

    def promote(self) -> None:
        """Turn a standby into a primary and wait for it."""
        self.cluster.run("pg_ctl", "promote", "-w", "-D", str(self.data))

    def configure(self, settings: Mapping[str, str]) -> None:
        """Append *settings* to postgresql.conf; they count from the next start or reload."""
        self.cluster.configure(settings)


def free_port() -> int:
    """Return a TCP port that nobody uses at this moment.

    As a rule none of those that the kernel gives to whoever asks for any: a server that is
    started again finds its port free, however many listen and connect meanwhile.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def roomy_folder() -> Path:
    """Return where clusters and backups lie: in memory if there is enough of it, else on disk.

    A database is some 300 new files, and a test has one of its own: on disk they may cost the
    kernel more than all that the test does with them.
    """
    try:
        has_room = shutil.disk_usage(_MEMORY).free >= _ENOUGH
    except OSError:
        has_room = False
    return _MEMORY if has_room and os.access(_MEMORY, os.W_OK | os.X_OK) else DISK


def _new_cluster(
    programs: Path, account: Account | None
) -> contextlib.AbstractContextManager[Cluster]:
    return new_cluster(programs, account, _FOLDER_PREFIX, roomy_folder())


def _start(server: PostgresServer) -> PostgresServer:
    """Start *server*, on another port when someone else was faster to take its own."""
    for attempt in itertools.count(1):
        try:
            server.start()
        except DatabaseUnreachable:
            if attempt == _START_ATTEMPTS:
                raise
            server = replace(server, port=free_port())
        else:
            break
    return server


@contextlib.contextmanager
def running_server(
    binaries: Binaries, settings: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> Iterator[PostgresServer]:
    """Create a cluster with *settings* on top of the fast ones; remove it at the end.

    *options* are added to those of initdb.

    Raises:
        DatabaseUnreachable: initdb or pg_ctl failed.
    """
    account = server_account()
    with (
        reachable(binaries.folder, account) as programs,
        _new_cluster(programs, account) as cluster,
    ):
        cluster.initialise({**_SETTINGS, **(settings or {})}, *options)
        (cluster.data / "pg_hba.conf").write_text(_HBA)
        server = _start(PostgresServer(cluster, binaries.major, free_port()))
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
    own = primary.cluster
    with _new_cluster(own.programs, own.account) as cluster:
        label = _copy_data(primary, cluster.data)
        (cluster.data / "backup_label").write_text(label)
        (cluster.data / "standby.signal").touch()
        source = primary.conninfo(dbname="replication")
        cluster.configure({"primary_conninfo": source.replace("'", "''")})
        cluster.own(cluster.data)
        yield _start(PostgresServer(cluster, primary.major, free_port()))


@contextlib.contextmanager
def copied_server(origin: PostgresServer, settings: Mapping[str, str]) -> Iterator[PostgresServer]:
    """Start a copy of *origin*, stopped for that moment, as a snapshot of its volume would be.

    It is the same cluster on the same timeline, and both go on from there.
    """
    own = origin.cluster
    with _new_cluster(own.programs, own.account) as cluster:
        origin.stop()
        shutil.copytree(origin.data, cluster.data, symlinks=True)
        origin.start()
        cluster.configure(settings)
        cluster.own(cluster.data)
        yield _start(PostgresServer(cluster, origin.major, free_port()))


@contextlib.contextmanager
def empty_server(origin: PostgresServer) -> Iterator[PostgresServer]:
    """Lend a server beside *origin* with an empty data directory, for a restore."""
    own = origin.cluster
    with _new_cluster(own.programs, own.account) as cluster:
        cluster.data.mkdir(mode=0o700)
        cluster.own(cluster.data)
        yield PostgresServer(cluster, origin.major, free_port())


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
