"""Scripts without transaction that are stopped from outside: what the next run mends by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.clock import Interrupt
from hook.core.execution.attempt import AttemptEnd
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually

Connection = psycopg.Connection[TupleRow]
TABLE = "CREATE TABLE t (id int, name text); CREATE TABLE other (id int)"
PARTITIONED = "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE c PARTITION OF p"
BUILD = "CREATE INDEX CONCURRENTLY i ON t (id)"
LEFT = "; left behind: invalid index public.i on t (the next run mends that), at 1"
INDEXES = (
    "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"
    " WHERE indrelid = 't'::regclass ORDER BY 1"
)
ON_C = INDEXES.replace("'t'", "'c'")
# Two of the three phases of a build wait for others.
BUILDING = (
    "SELECT FROM pg_stat_progress_create_index WHERE datname = current_database()"
    " AND phase LIKE 'waiting for {}%'"
)
WAITING = (
    "SELECT FROM pg_stat_activity WHERE application_name LIKE 'presync/%'"
    " AND datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%INDEX%'"
)


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table."""
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK


@pytest.fixture
def stop(gate: Gate, calm: Interrupt) -> Callable[[], None]:
    """Return what stops the run that is at work, and no later one."""

    def stop_now() -> None:
        gate.interrupt.set("SIGTERM")
        gate.interrupt = calm

    return stop_now


@contextlib.contextmanager
def writing(gate: Gate, table: str = "t") -> Iterator[Connection]:
    """Keep a transaction open that has written to *table*: every build of it waits."""
    with gate.database.connect(autocommit=False) as writer:
        writer.execute(f"INSERT INTO {table} VALUES (1)".encode())
        yield writer


def assert_mended(gate: Gate, report: Report) -> None:
    """The run after *report* needs nobody."""
    assert gate.history()[1:] == [], report.verdict
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.history()[1:] == [(2, "2", "V2__i.sql", True)]


def test_build_that_is_stopped_is_built_by_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """The transaction that the build waited for is in the way of a drop too."""
    with writing(gate):
        running = gate.start({"V2__i.sql": BUILD})
        eventually(lambda: bool(gate.database.query(BUILDING.format("writers"))))
        stop()
        report = running.report()
    assert report.verdict == f"FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:1{LEFT}"
    assert gate.database.query(INDEXES) == [("i", False)]
    assert_mended(gate, report)
    assert gate.database.query(INDEXES) == [("i", True)]


def test_build_that_is_stopped_is_dropped_where_nobody_is_in_the_way(
    gate: Gate, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build also waits for those that only look at other tables; a drop does not."""
    # A busy machine is nobody in the way.
    patience = "hook.engines.flyway.index_repair._DROP_SECONDS"
    monkeypatch.setattr(patience, {AttemptEnd.INTERRUPTED: 60.0})
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT FROM other")
        running = gate.start({"V2__i.sql": BUILD})
        eventually(lambda: bool(gate.database.query(BUILDING.format("old snapshots"))))
        stop()
        report = running.report()
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:1; rolled back, at 1"
    )
    assert gate.database.query(INDEXES) == []
    assert_mended(gate, report)


def test_build_that_takes_too_long_is_built_by_the_next_run(gate: Gate) -> None:
    """The time is used up, and nothing is wrong with the script."""
    gate.limit(run_settings(statement_timeout=2))
    with writing(gate):
        report = gate.run({"V2__i.sql": BUILD})
    # Whom it waited for, if somebody has seen it, does not fit into the verdict.
    assert report.verdict.startswith(
        "FAILED 23 BUDGET: V2__i.sql:1 57014 canceling statement due to statement timeout"
    )
    assert report.verdict.endswith(LEFT)
    gate.limit(run_settings())
    assert_mended(gate, report)


def test_index_whose_drop_is_stopped_is_dropped_by_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """From its first step on the index is of no more use; it is there until the last one."""
    gate.database.execute("CREATE INDEX i ON t (id)")
    with writing(gate):
        running = gate.start({"V2__i.sql": "DROP INDEX CONCURRENTLY i"})
        eventually(lambda: gate.database.query(INDEXES) == [("i", False)])
        stop()
        report = running.report()
    assert report.verdict == f"FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:1{LEFT}"
    assert_mended(gate, report)
    assert gate.database.query(INDEXES) == []


def test_reindex_that_is_stopped_is_done_by_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """The index that it was to replace has stayed valid; the other one is in nobody's way."""
    gate.database.execute("CREATE INDEX i ON t (id)")
    with writing(gate):
        running = gate.start({"V2__i.sql": "REINDEX TABLE CONCURRENTLY t"})
        eventually(lambda: bool(gate.database.query(WAITING)))
        stop()
        report = running.report()
    assert "left behind: invalid index public.i_ccnew on t (the next run mends that)" in (
        report.verdict
    )
    assert gate.database.query(INDEXES) == [("i", True), ("i_ccnew", False)]
    assert_mended(gate, report)
    assert gate.database.query(INDEXES) == [("i", True)]


@pytest.mark.since_server(14, "REINDEX of partitioned relations")
def test_reindex_of_partitions_that_is_stopped_is_done_by_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """What is left lies on the partitions, of which the script does not speak."""
    gate.database.execute(
        f"{PARTITIONED} FOR VALUES IN (1); CREATE TABLE d PARTITION OF p DEFAULT;"
        " CREATE INDEX pi ON p (id)"
    )
    with writing(gate, "p"):
        running = gate.start({"V2__i.sql": "REINDEX INDEX CONCURRENTLY pi"})
        eventually(lambda: bool(gate.database.query(WAITING)))
        stop()
        report = running.report()
    assert "left behind: invalid index public.c_id_idx_ccnew on c (the next run mends that)" in (
        report.verdict
    )
    assert gate.database.query(ON_C) == [("c_id_idx", True), ("c_id_idx_ccnew", False)]
    assert_mended(gate, report)
    assert gate.database.query(ON_C) == [("c_id_idx", True)]


def test_script_that_may_run_again_is_never_half_done(gate: Gate, stop: Callable[[], None]) -> None:
    """The next run keeps the index that is finished, and builds the other one."""
    gate.database.execute("CREATE INDEX o ON other (id)")
    script = "CREATE INDEX CONCURRENTLY first ON other (id);\nCREATE INDEX CONCURRENTLY i ON t (id)"
    with writing(gate):
        running = gate.start({"V2__i.sql": script})
        eventually(lambda: bool(gate.database.query(BUILDING.format("writers"))))
        stop()
        report = running.report()
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:2; left behind: index first (line 1),"
        " invalid index public.i on t (the next run mends that), at 1"
    )
    first = gate.database.query("SELECT 'first'::regclass::oid")
    assert_mended(gate, report)
    assert gate.database.query("SELECT 'first'::regclass::oid") == first
    assert gate.database.query(INDEXES) == [("i", True)]


def stopped_in_build_behind(gate: Gate, stop: Callable[[], None], statement: str) -> Report:
    """Return how a run ends that is told to stop in a build, with *statement* done."""
    script = f"{statement};\nCREATE INDEX CONCURRENTLY i ON t (id)"
    with writing(gate):
        alone = {"V2__i.sql": script, "V2__i.sql.conf": "executeInTransaction=false"}
        running = gate.start(alone)
        eventually(lambda: bool(gate.database.query(BUILDING.format("writers"))))
        stop()
        return running.report()


def test_index_beside_half_done_work_is_for_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """The ledger says that the row is there, and the catalog that the index is no good."""
    report = stopped_in_build_behind(gate, stop, "INSERT INTO other VALUES (1)")
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:2; left behind: everything up to"
        " line 1 (the next run goes on behind that), invalid index public.i…, at 1"
    )
    assert_mended(gate, report)
    assert gate.database.query("SELECT id FROM other") == [(1,)]
    assert gate.database.query(INDEXES) == [("i", True)]


def test_index_beside_work_that_is_not_noted_is_for_a_human(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """The rows would be there twice, so the failed row keeps the next run away."""
    report = stopped_in_build_behind(gate, stop, "INSERT INTO other VALUES (1);\nLISTEN l")
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:3; left behind: everything up to"
        " line 2, invalid index public.i on t, at 1"
    )
    assert gate.history()[1:] == [(2, "2", "V2__i.sql", False)]
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE


def test_stop_while_the_leftover_is_dropped_leaves_it_to_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """It was there before this run, and is still there; the table is not as it should be."""
    gate.limit(run_settings(statement_timeout=2))
    with writing(gate):
        assert gate.run({"V2__i.sql": BUILD}).exit_code is ExitCode.BUDGET
        gate.limit(run_settings())
        running = gate.start()
        eventually(lambda: bool(gate.database.query(WAITING)))
        stop()
        report = running.report()
    assert deciding(report).message == (
        "SIGTERM received in V2__i.sql (dropping what a failed build left); left behind:"
        " invalid index public.i on t (the next run mends that)"
    )
    assert_mended(gate, report)
    assert gate.database.query(INDEXES) == [("i", True)]


DETACH = "ALTER TABLE p DETACH PARTITION c CONCURRENTLY"
PENDING = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending"


@pytest.mark.since_server(14, "DETACH … CONCURRENTLY")
def test_detach_that_is_stopped_is_finished_by_the_next_run(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """It has committed once; the server refuses the same command then."""
    gate.database.execute(f"{PARTITIONED} FOR VALUES IN (1)")
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("SELECT FROM p")
        running = gate.start({"V2__i.sql": DETACH})
        eventually(lambda: gate.database.query(PENDING) == [("c",)])
        stop()
        report = running.report()
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__i.sql:1; left behind: partition c of p,"
        " whose detach is pending (the next run mends that), at 1"
    )
    assert_mended(gate, report)
    assert gate.database.query("SELECT count(*) FROM pg_inherits") == [(0,)]


@pytest.mark.since_server(14, "DETACH … CONCURRENTLY")
def test_detach_that_is_refused_leaves_nothing(gate: Gate) -> None:
    """Refused in its first half, which is looked up and not taken for half-done."""
    gate.database.execute(f"{PARTITIONED} DEFAULT")
    report = gate.run({"V2__i.sql": DETACH})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert report.verdict.endswith("; rolled back, at 1")
    assert gate.history()[1:] == []
