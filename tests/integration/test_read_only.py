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
    assert report.verdict.endswith("; rolled back, at 2")
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
