"""Indexes that are built without locking the table: what a failed build leaves, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually

TABLE = "CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'a'), (2, 'a')"
UNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY i ON t (name)"
INDEXES = (
    "SELECT indexrelid::regclass::text, indisvalid, indisunique FROM pg_index"
    " WHERE indrelid = 't'::regclass ORDER BY 1"
)
BUILDING = "SELECT 1 FROM pg_stat_progress_create_index WHERE datname = current_database()"
OURS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'presync/%' AND query ILIKE '%CONCURRENTLY%' AND state = 'active'"
)


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table in which one name stands twice."""
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Return threads for what waits."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def told(gate: Gate, event: str = "migration.notice") -> list[str]:
    """Return what the run told in *event*."""
    return [message for name, message, _ in gate.events.told if name == event]


def run_again(gate: Gate) -> Report:
    """Run as after a failure that was looked into."""
    gate.orders = Orders(retries_failed=True)
    return gate.run()


def leave_invalid(gate: Gate, statement: str = UNIQUE) -> None:
    """Have *statement* fail over the name that stands twice."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        gate.database.execute(statement)


def build_by_another(gate: Gate, pool: ThreadPoolExecutor, statement: str) -> Future[None]:
    """Return somebody's build once it has begun; a writer of the table has to keep it waiting."""
    building = pool.submit(gate.database.execute, statement)
    eventually(lambda: bool(gate.database.query(BUILDING)))
    return building


def test_build_that_fails_leaves_nothing(gate: Gate) -> None:
    """No invalid index, no failed row: with the data corrected, the same release passes."""
    report = gate.run({"V2__i.sql": UNIQUE})
    assert report.verdict == (
        'FAILED 20 SQL_FAILED: V2__i.sql:1 23505 could not create unique index "i"; rolled back,'
        " at 1"
    )
    assert gate.database.query(INDEXES) == []
    assert len(gate.history()) == 1
    gate.database.execute("UPDATE t SET name = 'b' WHERE id = 2")
    assert run_again(gate).exit_code is ExitCode.OK
    assert gate.database.query(INDEXES) == [("i", True, True)]


def test_what_cannot_be_dropped_is_named_and_recorded(gate: Gate) -> None:
    """A reader of the table does not keep a build waiting, but a drop."""
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        report = gate.run({"V2__i.sql": UNIQUE})
    assert report.verdict == (
        'FAILED 21 PARTIAL: V2__i.sql:1 23505 could not create unique index "i";'
        " left behind: invalid index public.i on t, at 1"
    )
    assert "remove row 2 of public.flyway_schema_history" in deciding(report).hint
    assert gate.history()[1:] == [(2, "2", "V2__i.sql", False)]
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE


@pytest.mark.parametrize("condition", ["", "IF NOT EXISTS "])
def test_invalid_index_of_that_name_is_built_anew(gate: Gate, condition: str) -> None:
    """Without it the server refuses the name, or says nothing and keeps what is of no use."""
    leave_invalid(gate)
    report = gate.run({"V2__i.sql": f"CREATE INDEX CONCURRENTLY {condition}i ON t (name)"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INDEXES) == [("i", True, False)]
    assert told(gate) == [
        "V2__i.sql: NOTICE invalid index public.i on t, left by a failed build, is dropped first"
    ]


def test_names_mean_what_they_mean_to_the_script(gate: Gate) -> None:
    """Quoted, folded, and looked for where the script has set its path."""
    gate.database.execute(
        'CREATE SCHEMA "S s"; CREATE TABLE "S s"."T" (name text);'
        """INSERT INTO "S s"."T" VALUES ('a'), ('a')"""
    )
    leave_invalid(gate, 'CREATE UNIQUE INDEX CONCURRENTLY "I%s" ON "S s"."T" (name)')
    leave_invalid(gate)
    script = 'SET search_path = "S s";\nCREATE INDEX CONCURRENTLY U&"\\0049%s" ON "T" (name)'
    alone = {"V2__i.sql": script, "V2__i.sql.conf": "executeInTransaction=false"}
    report = gate.run(alone)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert "S s" in told(gate)[0]
    valid = 'SELECT indisvalid FROM pg_index WHERE indrelid = \'"S s"."T"\'::regclass'
    assert gate.database.query(valid) == [(True,)]
    assert gate.database.query(INDEXES) == [("i", False, True)], "of no concern to the script"


def test_invalid_index_of_another_table_is_left_alone(gate: Gate) -> None:
    """It is not what an earlier attempt at this statement has left."""
    gate.database.execute("CREATE TABLE other (name text)")
    leave_invalid(gate)
    report = gate.run({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON other (name)"})
    assert report.verdict.startswith('FAILED 20 SQL_FAILED: V2__i.sql:1 42P07 relation "i" already')
    assert gate.database.query(INDEXES) == [("i", False, True)]


def test_finished_index_is_kept(gate: Gate) -> None:
    """A run that was killed did not learn that the server had finished."""
    definition = "INDEX {} i ON t USING btree (lower(name) DESC, id) INCLUDE (name) WHERE id > 0"
    gate.database.execute(f"CREATE {definition.format('')}")
    oid = gate.database.query("SELECT 'i'::regclass::oid")
    report = gate.run({"V2__i.sql": f"CREATE {definition.format('CONCURRENTLY')}"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT 'i'::regclass::oid") == oid
    assert told(gate) == [
        "V2__i.sql: NOTICE index public.i on public.t is there, valid and as defined: kept"
    ]
    assert gate.history()[1:] == [(2, "2", "V2__i.sql", True)]


@pytest.mark.parametrize(
    "there",
    [
        "CREATE INDEX i ON t (id)",
        "CREATE INDEX i ON t (name DESC)",
        "CREATE INDEX i ON t (name) WHERE id > 0",
        "CREATE INDEX i ON t USING hash (name)",
        "DELETE FROM t; CREATE UNIQUE INDEX i ON t (name)",
    ],
)
def test_other_index_of_that_name_is_in_the_way(gate: Gate, there: str) -> None:
    """Only the server's own description of both tells whether they are the same."""
    gate.database.execute(there)
    report = gate.run({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"})
    assert report.verdict == (
        'FAILED 20 SQL_FAILED: V2__i.sql:1 42P07 relation "i" already exists; rolled back, at 1'
    )
    assert len(gate.history()) == 1


def test_build_of_another_is_waited_for(gate: Gate, pool: ThreadPoolExecutor) -> None:
    """The server may be at work for a run that was killed; then its index is the one wanted."""
    gate.limit(run_settings(ladder=[0.1] * 40))
    statement = "CREATE INDEX CONCURRENTLY i ON t (name)"
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (3, 'c')")
        building = build_by_another(gate, pool, statement)
        running = gate.start({"V2__i.sql": statement})
        eventually(lambda: bool(told(gate, "retry.scheduled")))
        retry = told(gate, "retry.scheduled")[0]
    building.result(60)
    report = running.report()
    assert "55P03 index public.i on t is being built by process " in retry
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INDEXES) == [("i", True, False)]


def test_build_of_another_that_does_not_end_is_contention(
    gate: Gate, pool: ThreadPoolExecutor
) -> None:
    """It is neither dropped nor taken for something that this run has left."""
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (3, 'c')")
        building = build_by_another(gate, pool, "CREATE INDEX CONCURRENTLY i ON t (name)")
        report = gate.run({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
    building.result(60)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "is being built by process" in report.verdict
    assert gate.database.query(INDEXES) == [("i", True, False)]


def test_build_on_another_table_does_not_matter(gate: Gate, pool: ThreadPoolExecutor) -> None:
    """An index that somebody is building is no invalid one."""
    gate.database.execute("CREATE TABLE other (id int)")
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO other VALUES (1)")
        building = build_by_another(gate, pool, "CREATE INDEX CONCURRENTLY o ON other (id)")
        report = gate.run({"V2__x.sql": "VACUUM t;\nVACUUM missing"})
    building.result(60)
    assert report.verdict == (
        'FAILED 21 PARTIAL: V2__x.sql:2 42P01 relation "missing" does not exist;'
        " left behind: everything up to line 1, at 1"
    )


def test_connection_lost_during_a_build(gate: Gate) -> None:
    """The invalid index is dropped, and the statement run again."""
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (3, 'c')")
        running = gate.start({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"})
        eventually(lambda: bool(gate.database.query(BUILDING)))
        ((pid,),) = gate.database.query(OURS)
        gate.database.query(f"SELECT pg_terminate_backend({pid})")
        eventually(lambda: bool(gate.events.named("connection.lost")))
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert gate.database.query(INDEXES) == [("i", True, False)]


@pytest.mark.parametrize(
    "script",
    [
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY public.t",
        "REINDEX SCHEMA CONCURRENTLY public",
    ],
)
def test_leftover_of_a_reindex_is_dropped(gate: Gate, script: str) -> None:
    """The server would pass it by with a warning, and keep it for ever."""
    gate.database.execute("CREATE INDEX i ON t (id)")
    with gate.database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (3, 'c')")
        with gate.database.connect() as other:
            other.execute("SET statement_timeout = 300")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute("REINDEX INDEX CONCURRENTLY i")
    assert gate.database.query(INDEXES) == [("i", True, False), ("i_ccnew", False, False)]
    report = gate.run({"V2__r.sql": script})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INDEXES) == [("i", True, False)]
    assert "invalid index public.i_ccnew on t" in told(gate)[0]


def test_reindex_that_fails_leaves_nothing(gate: Gate) -> None:
    """Its transient index is dropped; the one it was to replace stays."""
    leave_invalid(gate)
    report = gate.run({"V2__r.sql": "REINDEX INDEX CONCURRENTLY i"})
    assert report.verdict.startswith("FAILED 20 SQL_FAILED: V2__r.sql:1 23505")
    assert gate.database.query(INDEXES) == [("i", False, True)], "as it was before"
    gate.database.execute("UPDATE t SET name = 'b' WHERE id = 2")
    assert run_again(gate).exit_code is ExitCode.OK
    assert gate.database.query(INDEXES) == [("i", True, True)]


def test_leftover_that_may_not_be_dropped_ends_the_attempt(gate: Gate) -> None:
    """The index is named, and what to do with it."""
    leave_invalid(gate)
    gate.database.execute(
        "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not now'; END $$;"
        "CREATE EVENT TRIGGER no ON ddl_command_start WHEN TAG IN ('DROP INDEX')"
        " EXECUTE FUNCTION no()"
    )
    report = gate.run({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"})
    assert report.verdict == (
        "FAILED 20 SQL_FAILED: V2__i.sql (dropping what a failed build left) P0001 not now;"
        " rolled back, at 1"
    )
    assert "DROP INDEX CONCURRENTLY" in deciding(report).hint
