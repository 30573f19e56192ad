"""Fixtures for every ring of tests: a clean environment, PostgreSQL, the process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.testbed.binaries import SWITCH, Binaries, NoServerPrograms, find_binaries
from tests.testbed.database import Database, Role, created_database, created_role
from tests.testbed.postgres_server import PostgresServer, running_server, running_standby
from tests.testbed.process import ROOT, Completed, RunningPresync, launch

_SCRUBBED = ("PRESYNC_", "FLYWAY_", "PG", "POSTGRES_", "DATABASE_URL", "AWS_")
_BINARIES = pytest.StashKey[Binaries | NoServerPrograms]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the PostgreSQL to test on, before the environment is scrubbed."""
    try:
        config.stash[_BINARIES] = find_binaries(os.environ.get(SWITCH, ""))
    except NoServerPrograms as error:
        config.stash[_BINARIES] = error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let a test of what the server is too old for fail, and it must: so it is seen."""
    chosen = config.stash[_BINARIES]
    if not isinstance(chosen, Binaries):
        return
    marks = ((item, mark) for item in items for mark in item.iter_markers("since_server"))
    for item, mark in marks:
        major, feature = mark.args
        if chosen.major < major:
            reason = f"PostgreSQL {chosen.major} has no {feature}"
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason))


def pytest_report_header(config: pytest.Config) -> str:
    """Name the server under test."""
    chosen = config.stash[_BINARIES]
    return chosen.describe() if isinstance(chosen, Binaries) else f"PostgreSQL: {chosen}"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide every variable that presync, libpq or boto3 would read."""
    for name in list(os.environ):
        if name.startswith(_SCRUBBED):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    """Return the server programs; their absence is a failure, never a skip."""
    chosen = request.config.stash[_BINARIES]
    if isinstance(chosen, NoServerPrograms):
        pytest.fail(str(chosen), pytrace=False)
    return chosen


@pytest.fixture(scope="session")
def server(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return the cluster of this test session. Do not stop or reconfigure it."""
    with running_server(binaries) as running:
        yield running


@pytest.fixture
def make_server(binaries: Binaries) -> Iterator[Callable[..., PostgresServer]]:
    """Return ``make(settings={}, options=()) -> PostgresServer``: clusters of this test's own."""
    with contextlib.ExitStack() as stack:

        def make(
            settings: Mapping[str, str] | None = None, options: Sequence[str] = ()
        ) -> PostgresServer:
            return stack.enter_context(running_server(binaries, settings, options))

        yield make


@pytest.fixture(scope="module")
def standby(server: PostgresServer) -> Iterator[PostgresServer]:
    """Return a hot standby that follows `server`, for the tests of one module."""
    with running_standby(server) as running:
        yield running


@pytest.fixture
def make_database(server: PostgresServer) -> Iterator[Callable[..., Database]]:
    """Return ``make(template="template1") -> Database`` for more than one database."""
    with contextlib.ExitStack() as stack:

        def make(template: str = "template1") -> Database:
            return stack.enter_context(created_database(server, template))

        yield make


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    """Return a fresh, empty database."""
    return make_database()


@pytest.fixture
def make_role(database: Database) -> Iterator[Callable[..., Role]]:
    """Return ``make(password="", attributes="") -> Role`` for roles that may log in."""
    with contextlib.ExitStack() as stack:

        def make(password: str = "", attributes: str = "") -> Role:
            return stack.enter_context(created_role(database, password, attributes))

        yield make


@pytest.fixture
def start_presync(tmp_path: Path) -> Iterator[Callable[..., RunningPresync]]:
    """Return ``start(arguments, env={}, module="hook") -> RunningPresync``, for races."""
    home = tmp_path / "home"
    home.mkdir()
    with contextlib.ExitStack() as stack:

        def start(
            arguments: Sequence[str], env: Mapping[str, str] | None = None, module: str = "hook"
        ) -> RunningPresync:
            running = launch(arguments, env or {}, home, module)
            stack.callback(running.close)
            return running

        yield start


@pytest.fixture
def run_presync(start_presync: Callable[..., RunningPresync]) -> Callable[..., Completed]:
    """Return ``run(arguments, env={}) -> Completed``: presync from start to end."""

    def run(arguments: Sequence[str], env: Mapping[str, str] | None = None) -> Completed:
        return start_presync(arguments, env).wait()

    return run


@pytest.fixture(scope="session")
def migrations() -> Path:
    """Return the folder of the example migrations."""
    return ROOT / "migrations"
