"""Connections that are lost amid statements that must not run twice and are in no transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually

ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
SCRIPT = """\
SET application_name = 'set';
INSERT INTO t VALUES (1);
INSERT INTO t SELECT 2;
CREATE INDEX CONCURRENTLY i ON t (n);
INSERT INTO t VALUES (3);
"""
SECOND = "INSERT INTO t SELECT 2"
ROWS = "SELECT n, name FROM t ORDER BY 1"
EVERYTHING = [(1, "set"), (2, "set"), (3, "set")]
NOTED = "SELECT report #>> '{cut_off,done}' FROM presync_run ORDER BY id DESC LIMIT 1"


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with the proxy in front of its database, and a table."""
    table = "CREATE TABLE t (n int, name text DEFAULT current_setting('application_name'))"
    assert gate.run({"V1__base.sql": table, **ALONE}).exit_code is ExitCode.OK
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


def hurry(gate: Gate) -> None:
    """Do not wait long for a server that is gone."""
    database = gate.settings.database._replace(wait_timeout=timedelta(seconds=2))
    gate.settings = gate.settings._replace(database=database)


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
@pytest.mark.parametrize(
    "statement", ["INSERT INTO t VALUES (1)", SECOND, "CREATE INDEX", "INSERT INTO t VALUES (3)"]
)
def test_next_attempt_does_each_statement_once(
    proxied: Gate, proxy: Proxy, statement: str, fault: Fault
) -> None:
    """The ledger knows whether the server has done it; what was set before is set again."""
    proxy.lose(statement, fault)
    report = proxied.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert proxied.database.query(ROWS) == EVERYTHING
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", True)]


def test_script_that_is_given_up_is_gone_on_with(proxied: Gate, proxy: Proxy) -> None:
    """It needs nobody, so there is no failed row in the way of the next run."""
    proxy.lose(SECOND, Fault.REQUEST, times=3)
    report = proxied.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "; left behind: everything up to line 2 (the next run goes on" in report.verdict
    assert proxied.history()[1:] == []
    assert proxied.database.query(NOTED) == [("2",)]
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


def test_run_that_reaches_nobody_any_more_leaves_it_to_the_next(
    proxied: Gate, proxy: Proxy
) -> None:
    """It can write no failed row, and the ledger says how far the script came."""
    hurry(proxied)
    proxy.refuse_from(SECOND, Fault.REPLY)
    report = proxied.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    message = deciding(report).message
    assert message.startswith("V2__x.sql:3: connection lost; then ")
    assert message.endswith(
        "; left behind: what the ledger says is done (the next run goes on behind that)"
    )
    assert proxied.history()[1:] == []
    assert proxied.database.query(NOTED) == [("3",)]
    proxy.lead_to(proxied.database.server)
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


def test_first_statement_of_which_nobody_tells_is_not_said_to_be_unsent(
    proxied: Gate, proxy: Proxy
) -> None:
    """The server has done it, and the ledger knows."""
    hurry(proxied)
    proxy.refuse_from("INSERT INTO t VALUES (1)", Fault.REPLY)
    report = proxied.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert deciding(report).message.startswith("V2__x.sql:2: connection lost; then ")
    assert "untouched" not in report.verdict
    proxy.lead_to(proxied.database.server)
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


def test_run_that_loses_the_server_between_two_attempts_leaves_it_to_the_next(
    proxied: Gate, proxy: Proxy
) -> None:
    """Nobody can be asked whether the note is still there, nor could a failed row be written."""
    hurry(proxied)
    proxied.limit(run_settings(ladder=[0.1, 60]))
    ours = "application_name = 'set' OR application_name LIKE 'presync/%'"
    with proxied.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN EXCLUSIVE MODE")
        running = proxied.start({"V2__x.sql": f"CREATE TABLE made ();\n{SCRIPT}"})
        eventually(lambda: bool(proxied.events.named("retry.scheduled")))
        proxy.refuses = True
        proxied.database.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND ({ours})"
        )
        report = running.report()
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "(the next run goes on behind that)" in report.verdict
    proxy.lead_to(proxied.database.server)
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


def test_what_is_noted_passes_through_a_run_that_is_refused_later(
    proxied: Gate, proxy: Proxy
) -> None:
    """A callback in front of the script fails: that run has a row, and an end."""
    proxy.refuse_from(SECOND, Fault.REPLY)
    assert proxied.run({"V2__x.sql": SCRIPT}).exit_code is ExitCode.UNREACHABLE
    proxy.lead_to(proxied.database.server)
    assert proxied.run({"beforeMigrate.sql": "SELECT 1/0"}).exit_code is not ExitCode.OK
    assert proxied.database.query(NOTED) == [("3",)]
    again = proxied.run({"beforeMigrate.sql": "SELECT 1"})
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


def test_statement_that_fails_leaves_what_is_in_front_of_it(proxied: Gate) -> None:
    """As it does without a note: a failed row, line and leftovers by name."""
    report = proxied.run({"V2__x.sql": f"{SCRIPT}CREATE TABLE made ();\nINSERT INTO no VALUES (1)"})
    assert report.verdict == (
        'FAILED 21 PARTIAL: V2__x.sql:7 42P01 relation "no" does not exist; left behind:'
        " index i (line 4), table made (line 6), all else up to line 5, at 1"
    )
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", False)]
    assert proxied.database.query(NOTED) == [(None,)]


def test_constraint_that_is_checked_at_the_end_of_a_statement_is_told_with_its_line(
    proxied: Gate,
) -> None:
    """Which it is as well without a transaction."""
    proxied.database.execute("CREATE TABLE u (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    report = proxied.run({"V2__x.sql": "INSERT INTO u VALUES (1);\nINSERT INTO u VALUES (1)"})
    assert report.verdict.startswith("FAILED 21 PARTIAL: V2__x.sql:2 23505 ")
    assert proxied.database.query("SELECT n FROM u") == [(1,)]


def test_first_statement_that_fails_is_remembered(proxied: Gate) -> None:
    """It has left nothing, so the next run need not try."""
    script = {"V2__x.sql": "SET a.b = 1;\nINSERT INTO no VALUES (1);\nINSERT INTO t VALUES (1)"}
    assert proxied.run(script).exit_code is ExitCode.SQL_FAILED
    again = proxied.run()
    assert again.exit_code is ExitCode.FAILED_BEFORE
    assert deciding(again).rule == "failure-remembered"


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_failed_row_and_note_are_never_both_in_force(
    proxied: Gate, proxy: Proxy, fault: Fault
) -> None:
    """Whoever removes the row has undone the script, and behind the note it would go on."""
    hurry(proxied)
    proxy.refuse_from("'null'::pg_catalog.jsonb", fault)
    report = proxied.run({"V2__x.sql": "INSERT INTO t VALUES (1);\nINSERT INTO no VALUES (1)"})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    failed = [(2, "2", "V2__x.sql", False)]
    is_written = fault is Fault.REPLY
    assert proxied.history()[1:] == (failed if is_written else [])
    assert proxied.database.query(NOTED) == [(None if is_written else "1",)]
    proxy.lead_to(proxied.database.server)
    again = proxied.run()
    assert again.exit_code is not ExitCode.OK
    assert proxied.history()[1:] == failed
    assert proxied.database.query("SELECT n FROM t") == [(1,)]


def refuse_to_note(gate: Gate, path: str, how: str = "RAISE ''no note''") -> None:
    """Let a trigger on the ledger refuse each row whose report has something at *path*."""
    gate.database.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN IF NEW.report #> ''{path}'' IS NOT NULL THEN {how}; END IF;"
        " RETURN NEW; END';"
        " CREATE TRIGGER no BEFORE UPDATE ON presync_run FOR EACH ROW EXECUTE FUNCTION no()"
    )


@pytest.mark.parametrize("how", ["RAISE ''no note''", "RETURN NULL"], ids=["error", "no row"])
def test_script_is_not_begun_where_that_cannot_be_noted(gate: Gate, how: str) -> None:
    """The row says already that it would be; nothing else keeps the next run from a second go."""
    assert gate.run({"V1__base.sql": "CREATE TABLE t (n int)"}).exit_code is ExitCode.OK
    refuse_to_note(gate, "{cut_off}", how)
    report = gate.run({"V2__x.sql": "INSERT INTO t VALUES (1)", **ALONE})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "that V2__x.sql is begun could not be noted in the ledger" in report.verdict
    assert gate.database.query("SELECT n FROM t") == []
    assert gate.history()[1:] == []


def test_script_is_run_where_nothing_of_it_can_be_noted(gate: Gate) -> None:
    """Somebody has put a trigger on the ledger; the script is none of its business."""
    assert gate.run({"V1__base.sql": "CREATE TABLE t (n int)"}).exit_code is ExitCode.OK
    refuse_to_note(gate, "{cut_off,done}")
    report = gate.run({"V2__x.sql": "INSERT INTO t VALUES (1)", **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
    notices = [told for event, told, _ in gate.events.told if event == "migration.notice"]
    assert any("how far the script comes cannot be noted: no note" in told for told in notices)
    assert gate.database.query("SELECT n FROM t") == [(1,)]


def test_script_is_not_begun_while_its_note_has_to_wait(gate: Gate) -> None:
    """That passes, so nobody need do without it."""
    assert gate.run({"V1__base.sql": "CREATE TABLE t (n int)"}).exit_code is ExitCode.OK
    refuse_to_note(gate, "{cut_off,done}", "PERFORM pg_advisory_xact_lock(7)")
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(7)")
        report = gate.run({"V2__x.sql": "INSERT INTO t VALUES (1)", **ALONE})
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "(noting in the ledger how far it is)" in deciding(report).message
    assert gate.database.query("SELECT n FROM t") == []
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query("SELECT n FROM t") == [(1,)]
