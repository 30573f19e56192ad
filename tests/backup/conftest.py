"""Real pgBackRest on a real cluster; the absence of the program ends the session at once."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.testbed import barman_cloud
from tests.testbed.binaries import Binaries
from tests.testbed.database import created_database
from tests.testbed.pg_dump import PgDump
from tests.testbed.pgbackrest import (
    Options,
    PgBackRest,
    Place,
    directory_place,
    installed_version,
    new_pgbackrest,
    s3_place,
)
from tests.testbed.postgres_server import PostgresServer, roomy_folder, running_server
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.s3_server import S3Server, running_tls_s3
from tests.testbed.wrong_clock import find_library

ARCHIVING = {"archive_mode": "on", "wal_keep_size": "0"}
CHECKSUMS = ("--data-checksums",)
# Names the path of a pgBackRest that knows block incrementals.
NEWER_PGBACKREST = "PRESYNC_TEST_PGBACKREST"


class Tool(Protocol):
    """A backup tool that says how presync is to be told of its backups."""

    def environment(self, repo: int = 1, **more: str) -> Mapping[str, str]:
        """Return what presync is told of the server and of the place *repo*."""


Make = Callable[..., PgBackRest]
Ask = Callable[..., Completed]


def info_source(tool: PgBackRest, *options: str) -> str:
    """Return the backup source that asks *tool*, under the account that it wants to run as."""
    account = tool.server.cluster.account
    prefix = ["runuser", "-u", account.name, "--"] if account else []
    return "command:" + shlex.join([*prefix, *tool.command, *options, "info", "--output=json"])


def pytest_configure() -> None:
    """Refuse to start without the tools: a test that skips proves nothing."""
    if installed_version() is None:
        raise pytest.UsageError("pgbackrest is not installed; Debian has it: apt-get install it")
    if installed_version(os.environ.get(NEWER_PGBACKREST, "")) is None:
        raise pytest.UsageError(
            f"{NEWER_PGBACKREST} names no program; make backup sets it to what"
            " .ci/newer-pgbackrest prints"
        )
    if not barman_cloud.is_installed():
        raise pytest.UsageError("barman-cloud is not installed; make backup does it")
    if shutil.which("rsync") is None:
        raise pytest.UsageError("rsync is not installed; Debian has it: apt-get install it")
    if find_library() is None:
        raise pytest.UsageError("libfaketime is not installed; Debian has it: apt-get install it")


def pytest_report_header() -> str:
    """Name the versions of pgBackRest under test."""
    newer = installed_version(os.environ[NEWER_PGBACKREST])
    return f"pgBackRest {installed_version()}, with blocks {newer}"


@pytest.fixture(scope="session")
def primary(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return a cluster with checksums; what archives its WAL is up to the test."""
    with running_server(binaries, ARCHIVING, CHECKSUMS) as running:
        yield running


@pytest.fixture(scope="session")
def other_primary(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return another cluster like `primary`."""
    with running_server(binaries, ARCHIVING, CHECKSUMS) as running:
        yield running


@pytest.fixture(scope="session")
def tls_s3(primary: PostgresServer) -> Iterator[S3Server]:
    """Return an S3 server behind TLS whose CA the account of the cluster can read."""
    with tempfile.TemporaryDirectory(prefix="presync-s3-", dir=roomy_folder()) as name:
        root, folder = Path(name, "root"), Path(name, "tls")
        for made in (root, folder):
            made.mkdir()
        primary.cluster.own(Path(name))
        # An ETag costs a checksum of the whole object, for each that is listed.
        with running_tls_s3(root, folder, ["--etag-hash", ""]) as server:
            yield server


@pytest.fixture(scope="session")
def new_place(tls_s3: S3Server) -> Iterator[Callable[[str, str], Place]]:
    """Return ``new_place(storage, name) -> Place``: an empty repository, directory or s3."""
    with tempfile.TemporaryDirectory(prefix="presync-repo-", dir=roomy_folder()) as folder:
        Path(folder).chmod(0o755)

        def new(storage: str, name: str) -> Place:
            if storage == "s3":
                return s3_place(tls_s3, name)
            root = Path(folder, name)
            root.mkdir(mode=0o777)
            root.chmod(0o777)
            return directory_place(root)

        yield new


@pytest.fixture
def make_pgbackrest(primary: PostgresServer) -> Iterator[Make]:
    """Return ``make(places=(None,), options={}, server=primary, stanza="app")``.

    The stanza is created, and the server archives into it from then on.
    """
    with contextlib.ExitStack() as stack:

        def make(
            places: Sequence[Place | None] = (None,),
            options: Options | None = None,
            server: PostgresServer = primary,
            stanza: str = "app",
        ) -> PgBackRest:
            made = stack.enter_context(new_pgbackrest(server, places, options, stanza))
            made.create_stanza()
            return made

        yield make


@pytest.fixture
def ask(start_presync: Callable[..., RunningPresync], tmp_path: Path) -> Ask:
    """Return ``ask(tool, command="check", repo=1, **env) -> Completed``.

    The release is one migration, so that something is pending.
    """
    release = tmp_path / "release"
    release.mkdir()
    (release / "V1__shop.sql").write_text("CREATE TABLE shop_item (id bigint PRIMARY KEY);\n")

    def ask(tool: Tool, command: str = "check", repo: int = 1, **env: str) -> Completed:
        release_env = {"PRESYNC_LOCATIONS": str(release), **tool.environment(repo, **env)}
        return start_presync([command, "--format", "json"], release_env).wait()

    return ask


@pytest.fixture(scope="module")
def pg_dump(primary: PostgresServer, binaries: Binaries, tls_s3: S3Server) -> Iterator[PgDump]:
    """Return pg_dump of a database that takes it more than a moment."""
    with created_database(primary) as database:
        database.execute(
            "CREATE SCHEMA crm;"
            "CREATE TABLE crm.customer AS"
            " SELECT id, md5(id::text) AS name FROM generate_series(1, 100000) AS id;"
            "CREATE TABLE crm.visit (id bigint)"
        )
        yield PgDump(binaries.folder / "pg_dump", primary, database.name, tls_s3)
