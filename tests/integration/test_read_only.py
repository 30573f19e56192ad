"""A server that takes no writes any more, in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hook.clock import Interrupt
from hook.errors import ExitCode
from tests.fakes import FakeEvents
from tests.testbed.database import Database
from tests.testbed.gate import Gate, Running, deciding, run_settings, settings_for
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually, target_of

FILES = {
    "V1__a.sql": "CREATE TABLE a ()",
    "V2__b.sql": "CREATE TABLE b (); SELECT pg_advisory_xact_lock(1)",
    "V3__c.sql": "CREATE TABLE c ()",
}
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
SESSION = "SELECT current_setting('transaction_read_only')"


@pytest.fixture
def gate(
    make_server: Callable[..., PostgresServer],
    interrupt: Interrupt,
    events: FakeEvents,
    tmp_path: Path,
) -> Gate:
    """Return the gate on a server of the test's own."""
    database = Database(make_server(), "postgres")
    return Gate(database, tmp_path, interrupt, settings_for(target_of(database), tmp_path), events)


def set_read_only(gate: Gate, value: str) -> None:
    """Tell the server whether transactions may write, and wait until it has heard."""
    with gate.database.connect() as admin:
        admin.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
        admin.execute("SELECT pg_reload_conf()")
    eventually(lambda: gate.database.query(SESSION) == [(value,)])


def start_and_refuse_writes(gate: Gate) -> Running:
    """Return a run that has begun its second script, whose third one cannot write."""
    gate.limit(run_settings(ladder=[30] * 3))
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = gate.start(FILES)
        eventually(lambda: bool(gate.database.query(WAITING)))
        set_read_only(gate, "on")
    return running


def test_run_ends_when_nothing_can_be_written_any_more(gate: Gate) -> None:
    """What was applied stays, and the next run goes on when that is over."""
    limits = gate.settings.database._replace(wait_timeout=timedelta(seconds=1))
    gate.settings = gate.settings._replace(database=limits)
    report = start_and_refuse_writes(gate).report()
    assert report.verdict.startswith(
        "FAILED 30 UNREACHABLE: V3__c.sql:1 25006 cannot execute CREATE TABLE in a read-only"
    )
    assert report.verdict.endswith("; rolled back, 2 applied before, at 2")
    finding = deciding(report)
    assert "; then postgres@127.0.0.1:" in finding.message
    assert ": its transactions are read-only (default_transaction_read_only)" in finding.message
    assert "default_transaction_read_only to off" in finding.hint
    assert finding.facts["sqlstate"] == "25006"
    assert report.pending == ("V3__c.sql",)
    set_read_only(gate, "off")
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert [item.script for item in again.migrations] == ["V3__c.sql"]


def test_run_goes_on_when_writes_are_taken_again(gate: Gate) -> None:
    """A new session is had once the server takes them; nothing is applied twice."""
    running = start_and_refuse_writes(gate)
    eventually(lambda: bool(gate.events.named("retry.scheduled")))
    set_read_only(gate, "off")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.attempts for item in report.migrations] == [1, 1, 2]
    assert [row[2] for row in gate.history()] == list(FILES)


def test_script_that_makes_its_session_read_only_spoils_no_other(gate: Gate) -> None:
    """The next script begins with the settings of a new session."""
    files = {
        "V1__a.sql": "SET default_transaction_read_only = on",
        "V2__b.sql": "CREATE TABLE b ()",
    }
    report = gate.run(files)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.attempts for item in report.migrations] == [1, 1]


READ_ONLY = "SET default_transaction_read_only = on"
# What makes a transaction read-only, and where the server then refuses to write.
OWN_DOING = {
    "statement": (
        {"V2__b.sql": "SET TRANSACTION READ ONLY;\nCREATE TABLE b ()"},
        "V2__b.sql:2 25006 cannot execute CREATE TABLE in a read-only transaction",
    ),
    "history row": (
        {"V2__b.sql": "SET transaction_read_only = on"},
        (
            "V2__b.sql (its row in the schema history) 25006 cannot execute INSERT in a read-only"
            " transaction"
        ),
    ),
    "function": (
        {"V2__b.sql": "DO $$BEGIN SET LOCAL transaction_read_only = on; CREATE TABLE b (); END$$"},
        "V2__b.sql:1 25006 cannot execute CREATE TABLE in a read-only transaction",
    ),
    "session": (
        {
            "V2__b.sql": f"{READ_ONLY};\nCREATE INDEX CONCURRENTLY ON a (i)",
            "V2__b.sql.conf": "executeInTransaction=false",
        },
        "V2__b.sql:2 25006 cannot execute CREATE INDEX in a read-only transaction",
    ),
    "callback of each": (
        {"V2__b.sql": "CREATE TABLE b ()", "beforeEachMigrate.sql": "SET TRANSACTION READ ONLY"},
        "V2__b.sql:1 25006 cannot execute CREATE TABLE in a read-only transaction",
    ),
    "callback": (
        {"beforeMigrate.sql": "SET TRANSACTION READ ONLY; CREATE TABLE b ()"},
        "callback beforeMigrate.sql:1 25006 cannot execute CREATE TABLE in a read-only transaction",
    ),
}


@pytest.mark.parametrize("case", OWN_DOING)
def test_script_that_forbids_itself_to_write_has_failed(gate: Gate, case: str) -> None:
    """It would fail each time, on whatever server: it is run once and taken for no failover."""
    assert gate.run({"V1__a.sql": "CREATE TABLE a (i int)"}).exit_code is ExitCode.OK
    files, what = OWN_DOING[case]
    report = gate.run({"V2__b.sql": "CREATE TABLE b ()", **files})
    assert report.verdict == f"FAILED 20 SQL_FAILED: {what}; rolled back, at 1"
    assert deciding(report).hint.startswith("The server takes writes: find what makes this")
    assert deciding(report).facts["sqlstate"] == "25006"
    assert not gate.events.named("retry.scheduled")
    assert gate.database.query("SELECT to_regclass('b')") == [(None,)]
    assert [row[2] for row in gate.history()] == ["V1__a.sql"]


def test_work_done_before_a_script_forbids_itself_to_write_is_named(gate: Gate) -> None:
    """Its failed row is written all the same."""
    script = f"CREATE TABLE b ();\n{READ_ONLY};\nCREATE TABLE c ()"
    report = gate.run({"V1__a.sql": script, "V1__a.sql.conf": "executeInTransaction=false"})
    assert report.verdict.startswith(
        "FAILED 21 PARTIAL: V1__a.sql:3 25006 cannot execute CREATE TABLE in a read-only"
        " transaction; left behind: table b (line 1)"
    )
    assert not gate.events.named("retry.scheduled")
    assert [(row[2], row[-1]) for row in gate.history()] == [("V1__a.sql", False)]


def test_writes_that_were_refused_until_just_now_are_no_fault_of_the_script(gate: Gate) -> None:
    """When the session is asked, the server takes them; but it did not when the script began."""
    files = {**FILES, "V3__c.sql": "SELECT pg_advisory_xact_lock(2); CREATE TABLE c ()"}
    gate.limit(run_settings(ladder=[30] * 3))
    with gate.database.connect() as other, gate.database.connect() as another:
        other.execute("SELECT pg_advisory_lock(1)")
        another.execute("SELECT pg_advisory_lock(2)")
        running = gate.start(files)
        eventually(lambda: bool(gate.database.query(f"{WAITING} AND objid = 1")))
        set_read_only(gate, "on")
        other.close()
        eventually(lambda: bool(gate.database.query(f"{WAITING} AND objid = 2")))
        set_read_only(gate, "off")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.attempts for item in report.migrations] == [1, 1, 2]
