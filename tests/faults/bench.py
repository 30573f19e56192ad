"""Servers, databases and runs for the cells."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from psycopg.conninfo import make_conninfo

from hook.demo.programs import reachable, server_account
from hook.errors import ExitCode
from tests.faults.archive import Archive, archive_of
from tests.faults.backup_job import FRESH, write_listing
from tests.faults.cells import Cell
from tests.faults.faults import STRIKES, UNAIDED, Scene, around, environment
from tests.faults.holds import Ground
from tests.faults.kinds import ARCHIVED, BASE, SETTINGS, Kind
from tests.interop.presync_server import PresyncServer
from tests.interop.snapshot import Snapshot, take_snapshot
from tests.testbed.binaries import find_binaries
from tests.testbed.database import Database, let_leave
from tests.testbed.deployment import OURS, Deployment
from tests.testbed.network import Network, running_network
from tests.testbed.postgres_server import PostgresServer, running_server
from tests.testbed.process import Completed, RunningPresync, launch
from tests.testbed.run_context import eventually
from tests.upstream.npm_servers import server_programs

# A crash must not take away what was committed, and nothing else is slow here.
_SERVER = {"synchronous_commit": "on"}
# A peer that is gone is noticed after three seconds instead of a minute.
_QUICK = {
    "sslmode": "disable",
    "gssencmode": "disable",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "3000",
}
_PATIENT = {
    "PRESYNC_BACKUP_SOURCE": "none",
    "PRESYNC_BLOCKERS_POLICY": "off",
    "PRESYNC_LOCK_LADDER": "60s,60s,60s,60s",
    # A standby may be made and promoted meanwhile, on a busy machine.
    "PRESYNC_WAIT_TIMEOUT": "2m",
    "PRESYNC_LOCK_WAIT": "2m",
    "PRESYNC_BLOCKER_WAIT": "2m",
    "PRESYNC_BACKUP_TIMEOUT": "2m",
    "PRESYNC_MARKER_WAIT": "2m",
    "PRESYNC_DEADLINE": "5m",
}

_LOCKS = (
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# No definition is written of what PostgreSQL adds by itself.
_LEFT_ON_TOAST = """\
SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
 WHERE NOT x.indisvalid AND i.relnamespace = 'pg_toast'::regnamespace ORDER BY 1
"""
_numbers = itertools.count(1)
# Each fault strikes here what is started like any program; everywhere else what is forked.
_STARTED = (15, Kind.MULTI)


class State(NamedTuple):
    """What the database holds: which scripts are recorded as what, and all the rest.

    Attributes:
        records: The rows of the history as a whole, but for times.
    """

    history: tuple[tuple[str, bool], ...]
    records: tuple[str, ...]
    schema: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def content(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what scripts make."""
        return self.schema, self.rows


@dataclass(slots=True)
class Bench:
    """A server of one version, and what the cells on it are compared with.

    Attributes:
        before: What the database holds that every cell begins with.
        targets: What a run that nothing happens to leaves, by kind.
    """

    server: PostgresServer
    template: Database
    presync: PresyncServer
    folder: Path
    archive: Archive
    before: State = field(init=False)
    targets: dict[Kind, State] = field(default_factory=dict)

    def target(self, kind: Kind) -> State:
        """Return what the release of *kind* is to lead to."""
        if kind not in self.targets:
            with _fresh_database(self) as database:
                done = self.run(self.deployment(database, kind), kind, "run")
                assert done.exit_code == 0, done.stderr
                self.targets[kind] = state_of(database)
        return self.targets[kind]

    def deployment(self, database: Database, kind: Kind) -> Deployment:
        """Return the release of *kind* in front of *database*."""
        folder = self.folder / database.name
        (folder / "sql").mkdir(parents=True, exist_ok=True)
        deployment = Deployment(database, folder)
        deployment.release({**BASE, **SETTINGS[kind].files})
        write_listing(folder, database.name, FRESH)
        if kind in ARCHIVED:
            self.archive.begin(self.server)
            (folder / "repo").symlink_to(self.archive.root)
        else:
            self.archive.end()
        return deployment

    def run(self, deployment: Deployment, kind: Kind, *arguments: str) -> Completed:
        """Run presync with *arguments* on the release of *kind*, with no network in between."""
        more = {"PRESYNC_BLOCKERS_POLICY": "off", **_own_settings(kind, deployment.folder)}
        return self.presync.run(arguments, deployment.env(**more))


def _fail_before(bench: Bench, deployment: Deployment, kind: Kind) -> None:
    """Let the run have failed, of a cause that is gone by now."""
    database, cause = deployment.database, SETTINGS[kind].cause
    if cause:
        database.execute(f"ALTER DATABASE {database.name} SET {cause} = 'there'")
        failed = bench.run(deployment, kind, "run")
        assert failed.exit_code == ExitCode.SQL_FAILED, failed.stderr
        database.execute(f"ALTER DATABASE {database.name} RESET {cause}")


def _own_settings(kind: Kind, folder: Path) -> dict[str, str]:
    return {name: text.format(folder=folder) for name, text in SETTINGS[kind].env.items()}


def state_of(database: Database) -> State:
    """Return what *database* holds."""
    with database.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        seen: Snapshot = take_snapshot(connection)
        query = "SELECT script, success FROM public.flyway_schema_history ORDER BY installed_rank"
        rows = connection.execute(query).fetchall()
        left = tuple(f"invalid index {name}" for (name,) in connection.execute(_LEFT_ON_TOAST))
    return State(
        tuple((str(script), bool(ok)) for script, ok in rows),
        seen.history,
        seen.schema + left,
        seen.rows,
    )


@contextlib.contextmanager
def running_bench(major: int, presync: PresyncServer, folder: Path) -> Iterator[Bench]:
    """Start a server of version *major*, with the database that every cell begins with."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        programs = stack.enter_context(reachable(server_programs(major), server_account()))
        archive = stack.enter_context(archive_of(major))
        settings = {**_SERVER, **archive.settings}
        server = stack.enter_context(running_server(find_binaries(str(programs)), settings))
        template = Database(server, "base")
        with server.connect() as admin:
            admin.execute(b"CREATE DATABASE base")
        bench = Bench(server, template, presync, folder, archive)
        first = Deployment(template, folder / "base")
        (first.folder / "sql").mkdir(parents=True)
        first.release(BASE)
        done = bench.run(first, Kind.MULTI, "run")
        assert done.exit_code == 0, done.stderr
        bench.before = state_of(template)
        yield bench


class Struck(NamedTuple):
    """How a run ended that a fault has struck, and where."""

    completed: Completed
    deployment: Deployment


@contextlib.contextmanager
def _fresh_database(bench: Bench) -> Iterator[Database]:
    """Create a database; no connection of ours is open while its server is restarted."""
    name = f"f{os.getpid()}_{next(_numbers)}"
    with bench.server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {bench.template.name}".encode())
    try:
        yield Database(bench.server, name)
    finally:
        with bench.server.connect() as admin:
            let_leave(name, admin)
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextlib.contextmanager
def struck(bench: Bench, cell: Cell) -> Iterator[Struck]:
    """Run presync into *cell*; afterwards nobody holds it and the network is back."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(_fresh_database(bench))
        deployment = bench.deployment(database, cell.kind)
        _fail_before(bench, deployment, cell.kind)
        network = stack.enter_context(running_network(bench.server.host, bench.server.port))
        after = stack.enter_context(contextlib.ExitStack())
        with around(cell.fault, database):
            completed, where = _strike(bench, cell, deployment, network, after)
        moved = Deployment(where, deployment.folder)
        _await_release(where)
        network.end_all()
        eventually(lambda: not moved.has_sessions())
        yield Struck(completed, moved)


def _await_release(database: Database) -> None:
    """Wait until no migration lock is left, whatever sessions there are whose peer vanished."""
    with database.connect() as eye:
        eventually(lambda: not eye.execute(_LOCKS).fetchall())


def _strike(
    bench: Bench, cell: Cell, deployment: Deployment, network: Network, after: contextlib.ExitStack
) -> tuple[Completed, Database]:
    database, folder = deployment.database, deployment.folder
    start = _launcher(bench, cell)
    ground = Ground(database, network, folder)
    with contextlib.ExitStack() as hold, contextlib.ExitStack() as processes:
        arrive = hold.enter_context(SETTINGS[cell.kind].hold(ground))
        environment = {**_environment(cell, deployment, network), **ground.env}

        def begin() -> RunningPresync:
            running = start(["run"], environment, folder, SETTINGS[cell.kind].module)
            processes.callback(running.close)
            return running

        running = begin()
        arrive(running)
        if running.process.poll() is None:
            there = _backends_of_ours(database)
            scene = Scene(cell.kind, database, network, running, hold, begin, sum(there[:1]), after)
            STRIKES[cell.fault](scene)
            running, database = scene.running, scene.database
        else:
            assert cell.fault in UNAIDED, running.wait().stderr
        hold.close()
        return running.wait(), database


def _launcher(bench: Bench, cell: Cell) -> Callable[..., RunningPresync]:
    return launch if (bench.server.major, cell.kind) == _STARTED else bench.presync.launch


def _backends_of_ours(database: Database) -> list[int]:
    """Return the backends that may be struck: the one that waits, or was at work last, first."""
    order = "(wait_event_type = 'Lock') IS TRUE DESC, state_change DESC"
    return [
        pid for (pid,) in database.query(f"SELECT pid {OURS} '{database.name}' ORDER BY {order}")
    ]


def _environment(cell: Cell, deployment: Deployment, network: Network) -> Mapping[str, str]:
    database = deployment.database
    url = make_conninfo(
        "", host="127.0.0.1", port=str(network.port), dbname=database.name,
        user=database.server.superuser, **_QUICK,
    )  # fmt: skip
    own = _own_settings(cell.kind, deployment.folder)
    more = {**_PATIENT, **own, **environment(cell.kind, cell.fault)}
    return deployment.env(**{**more, "PRESYNC_URL": url})
