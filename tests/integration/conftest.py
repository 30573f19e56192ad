"""What the tests on a real server share: a stop request and the context of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hook.clock import Interrupt
from hook.postgres.session import Session
from hook.stages import Context
from tests.fakes import FakeEvents
from tests.testbed.attempt_bench import Bench
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database, created_database
from tests.testbed.gate import Gate, settings_for
from tests.testbed.marker_bench import MarkerBench, bench_on
from tests.testbed.postgres_server import PostgresServer, running_server
from tests.testbed.proxy import Proxy, running_proxy
from tests.testbed.release import engine_on
from tests.testbed.run_context import make_context, open_session, target_of


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Return the stop request of the test."""
    request = Interrupt()
    yield request
    request.close()


@pytest.fixture
def calm() -> Iterator[Interrupt]:
    """Return a stop request that never comes, for the sessions of others."""
    request = Interrupt()
    yield request
    request.close()


@pytest.fixture
def events() -> FakeEvents:
    """Return what the run tells."""
    return FakeEvents()


@pytest.fixture
def ctx(interrupt: Interrupt, events: FakeEvents) -> Context:
    """Return the context of a run that `interrupt` stops."""
    return make_context(interrupt, events)


@pytest.fixture
def gate(database: Database, interrupt: Interrupt, events: FakeEvents, tmp_path: Path) -> Gate:
    """Return the gate on an empty release and an empty database."""
    folder = tmp_path / "release"
    folder.mkdir()
    settings = settings_for(target_of(database), folder)
    return Gate(database, folder, interrupt, settings, events)


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    """Return a proxy in front of the server."""
    with running_proxy(server) as running:
        yield running


@pytest.fixture
def make_bench(tmp_path: Path, interrupt: Interrupt) -> Iterator[Callable[[Database], Bench]]:
    """Return ``make(database)``."""
    sessions: list[Session] = []

    def make(database: Database) -> Bench:
        sessions.append(open_session(target_of(database), interrupt))
        return Bench(database, tmp_path, engine_on(tmp_path), sessions[-1])

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def bench(make_bench: Callable[[Database], Bench], database: Database) -> Bench:
    """Return a bench on the test's database."""
    return make_bench(database)


@pytest.fixture(scope="module")
def archiving(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return a cluster that takes all its WAL for archived."""
    with running_server(binaries, {"archive_mode": "on", "archive_command": "true"}) as running:
        yield running


@pytest.fixture
def marker_bench(archiving: PostgresServer, ctx: Context) -> Iterator[MarkerBench]:
    """Return a bench for markers on a database of its own."""
    with created_database(archiving) as made:
        yield bench_on(made, ctx)
