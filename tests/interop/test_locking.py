"""presync and a real Flyway on one database at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.interop.flyway_jars import VERSIONS
from tests.interop.flyway_process import FlywayAnswer, FlywayProcess
from tests.interop.workspace import Workspace, created_workspace
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import RunningPresync

_SECONDS = 60.0

# Waits until somebody fills the table that the bystander made.
_WAIT_FOR_GO = """
CREATE TABLE begun (id integer);
DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM go.go) LOOP PERFORM pg_sleep(0.02); END LOOP;
END $$;
"""
# One that is active may only be parsing it, before it has the lock.
_INSIDE_SCRIPT = "query ~ 'go.go' AND wait_event = 'PgSleep'"
_FLYWAY_WAITS = "query ~ 'pg_try_advisory' AND state <> 'active'"

_KIND_OF_LOCK = pytest.mark.parametrize(
    "transactional", ["true", "false"], ids=["transaction-lock", "session-lock"]
)
_VERSION = pytest.mark.parametrize("version", VERSIONS)


class Race:
    """One workspace for two tools, and a bystander who watches and gives the go."""

    def __init__(
        self, workspace: Workspace, flyway: FlywayProcess, start: Callable[..., RunningPresync]
    ) -> None:
        """Lay out a first migration that waits for `let_go`."""
        self._workspace = workspace
        self._flyway = flyway
        self._start = start
        self._thread = ThreadPoolExecutor(1)
        self.bystander = workspace.connect()
        self.bystander.execute("CREATE SCHEMA go CREATE TABLE go (id integer)")
        self.bystander.execute(
            "GRANT USAGE ON SCHEMA go TO PUBLIC; GRANT SELECT ON go.go TO PUBLIC"
        )
        self.write("V1__wait.sql", _WAIT_FOR_GO)

    def write(self, name: str, text: str) -> None:
        """Add a migration."""
        (self._workspace.root / name).write_text(text)

    def start_flyway(self, **settings: str) -> Future[FlywayAnswer]:
        """Let Flyway migrate in a thread."""
        return self._thread.submit(self._flyway.run, "migrate", self._workspace.settings(settings))

    def start_presync(self) -> RunningPresync:
        """Let presync migrate."""
        settings = {"PRESYNC_BACKUP_SOURCE": "none"}
        return self._start(["run"], self._workspace.settings(settings))

    def wait_until(self, condition: str) -> None:
        """Wait until *condition* holds for a session of the database but ours."""
        query = (
            "SELECT FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        )
        deadline = time.monotonic() + _SECONDS
        while not self.bystander.execute(query.encode()).fetchall():
            assert time.monotonic() < deadline, f"no session with {condition}"
            time.sleep(0.02)

    def let_go(self) -> None:
        """End the wait of the first migration."""
        self.bystander.execute("INSERT INTO go.go VALUES (1)")

    def history(self) -> list[tuple[object, ...]]:
        """Return rank, version and success of each row."""
        query = "SELECT installed_rank, version, success FROM flyway_schema_history ORDER BY 1"
        return self.bystander.execute(query).fetchall()

    def close(self) -> None:
        """Let whatever still waits come to its end."""
        self.let_go()
        self._thread.shutdown()
        self.bystander.close()


@pytest.fixture
def make_race(
    server: PostgresServer,
    tmp_path: Path,
    flyway: Callable[[str], FlywayProcess],
    start_presync: Callable[..., RunningPresync],
) -> Iterator[Callable[[str], Race]]:
    """Return ``make(version) -> Race``, once per test."""
    with created_workspace(server, tmp_path / "migrations", needs_superuser=False) as workspace:
        races: list[Race] = []

        def make(version: str) -> Race:
            races.append(Race(workspace, flyway(version), start_presync))
            return races[-1]

        yield make
        for race in races:
            race.close()


@_KIND_OF_LOCK
@_VERSION
def test_presync_waits_for_flyway(
    version: str, transactional: str, make_race: Callable[[str], Race]
) -> None:
    """A run that meets Flyway at work waits, and then finds nothing left to do."""
    race = make_race(version)
    flyway = race.start_flyway(FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK=transactional)
    race.wait_until(_INSIDE_SCRIPT)
    presync = race.start_presync()
    presync.wait_for_event("retry.scheduled", matching={"stage": "lock"})
    race.let_go()
    assert flyway.result(_SECONDS).accepted
    done = presync.wait()
    assert done.exit_code == 0, done.stderr
    assert race.history() == [(1, "1", True)]


@_KIND_OF_LOCK
@_VERSION
def test_flyway_waits_for_presync(
    version: str, transactional: str, make_race: Callable[[str], Race]
) -> None:
    """A Flyway that meets a run at work waits, and then finds nothing left to do."""
    race = make_race(version)
    presync = race.start_presync()
    race.wait_until(_INSIDE_SCRIPT)
    flyway = race.start_flyway(FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK=transactional)
    race.wait_until(_FLYWAY_WAITS)
    race.let_go()
    done = presync.wait()
    assert done.exit_code == 0, done.stderr
    answer = flyway.result(_SECONDS)
    assert answer.accepted, answer.message
    assert race.history() == [(1, "1", True)]


@_VERSION
def test_concurrent_index_is_built_while_flyway_waits(
    version: str, make_race: Callable[[str], Race]
) -> None:
    """Flyway waits with a snapshot that CREATE INDEX CONCURRENTLY must outlast.

    It gives up after three tries here, about a minute by default; either way it finds
    nothing left to do or says that it waited in vain.
    """
    race = make_race(version)
    race.write("V2__index.sql", "CREATE INDEX CONCURRENTLY begun_id ON begun (id);")
    presync = race.start_presync()
    race.wait_until(_INSIDE_SCRIPT)
    flyway = race.start_flyway(FLYWAY_LOCK_RETRY_COUNT="3")
    race.wait_until(_FLYWAY_WAITS)
    race.let_go()
    done = presync.wait()
    assert done.exit_code == 0, done.stderr
    flyway.result(_SECONDS)
    assert race.history() == [(1, "1", True), (2, "2", True)]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'begun_id'::regclass"
    assert race.bystander.execute(valid).fetchall() == [(True,)]
