"""What the ledger's row of a run under way keeps of the script that is begun."""

from __future__ import annotations

import json

import pytest

from hook.clock import Interrupt
from hook.core.reporting.past_run import BegunScript
from hook.errors import ExitCode, QueryFailed
from hook.postgres.ledger import Ledger
from tests.testbed.gate import Gate, deciding
from tests.testbed.run_context import open_session, target_of

ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
BEGUN = BegunScript("V2__x.sql", 1)
REPORT = "SELECT id, report::text FROM presync_run"


def test_note_of_a_script_does_not_overwrite_the_report(gate: Gate, calm: Interrupt) -> None:
    """Whatever comes late: a row that has its end keeps it, and the note is told as lost."""
    gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    ((key, ended),) = gate.database.query(REPORT)
    assert isinstance(key, int)
    ledger = Ledger("public", "presync_run")
    with open_session(target_of(gate.database), calm) as session:
        with pytest.raises(QueryFailed, match=f"row {key} of public.presync_run is gone"):
            ledger.note(session, key, BEGUN, {})
        assert gate.database.query(REPORT) == [(key, ended)]
        gate.database.execute("UPDATE presync_run SET finished_at = NULL")
        ledger.note(session, key, BEGUN, {"V3__y.sql": "1a2b"})
    ((_, noted),) = gate.database.query(REPORT)
    assert json.loads(str(noted)) == {"cut_off": BEGUN.facts(), "noted": {"V3__y.sql": "1a2b"}}


@pytest.mark.parametrize("number", [1, 10], ids=["taken", "free"])
def test_script_is_not_noted_in_a_row_that_is_not_the_last(gate: Gate, number: int) -> None:
    """Logical replication leaves sequences behind; the next run would look at another row."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    restart = "ALTER TABLE presync_run ALTER id RESTART WITH"
    gate.database.execute(f"{restart} 50")
    assert gate.run({"V2__t.sql": "INSERT INTO t VALUES (2)"}).exit_code is ExitCode.OK
    gate.database.execute(f"{restart} {number}")
    alone = {
        "V3__x.sql": "INSERT INTO t VALUES (3)",
        "V3__x.sql.conf": "executeInTransaction=false",
    }
    report = gate.run(alone)
    assert report.exit_code is ExitCode.CONFIG, report.verdict
    assert "the sequence of its id was set back" in deciding(report).message
    assert gate.database.query("SELECT id FROM t") == [(2,)]
    assert gate.database.query("SELECT id FROM presync_run ORDER BY id") == [(1,), (50,)]
    gate.database.execute(deciding(report).hint)
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query("SELECT max(id) FROM presync_run") == [(51,)]


def test_callback_that_ran_before_the_ledger_was_asked_is_told(gate: Gate) -> None:
    """The database is not untouched where one has written something."""
    tables = {"V1__t.sql": "CREATE TABLE t (id int); CREATE TABLE seen (n int)"}
    assert gate.run(tables).exit_code is ExitCode.OK
    gate.database.execute("ALTER TABLE presync_run ALTER id RESTART WITH 1")
    report = gate.run(
        {
            "beforeValidate.sql": "INSERT INTO seen VALUES (1)",
            "V2__x.sql": "INSERT INTO t VALUES (2)",
            "V2__x.sql.conf": "executeInTransaction=false",
        }
    )
    assert report.exit_code is ExitCode.CONFIG, report.verdict
    assert report.verdict.endswith("; callbacks ran, nothing applied, at 1")
    assert gate.database.query("SELECT n FROM seen") == [(1,)]


def test_script_in_a_transaction_needs_no_last_row(gate: Gate) -> None:
    """That it has none is told with the way out."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.database.execute("ALTER TABLE presync_run ALTER id RESTART WITH 1")
    report = gate.run({"V2__t.sql": "INSERT INTO t VALUES (2)"})
    assert report.exit_code is ExitCode.OK, report.verdict
    findings = [item for result in report.results for item in result.findings]
    (told,) = [item for item in findings if "the sequence of its id was set back" in item.message]
    assert gate.database.query("SELECT id FROM presync_run") == [(1,)]
    gate.database.execute(told.hint)
    assert gate.run({"V3__t.sql": "INSERT INTO t VALUES (3)"}).exit_code is ExitCode.OK
    assert gate.database.query("SELECT max(id) FROM presync_run") == [(2,)]


def test_ledger_that_swallows_the_row_is_told(gate: Gate) -> None:
    """No error of the server says so, and it is no bug of presync."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.database.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER no BEFORE INSERT ON presync_run FOR EACH ROW EXECUTE FUNCTION no()"
    )
    report = gate.run({"V2__t.sql": "INSERT INTO t VALUES (2)"})
    assert report.exit_code is ExitCode.OK, report.verdict
    told = [item.message for result in report.results for item in result.findings]
    assert any("presync_run has taken no row" in message for message in told)


def test_error_of_a_trigger_is_none_of_the_sequence(gate: Gate) -> None:
    """The script is run, and told with it that nobody will know where it was cut off."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.database.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.exit_code = 1 / 0; RETURN NEW; END';"
        " CREATE TRIGGER no BEFORE INSERT ON presync_run FOR EACH ROW EXECUTE FUNCTION no()"
    )
    report = gate.run({"V2__x.sql": "INSERT INTO t VALUES (2)", **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
    findings = [item for result in report.results for item in result.findings]
    (told,) = [item for item in findings if item.rule == "ledger"]
    assert "division by zero (22012)" in told.message
    assert told.message.endswith("; nobody learns where a run is killed in V2__x.sql")
