"""TLS to PostgreSQL as libpq's own variables ask for it: proven, or refused with 16."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from hook.errors import ExitCode
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database, created_database
from tests.testbed.deployment import Deployment
from tests.testbed.postgres_server import PostgresServer, running_server
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually
from tests.testbed.tls import Endpoint, has_tls, tls_endpoint

RunPresync = Callable[..., Completed]


@pytest.fixture(scope="module")
def secure_server(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return a server of this module's own, for it is reconfigured."""
    with running_server(binaries) as running:
        yield running


@pytest.fixture(scope="module")
def endpoint(
    secure_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endpoint]:
    """Return TLS in front of the server."""
    with tls_endpoint(secure_server, tmp_path_factory.mktemp("tls")) as lent:
        yield lent


@pytest.fixture
def deployment(secure_server: PostgresServer, tmp_path: Path) -> Iterator[Deployment]:
    """Return an empty release in front of an empty database of that server."""
    folder = tmp_path / "deployment"
    (folder / "sql").mkdir(parents=True)
    with created_database(secure_server) as database:
        yield Deployment(database, folder)


def environment(
    deployment: Deployment, endpoint: Endpoint, host: str = "localhost", name: str = ""
) -> dict[str, str]:
    """Return the environment of a run through *endpoint*, reached as *host*."""
    place = f"{host}:{endpoint.port}/{name or deployment.database.name}"
    url = f"postgresql://postgres@{place}?hostaddr=127.0.0.1"
    return endpoint.env(**deployment.env(PRESYNC_URL=url, PRESYNC_WAIT_TIMEOUT="5s"))


def test_whole_run_behind_tls_passes(
    deployment: Deployment, endpoint: Endpoint, run_presync: RunPresync
) -> None:
    """The certificate proves the server, and ours proves us, on every connection."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    done = run_presync(["run"], environment(deployment, endpoint))
    assert done.exit_code == ExitCode.OK, done.stderr


def test_every_connection_is_encrypted(
    deployment: Deployment, endpoint: Endpoint, start_presync: Callable[..., RunningPresync]
) -> None:
    """By the server's own account; a stop is heard through TLS as well.

    There are that of the run, that of the lock and, after a moment, the watcher's.
    A server without TLS of its own cannot tell; behind it no other way leads to it.
    """
    deployment.release({"V1__t.sql": "SELECT pg_sleep(600)"})
    running = start_presync(["run"], environment(deployment, endpoint))
    database = deployment.database
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    eventually(lambda: bool(database.query(asleep)))
    encrypted = database.query(
        "SELECT s.ssl FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid)"
        f" WHERE a.application_name LIKE 'presync/%' AND a.datname = '{database.name}'"
    )
    assert len(encrypted) >= 2
    assert set(encrypted) == {(has_tls(database.server),)}
    running.send_signal()
    assert running.wait().exit_code == ExitCode.INTERRUPTED
    eventually(lambda: not deployment.has_sessions())


def test_refusal_of_the_server_is_read_through_tls(
    deployment: Deployment, endpoint: Endpoint, run_presync: RunPresync
) -> None:
    """What speaks against a login has its SQLSTATE, and is not waited for."""
    done = run_presync(["run"], environment(deployment, endpoint, name="nowhere"))
    assert done.exit_code == ExitCode.CONFIG
    assert 'database "nowhere" does not exist (3D000)' in done.report["verdict"]


def refused(done: Completed, reason: str) -> bool:
    """Tell whether *done* is a refusal with 16, at once, for *reason*, with a next step."""
    (finding,) = (item for stage in done.report["stages"] for item in stage["findings"])
    assert done.exit_code == ExitCode.AUTH, done.stderr
    assert not done.events_named("retry.scheduled")
    assert "sslrootcert" in finding["hint"]
    return reason in done.report["verdict"]


def test_another_authority_is_refused(
    deployment: Deployment, endpoint: Endpoint, run_presync: RunPresync, tmp_path: Path
) -> None:
    """A certificate that nobody we know has signed proves nothing."""
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(str(other))
    env = environment(deployment, endpoint) | {"PGSSLROOTCERT": str(other)}
    assert refused(run_presync(["run"], env), "certificate verify failed")


def test_another_name_is_refused(
    deployment: Deployment, endpoint: Endpoint, run_presync: RunPresync
) -> None:
    """A good certificate of somebody else."""
    env = environment(deployment, endpoint, "db.example.com")
    assert refused(run_presync(["run"], env), "db.example.com")


def test_client_without_a_certificate_is_refused(
    deployment: Deployment, endpoint: Endpoint, run_presync: RunPresync
) -> None:
    """The server asks for ours, and there is none."""
    env = environment(deployment, endpoint) | {"PGSSLCERT": "", "PGSSLKEY": ""}
    done = run_presync(["run"], env)
    assert done.exit_code == ExitCode.AUTH, done.stderr
    assert "certificate" in done.report["verdict"]


def test_missing_authority_is_refused(
    deployment: Deployment, endpoint: Endpoint, run_presync: RunPresync
) -> None:
    """A Secret that was not mounted is named by its path."""
    env = environment(deployment, endpoint) | {"PGSSLROOTCERT": "/not/mounted.crt"}
    assert refused(run_presync(["run"], env), "/not/mounted.crt")


def test_server_without_tls_is_refused(
    database: Database, endpoint: Endpoint, run_presync: RunPresync
) -> None:
    """No password goes over a connection that was to be encrypted."""
    env = endpoint.env(PRESYNC_URL=database.url, PRESYNC_LOCATIONS="/")
    assert refused(run_presync(["run"], env), "does not support SSL")
