"""Scripts that PostgreSQL refuses in a transaction: what they leave, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.gate import Gate, deciding, run_settings, settings_for
from tests.testbed.run_context import eventually, target_of

TABLE = "CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'a'), (2, 'a')"
ALONE = "executeInTransaction=false"
# What is called may commit, so that nobody notes what it has done.
ONCE = "CREATE PROCEDURE once() LANGUAGE sql AS $$INSERT INTO t VALUES (3, 'once')$$"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table in which one name stands twice."""
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK


def test_concurrent_index_is_built_and_recorded(gate: Gate) -> None:
    """One statement, one row, no transaction."""
    script = "CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE INDEX CONCURRENTLY j ON t (name)"
    report = gate.run({"V2__i.sql": script})
    assert report.verdict.startswith("PASSED 0 OK: 1 applied (V2), at 2")
    assert not report.migrations[0].transactional
    assert gate.database.query("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass") == [
        (2,)
    ]
    assert gate.history()[1:] == [(2, "2", "V2__i.sql", True)]


def test_second_statement_that_fails_leaves_the_first(gate: Gate) -> None:
    """The first one took effect for good, which is said with its line."""
    script = "CREATE INDEX CONCURRENTLY i\n  ON t (id);\nVACUUM missing;\nVACUUM t"
    report = gate.run({"V2__x.sql": script})
    assert report.verdict == (
        'FAILED 21 PARTIAL: V2__x.sql:3 42P01 relation "missing" does not exist;'
        " left behind: index i (line 1), at 1"
    )
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", False)]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE INDEX CONCURRENTLY i ON missing (id)",
        "SET lock_timeout = '3s';\nCREATE INDEX CONCURRENTLY i ON missing (id)",
        "BEGIN;\nCREATE TABLE half ();\nSELECT 1/0;\nCOMMIT;\nSELECT 1",
        "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE half ();\nDROP TABLE no;\nCOMMIT;",
    ],
)
def test_script_that_leaves_nothing_counts_as_rolled_back(gate: Gate, script: str) -> None:
    """Nothing took effect, so nothing is recorded, and the next run may try again."""
    report = gate.run({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert report.verdict.endswith("; rolled back, at 1")
    assert len(gate.history()) == 1
    assert gate.database.query("SELECT to_regclass('half')") == [(None,)]


def test_script_may_manage_its_own_transactions(gate: Gate) -> None:
    """Each of its transactions stands for itself; the failed one is rolled back."""
    script = (
        "BEGIN;\nCREATE TABLE one ();\nCOMMIT;\nBEGIN;\nCREATE TABLE two ();\nSELECT 1/0;\nCOMMIT;"
    )
    report = gate.run({"V2__x.sql": script})
    assert report.verdict == (
        "FAILED 21 PARTIAL: V2__x.sql:6 22012 division by zero;"
        " left behind: table one (line 2), at 1"
    )
    assert gate.database.query("SELECT to_regclass('one')::text, to_regclass('two')") == [
        ("one", None)
    ]


def test_transaction_left_open_is_committed_with_the_row(gate: Gate) -> None:
    """A script that forgets its COMMIT is applied as a whole, as Flyway would."""
    script = "BEGIN;\nCREATE TABLE one ();\nCOMMIT;\nBEGIN;\nCREATE TABLE two ();"
    assert gate.run({"V2__x.sql": script}).exit_code is ExitCode.OK
    assert gate.database.query("SELECT to_regclass('two')::text") == [("two",)]


def test_wrapper_of_a_script_without_transaction_is_kept(gate: Gate) -> None:
    """Where the configuration forbids a transaction, the script's own one still holds."""
    script = "BEGIN;\nCREATE TABLE half ();\nSELECT 1/0;\nCOMMIT;"
    report = gate.run({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
    assert report.verdict.endswith("; rolled back, at 1")
    assert gate.database.query("SELECT to_regclass('half')") == [(None,)]


def test_block_that_commits_may_have_taken_effect(gate: Gate) -> None:
    """Nobody can see what a DO with COMMIT did before it failed."""
    script = "DO $$ BEGIN\nINSERT INTO t VALUES (3); COMMIT;\nPERFORM 1/0;\nEND $$"
    report = gate.run({"V2__x.sql": script})
    assert report.verdict == (
        "FAILED 21 PARTIAL: V2__x.sql:3 22012 division by zero;"
        " left behind: what line 1 may have done, at 1"
    )
    assert gate.database.query("SELECT count(*) FROM t") == [(3,)]


def test_strings_with_backslashes_run_statement_by_statement(gate: Gate) -> None:
    """No statement is skipped when the script changes what a backslash means."""
    script = "SET standard_conforming_strings = off;\nINSERT INTO t VALUES (3, 'it\\'s; ä')"
    report = gate.run({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
    assert report.exit_code is ExitCode.OK
    assert gate.database.query("SELECT name FROM t WHERE id = 3") == [("it's; ä",)]


def test_statement_that_waits_for_a_lock_is_tried_again(gate: Gate) -> None:
    """Statements that are done are not run again; the one that lost goes on."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    script = "INSERT INTO t VALUES (3, 'once');\nALTER TABLE t ADD x int;\nALTER TABLE t ADD y int"
    with gate.database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        running = gate.start({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts > 1
    assert gate.database.query("SELECT count(*) FROM t WHERE name = 'once'") == [(1,)]


def test_lock_never_released_leaves_what_was_done(gate: Gate) -> None:
    """When the ladder ends half-way, and nothing is noted, a human is told where."""
    script = "CALL once();\nLISTEN l;\nALTER TABLE t ADD x int"
    gate.database.execute(ONCE)
    with gate.database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        report = gate.run({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
    assert report.verdict == (
        "FAILED 21 PARTIAL: V2__x.sql:3 55P03 canceling statement due to lock timeout;"
        " left behind: everything up to line 2, at 1"
    )
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", False)]


def test_history_that_cannot_be_written_is_said(gate: Gate) -> None:
    """The script took effect and no row tells of it: a human must know."""
    gate.database.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE insufficient_privilege USING MESSAGE = ''permission denied''; END';"
        "CREATE TRIGGER refuse BEFORE INSERT ON flyway_schema_history"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    report = gate.run({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
    assert report.exit_code is ExitCode.PARTIAL
    message = deciding(report).message
    assert message.startswith("V2__i.sql (its row in the schema history) 42501 permission denied")
    assert message.endswith("left behind: index i (line 1), no row in the schema history")


def test_transactional_script_without_the_right_to_write_its_row_is_rolled_back(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """Script and row are one: where a callback might have given the right, nothing stays."""
    role = make_role()
    gate.database.execute(
        f"GRANT SELECT ON flyway_schema_history TO {role.name};"
        f"GRANT CREATE ON SCHEMA public TO {role.name}"
    )
    gate.settings = settings_for(target_of(gate.database, role), gate.folder)
    report = gate.run({"V2__i.sql": "CREATE TABLE half ()", "afterMigrate.sql": "SELECT 1"})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert report.verdict.endswith("; rolled back, at 1")
    assert deciding(report).hint == (
        "Grant INSERT on public.flyway_schema_history to the role that migrates."
    )
    assert gate.database.query("SELECT to_regclass('half')") == [(None,)]


def test_stop_request_between_statements_names_what_is_done(gate: Gate) -> None:
    """The rest is not begun, and a failed row tells the next run."""
    script = "INSERT INTO t VALUES (3);\nLISTEN l;\nSELECT pg_sleep(60);\nINSERT INTO t VALUES (4)"
    running = gate.start({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    eventually(lambda: bool(gate.database.query(asleep)))
    gate.interrupt.set("SIGTERM")
    assert running.report().verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__x.sql:3;"
        " left behind: everything up to line 2, at 1"
    )
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", False)]
    assert gate.database.query("SELECT count(*) FROM t") == [(3,)]


def test_session_lost_while_a_statement_waits_to_be_tried_again(gate: Gate) -> None:
    """What the session was prepared with is gone: the script cannot go on without a note."""
    gate.limit(run_settings(ladder=[0.1] * 6))
    script = "CALL once();\nLISTEN l;\nALTER TABLE t ADD x int"
    gate.database.execute(ONCE)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        running = gate.start({"V2__x.sql": script, "V2__x.sql.conf": ALONE})
        eventually(lambda: len(gate.events.named("retry.scheduled")) >= 3)
        gate.database.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid NOT IN"
            " (SELECT pid FROM pg_locks WHERE mode = 'ExclusiveLock' AND locktype = 'advisory'"
            " UNION ALL SELECT pid FROM pg_locks WHERE granted AND locktype = 'relation')"
            " AND application_name LIKE 'presync/%' AND datname = current_database()"
        )
        report = running.report()
    assert report.exit_code is ExitCode.PARTIAL
    assert "left behind: everything up to line 2" in report.verdict
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", False)]


def test_way_out_is_told_where_only_the_server_knows(gate: Gate) -> None:
    """The words of a CALL do not tell that the procedure commits; the hint works."""
    gate.database.execute(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
    )
    report = gate.run({"V2__x.sql": "CALL p()"})
    assert report.verdict.startswith("FAILED 20 SQL_FAILED: V2__x.sql:1 2")
    assert deciding(report).hint == (
        "Put executeInTransaction=false into V2__x.sql.conf, and nothing else into V2__x.sql."
    )
    gate.orders = Orders(retries_failed=True)
    report = gate.run({"V2__x.sql.conf": ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
