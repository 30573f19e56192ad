"""A first run that loses a connection at any request whatsoever, of any of its connections."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hook.clock import Interrupt
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from tests.integration.test_ground import look_for_blockers
from tests.testbed.database import created_database
from tests.testbed.deployment import OURS
from tests.testbed.gate import Gate, settings_for
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.proxy import Fault, Proxy, running_proxy
from tests.testbed.run_context import eventually

FILES = {
    "V1__t.sql": "CREATE TABLE t (n int);\nCREATE TABLE x (n int);\nINSERT INTO x VALUES (1)",
    "V2__y.sql": "INSERT INTO t VALUES (1);\nINSERT INTO t SELECT 2;\n"
    "CREATE INDEX CONCURRENTLY i ON t (n)",
    "V2__y.sql.conf": "executeInTransaction=false",
}
APPLIED = [("V1__t.sql", True), ("V2__y.sql", True)]
# Of the first script nothing is there without its row; of the second one there may be a part.
MADE = [([1, 2], [1], True)]
STATE = (
    "SELECT ARRAY(SELECT n FROM t ORDER BY n), ARRAY(SELECT n FROM x),"
    " (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('i'))"
)
CREATED = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
TABLES = "SELECT count(*) FROM pg_class WHERE relname IN ('t', 'x')"
HISTORY = "SELECT to_regclass('flyway_schema_history')"
ENDINGS = "SELECT exit_code FROM presync_run ORDER BY id"
LOCKS = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# What the watcher asks depends on how long a script takes.
OF_TIME = (b"SET statement_timeout = 0; SET lock_timeout = 0", b"-- Who waits for a lock")
# One test for each, for those who run them side by side.
PARTS = 6
Place = tuple[bytes, int]


@contextlib.contextmanager
def released(server: PostgresServer, folder: Path) -> Iterator[tuple[Gate, Proxy]]:
    """Yield a gate on an empty database with the proxy in front of that."""
    folder.mkdir()
    with (
        created_database(server) as database,
        running_proxy(server) as proxy,
        contextlib.closing(Interrupt()) as interrupt,
    ):
        settings = settings_for(proxy.target(database), folder)
        gate = Gate(database, folder, interrupt, settings)
        look_for_blockers(gate)
        gate.release(FILES)
        yield gate, proxy


@pytest.fixture(scope="module")
def places(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    """Return all that a run asks: the request, and how many like it are in front of it."""
    with released(server, tmp_path_factory.mktemp("recorded") / "release") as (gate, proxy):
        assert gate.run().exit_code is ExitCode.OK
        requests = [item for item in proxy.requests if not item.startswith(OF_TIME)]
    seen: Counter[bytes] = Counter()
    found = []
    for request in requests:
        found.append((request, seen[request]))
        seen[request] += 1
    return found


def left_by(gate: Gate) -> tuple[list[tuple[object, ...]], bool]:
    """Return what the history tells, and whether there are tables."""
    has_history = gate.database.query(HISTORY) != [(None,)]
    rows = [tuple(row[2:]) for row in gate.history()] if has_history else []
    return rows, gate.database.query(TABLES) != [(0,)]


def judge_end(gate: Gate) -> None:
    """Everything is applied, once, and nobody is left."""
    assert left_by(gate)[0] == APPLIED
    assert gate.database.query(STATE) == MADE
    eventually(lambda: not gate.database.query(f"SELECT 1 {OURS} '{gate.database.name}'"))
    assert gate.database.query(LOCKS) == []


def judge_truth(gate: Gate, report: Report) -> None:
    """What the verdict says is so, and the history tells of what is there."""
    rows, has_tables = left_by(gate)
    assert has_tables == bool(rows), report.verdict
    assert (rows == APPLIED) == (report.exit_code is ExitCode.OK), report.verdict
    assert all(success for _, success in rows), report.verdict
    created = gate.database.query(CREATED) != [(0,)]
    assert not (created and "untouched" in report.verdict), report.verdict


def lose_each(
    server: PostgresServer, folder: Path, cells: Sequence[tuple[Place, Fault]], behind: int | None
) -> Iterator[tuple[Gate, Report]]:
    """Yield how each run ends that loses a connection there, and *behind* it once more."""
    for number, ((request, before), fault) in enumerate(cells):
        with released(server, folder / str(number)) as (gate, proxy):
            proxy.nth = (request, before, fault)
            proxy.behind = [] if behind is None else [behind]
            report = gate.run()
            proxy.nth = None
            assert proxy.lost_at, request
            yield gate, report


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
@pytest.mark.parametrize("part", range(PARTS))
def test_run_that_loses_a_connection_anywhere_goes_on_on_a_new_one(
    server: PostgresServer, tmp_path: Path, places: list[Place], part: int, fault: Fault
) -> None:
    """Each statement is run once, and the ledger has one row, which tells the end."""
    for gate, report in lose_each(
        server, tmp_path, [(place, fault) for place in places[part::PARTS]], None
    ):
        assert report.exit_code is ExitCode.OK, report.verdict
        judge_end(gate)
        assert gate.database.query(ENDINGS) == [(0,)]
        assert gate.run().exit_code is ExitCode.OK


@pytest.mark.parametrize("part", range(PARTS))
def test_run_that_loses_the_new_connection_too_tells_the_truth(
    server: PostgresServer, tmp_path: Path, places: list[Place], part: int
) -> None:
    """With the first thing that is asked on it: then the run goes on, or says how it stands."""
    for gate, report in lose_each(
        server, tmp_path, [(place, Fault.REQUEST) for place in places[part::PARTS]], 0
    ):
        assert report.exit_code in {ExitCode.OK, ExitCode.UNREACHABLE, ExitCode.LOCKED}
        judge_truth(gate, report)
        again = gate.run()
        assert again.exit_code is ExitCode.OK, again.verdict
        judge_end(gate)
