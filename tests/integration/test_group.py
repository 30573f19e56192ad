"""FLYWAY_GROUP: all pending migrations in one transaction, on a real server."""

from __future__ import annotations

import pytest

from hook.core.outcome import Status
from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually, is_running

ROW = 'INSERT INTO "public"."flyway_schema_history"'
FILES = {
    "V2__two.sql": "INSERT INTO t VALUES (2)",
    "V3__three.sql": "INSERT INTO t VALUES (3)",
    "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT id FROM t",
}
ALL: list[tuple[object, ...]] = [
    (1, "1", "V1__t.sql", True),
    (2, "2", "V2__two.sql", True),
    (3, "3", "V3__three.sql", True),
    (4, None, "R__view.sql", True),
]
SLEEPING = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    " AND application_name LIKE 'presync/%' AND datname = current_database()"
)


def group(gate: Gate, *, is_mixed: bool = False) -> None:
    """Let *gate* run its migrations as a group."""
    execution = gate.settings.migrations.execution
    execution = execution._replace(is_grouped=True, is_mixed_allowed=is_mixed)
    migrations = gate.settings.migrations._replace(execution=execution)
    gate.settings = gate.settings._replace(migrations=migrations)


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table, and group what follows."""
    report = gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    assert report.exit_code is ExitCode.OK
    group(gate)


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with the proxy in front of its database."""
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    group(gate)
    return gate


def rows(gate: Gate) -> list[int]:
    """Return what the scripts have inserted."""
    return [row[0] for row in gate.database.query("SELECT id FROM t ORDER BY id")]


def test_group_commits_everything_at_once(gate: Gate) -> None:
    """One transaction wrote all rows, and each script has a time of its own."""
    slow = {"V3__three.sql": "INSERT INTO t VALUES (3); SELECT pg_sleep(2)"}
    report = gate.run({**FILES, **slow})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert "3 applied (V2, V3, R view), at 3" in report.verdict
    assert gate.history() == ALL
    written = "SELECT count(DISTINCT xmin::text), count(DISTINCT installed_on), count(*)"
    query = f"{written} FROM flyway_schema_history WHERE installed_rank > 1"
    assert gate.database.query(query) == [(1, 1, 3)]
    times = "SELECT execution_time FROM flyway_schema_history ORDER BY installed_rank OFFSET 1"
    second, third, last = (row[0] for row in gate.database.query(times))
    assert third >= 2000
    assert max(second, last) < 2000
    told = {item.script: item.duration_ms for item in report.migrations}
    assert told["V3__three.sql"] >= 2000 > told["V2__two.sql"]
    assert len(gate.events.named("migration.applied")) == 3


def test_failure_rolls_back_the_whole_group(gate: Gate) -> None:
    """Nothing of what came before it stays, and the verdict says so."""
    report = gate.run({**FILES, "V3__three.sql": "INSERT INTO t VALUES (3);\n\nSELECT 1/0"})
    assert report.verdict == (
        "FAILED 20 SQL_FAILED: V3__three.sql:3 22012 division by zero, and with it 2 other"
        " migrations of its group; rolled back, at 1"
    )
    assert report.migrations == ()
    assert report.pending == ("V2__two.sql", "V3__three.sql", "R__view.sql")
    assert (rows(gate), gate.history()) == ([], ALL[:1])


def test_broken_group_runs_once(gate: Gate) -> None:
    """The retries of a sync find the failure remembered, though the script is not the first."""
    gate.database.execute("CREATE SEQUENCE runs")
    counting = {"V2__two.sql": "SELECT nextval('runs')", "V3__three.sql": "SELECT 1/0"}
    assert gate.run({**FILES, **counting}).exit_code is ExitCode.SQL_FAILED
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE
    assert gate.database.query("SELECT last_value FROM runs") == [(1,)]


def test_settings_of_one_script_do_not_reach_the_next(gate: Gate) -> None:
    """The session is reset within the transaction as it is between two."""
    spoil = "SET search_path = ''; SET lock_timeout = 0; SET LOCAL statement_timeout = '61s'"
    names = ("search_path", "lock_timeout", "statement_timeout", "tcp_keepalives_idle")
    columns = ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    files = {"V2__two.sql": spoil, "V3__three.sql": f"CREATE TABLE seen AS SELECT {columns}"}
    report = gate.run(files)
    assert report.exit_code is ExitCode.OK, report.verdict
    expected = ('"public","$user", public', "100ms", "30s", "30")
    assert gate.database.query("SELECT * FROM seen") == [expected]


def test_deferred_constraint_is_checked_at_the_end_of_the_group(gate: Gate) -> None:
    """A later script may bring what an earlier one lacks, as with Flyway."""
    gate.database.execute("ALTER TABLE t ADD PRIMARY KEY (id)")
    child = "CREATE TABLE c (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)"
    files = {"V2__two.sql": f"{child}; INSERT INTO c VALUES (9)"}
    report = gate.run({**files, "V3__three.sql": "INSERT INTO t VALUES (9)"})
    assert report.exit_code is ExitCode.OK, report.verdict
    report = gate.run({"V4__x.sql": "SELECT 1", "V5__y.sql": "INSERT INTO c VALUES (10)"})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert "V5__y.sql (COMMIT) 23503" in report.verdict
    assert len(gate.history()) == 3


def test_lock_timeout_repeats_the_whole_group(gate: Gate) -> None:
    """What the attempt did before the lock was in the way is done again, once."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    files = {**FILES, "V3__three.sql": "INSERT INTO t VALUES (3); LOCK TABLE other"}
    gate.database.execute("CREATE TABLE other ()")
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE other")
        running = gate.start(files)
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        other.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert rows(gate) == [2, 3]
    assert gate.history() == ALL
    assert {item.attempts for item in report.migrations} == {2}
    assert gate.events.named("retry.scheduled")[0]["script"] == "V2__two.sql … R__view.sql"


@pytest.mark.parametrize(("fault", "attempts"), [(Fault.REPLY, 1), (Fault.REQUEST, 2)])
def test_connection_lost_at_the_commit_is_decided_by_the_rows(
    proxied: Gate, proxy: Proxy, fault: Fault, attempts: int
) -> None:
    """Committed or not, nothing runs twice and nothing is left out."""
    proxy.lose("REPLACE VIEW", fault)
    report = proxied.run(FILES)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert rows(proxied) == [2, 3]
    assert proxied.history() == ALL
    assert [item.attempts for item in report.migrations] == [attempts] * 3


def test_connection_lost_within_the_group_repeats_all_of_it(proxied: Gate, proxy: Proxy) -> None:
    """The row that was answered before is rolled back with the rest."""
    proxy.lose("VALUES (3)", Fault.REPLY)
    report = proxied.run(FILES)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert (rows(proxied), proxied.history()) == ([2, 3], ALL)
    assert {item.attempts for item in report.migrations} == {2}


def test_stop_request_rolls_back_the_whole_group(gate: Gate) -> None:
    """Nobody has to find out how far it came."""
    running = gate.start({**FILES, "V3__three.sql": "SELECT pg_sleep(60)"})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.interrupt.set("SIGTERM")
    report = running.report()
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V3__three.sql:1; rolled back, at 1"
    )
    assert (rows(gate), gate.history()) == ([], ALL[:1])


def test_file_that_changes_during_the_group_rolls_it_back(gate: Gate) -> None:
    """What is not what was planned is not run, and its transaction ends at once."""
    gate.limit(run_settings(ladder=[30]))
    waiting = {"V2__two.sql": "INSERT INTO t VALUES (2); SELECT pg_advisory_xact_lock(1)"}
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = gate.start({**FILES, **waiting})
        eventually(lambda: is_running(gate.database, "pg_advisory_xact_lock"))
        gate.release({"V3__three.sql": "INSERT INTO t VALUES (33)"})
        other.execute("SELECT pg_advisory_unlock(1)")
        report = running.report()
    assert report.exit_code is ExitCode.BAD_SET, report.verdict
    assert "V3__three.sql is not what it was when the run began" in report.verdict
    assert (rows(gate), gate.history()) == ([], ALL[:1])


def test_group_of_both_kinds_is_refused_before_anything_runs(gate: Gate) -> None:
    """The server would refuse the statement in the middle of the transaction."""
    report = gate.run({**FILES, "V3__three.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
    assert report.exit_code is ExitCode.BAD_SET
    assert "V3__three.sql: CREATE INDEX CONCURRENTLY cannot run in a transaction" in report.verdict
    assert report.verdict.endswith("; database untouched")
    assert "FLYWAY_MIXED=true" in deciding(report).hint


def test_mixed_group_runs_without_transaction(gate: Gate) -> None:
    """Each script has its own row as soon as it is done."""
    group(gate, is_mixed=True)
    files = {**FILES, "V3__three.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"}
    report = gate.run({**files, "V4__four.sql": "SELECT 1/0"})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert [item.transactional for item in report.migrations] == [False, False]
    assert gate.history()[1:] == [(2, "2", "V2__two.sql", True), (3, "3", "V3__three.sql", True)]


def test_run_that_is_a_group_is_told_in_advance(gate: Gate) -> None:
    """The stage of the scripts says that they share a transaction."""
    report = gate.run(FILES)
    (stage,) = (item for item in report.results if item.name == "scripts")
    assert stage.status is Status.PASSED
    assert stage.findings[0].message.endswith(", all in one transaction")
