"""Scripts that are sent in several messages: one transaction all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from hook.clock import Interrupt
from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.heartbeat import Pulse
from hook.core.execution.script_message import Moment
from hook.errors import ExitCode
from tests.testbed.attempt_bench import Bench
from tests.testbed.gate import Gate
from tests.testbed.run_context import eventually

# One message each; the characters are wider than a byte.
LONG = f"SELECT '{'é' * 2_000_100}';\n"
HUGE = f"SELECT '{'x' * 4_100_000}',\n\n"


@pytest.fixture
def apply_with(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Attempt]:
    """Return ``apply(script, between)``; *between* is called after each message."""
    # And not while one is waited for, however long that takes.
    monkeypatch.setattr("hook.postgres.patience.HEARTBEAT_SECONDS", 3600.0)

    def apply(script: str, between: Callable[[], None]) -> Attempt:
        pulse = Pulse(lambda _: between(), timedelta(microseconds=1))
        return bench.engine.apply(bench.session, [bench.task(script)], pulse)

    return apply


def test_long_script_is_applied_with_its_row(gate: Gate) -> None:
    """Data of COPY, what comes behind it and the row: all of it is there, each once."""
    rows = "".join(f"{number}\tü\n" for number in range(200_000))
    script = f"{LONG}CREATE TABLE c (id int, t text);\nCOPY c FROM stdin;\n{rows}\\.\n{LONG}"
    script += "INSERT INTO c VALUES (-1, 'end');\n" + HUGE + "1;\nCREATE TABLE last ()"
    assert gate.run({"V1__x.sql": script}).exit_code is ExitCode.OK
    query = "SELECT count(*), min(id), count(DISTINCT t) FROM c"
    assert gate.database.query(query) == [(200_001, -1, 2)]
    assert gate.database.query("SELECT count(*) FROM last") == [(0,)]
    assert gate.database.query("SELECT version FROM flyway_schema_history") == [("1",)]


@pytest.mark.parametrize(
    ("last", "line", "sqlstate"),
    [
        ("SELECT 1;\n\nSELECT\n  'ß' + nowhere;", 6, "42703"),
        ("SELECT 1;\n\nSELEC 2;", 5, "42601"),
        ("SELECT 1;\nSELECT 1 / 0;", 4, "22012"),
        ("DO $$\nBEGIN\nRAISE 'no';\nEND $$", 5, "P0001"),
        (HUGE + "nowhere;", 5, "42703"),
        (HUGE + "1 / 0;", 3, "22012"),
    ],
)
def test_error_in_a_later_message_rolls_everything_back(
    last: str, line: int, sqlstate: str, bench: Bench
) -> None:
    """Its line is that of the script, whatever was sent before."""
    attempt = bench.apply(f"CREATE TABLE half (); {LONG}{LONG}{last}")
    assert attempt.failure is not None
    assert (attempt.end, attempt.failure.sqlstate) == (AttemptEnd.FAILED, sqlstate)
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, line)
    assert not bench.session.in_transaction
    assert bench.database.query("SELECT to_regclass('half')::text") == [(None,)]
    assert bench.rows() == []


def test_session_lost_between_two_messages_was_in_the_script(
    bench: Bench, apply_with: Callable[..., Attempt]
) -> None:
    """Something had been done, and is rolled back; no COMMIT was sent."""

    def end_session() -> None:
        bench.database.query(f"SELECT pg_terminate_backend({bench.session.pid})")
        eventually(lambda: bench.session.is_lost)

    attempt = apply_with(f"CREATE TABLE half ();{LONG}{LONG}", end_session)
    assert (attempt.end, attempt.failure) == (AttemptEnd.LOST, None)
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, 2)
    assert bench.database.query("SELECT to_regclass('half')::text") == [(None,)]
    assert bench.rows() == []


def test_stop_between_two_messages_rolls_back(
    bench: Bench, apply_with: Callable[..., Attempt], interrupt: Interrupt
) -> None:
    """The next message is not sent."""
    script = f"CREATE TABLE half ();\n{LONG}{LONG}"
    attempt = apply_with(script, partial(interrupt.set, "SIGTERM"))
    assert attempt.end is AttemptEnd.INTERRUPTED
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, 3)
    assert not bench.session.in_transaction
    assert bench.rows() == []


def test_script_that_changes_the_encoding_behind_our_back_is_not_misread(bench: Bench) -> None:
    """What is sent is UTF-8: the server would take it for something else, and store that."""
    block = "DO $$ BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); END $$"
    attempt = bench.apply(f"{block};\n{LONG}{LONG}")
    assert attempt.failure is not None
    assert (attempt.end, attempt.failure.sqlstate) == (AttemptEnd.FAILED, "0A000")
    assert "client_encoding is LATIN1" in attempt.failure.message
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, 3)
    assert bench.session.reported("client_encoding") == "UTF8"
    assert bench.rows() == []
