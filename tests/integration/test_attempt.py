"""One attempt through the engine, without the stages that would have refused it before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.clock import Interrupt
from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.heartbeat import Pulse
from hook.core.execution.script_message import Moment
from hook.errors import Interrupted
from tests.testbed.attempt_bench import Bench
from tests.testbed.database import Database
from tests.testbed.run_context import eventually


def test_syntax_error_anywhere_in_the_message_has_its_line(bench: Bench) -> None:
    """The server parses everything before it runs anything: the position decides."""
    attempt = bench.apply("CREATE TABLE half ();\nSELECT 1;\n\n  SELEC 'é';\nSELECT 3;")
    assert attempt.end is AttemptEnd.FAILED
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, 4)
    assert attempt.place.statement == "SELEC 'é'"
    assert not bench.session.in_transaction
    assert bench.rows() == []


def test_attempt_fits_into_one_round_trip(bench: Bench) -> None:
    """Script, row and COMMIT are one message, and the session is clean afterwards."""
    attempt = bench.apply("CREATE TABLE x (); SET search_path = pg_catalog")
    assert attempt.end is AttemptEnd.APPLIED
    assert bench.session.fetch("SHOW search_path") == [('"public","$user", public',)]
    assert bench.rows() == [("1", True)]


def test_position_in_a_database_without_encoding(
    make_bench: Callable[[Database], Bench], make_database: Callable[..., Database]
) -> None:
    """Where the server counts bytes the line is right all the same."""
    maker = make_database()
    name = f"{maker.name}_ascii"
    maker.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")
    try:
        bench = make_bench(Database(maker.server, name))
        attempt = bench.apply("SELECT 'ééééééééééééééééééééé',\nnothing,\n1,\n2,\n3;\nSELECT 1;")
        bench.session.close()
    finally:
        maker.execute(f"DROP DATABASE {name}")
    assert (attempt.place.line, attempt.place.moment) == (2, Moment.SCRIPT)


def test_script_that_the_encoding_cannot_hold_is_refused_whole(
    make_bench: Callable[[Database], Bench], make_database: Callable[..., Database]
) -> None:
    """The server rejects the message before it reads a statement: no line is made up."""
    maker = make_database()
    name = f"{maker.name}_latin1"
    maker.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    try:
        bench = make_bench(Database(maker.server, name))
        attempt = bench.apply("SELECT 1;\nSELECT '日本'")
        bench.session.close()
    finally:
        maker.execute(f"DROP DATABASE {name}")
    assert attempt.failure is not None
    assert attempt.failure.sqlstate == "22P05"
    assert attempt.place.describe("V1__x.sql") == "V1__x.sql (before its first statement)"


@pytest.mark.parametrize("conf", ["", "executeInTransaction=false"])
def test_session_lost_before_the_attempt_has_done_nothing(bench: Bench, conf: str) -> None:
    """A connection that is already gone is told apart from one lost on the way."""
    task = bench.task("CREATE TABLE x ()", conf)
    bench.database.query(f"SELECT pg_terminate_backend({bench.session.pid})")
    eventually(lambda: bench.session.is_lost)
    attempt = bench.engine.apply(bench.session, [task], Pulse(lambda _: None))
    assert attempt.end is AttemptEnd.LOST
    assert attempt.place.moment is Moment.UNSENT
    assert attempt.leftovers == ()


def test_stop_request_before_the_attempt_has_done_nothing(
    bench: Bench, interrupt: Interrupt
) -> None:
    """Nothing is sent, nothing is left behind and nothing recorded."""
    task = bench.task("CREATE TABLE x ()")
    interrupt.set("SIGTERM")
    attempt = bench.engine.apply(bench.session, [task], Pulse(lambda _: None))
    assert attempt.end is AttemptEnd.INTERRUPTED
    assert attempt.place.moment is Moment.UNSENT
    assert bench.rows() == []


def test_stop_request_before_a_script_without_transaction_has_done_nothing(
    bench: Bench, interrupt: Interrupt
) -> None:
    """Nothing is taken for half-done that never began."""
    task = bench.task("CREATE TABLE x ()", "executeInTransaction=false")
    interrupt.set("SIGTERM")
    with pytest.raises(Interrupted):
        bench.engine.apply(bench.session, [task], Pulse(lambda _: None))
    assert bench.rows() == []


def test_attempt_goes_on_behind_what_is_done(bench: Bench) -> None:
    """Only what is left of a script without transaction runs in the next attempt."""
    script = "CREATE TABLE one ();\nCREATE TABLE two ();\nCREATE TABLE three ()"
    task = bench.task(script, "executeInTransaction=false")._replace(done=2)
    assert (
        bench.engine.apply(bench.session, [task], Pulse(lambda _: None)).end is AttemptEnd.APPLIED
    )
    assert bench.database.query("SELECT to_regclass('two'), to_regclass('three')::text") == [
        (None, "three")
    ]
    assert bench.rows() == [("1", True)]


def test_record_says_how_the_attempt_ended(bench: Bench, interrupt: Interrupt) -> None:
    """The row is written also after a stop request, and only once."""
    task = bench.task("CREATE TABLE x ()")
    interrupt.set("SIGTERM")
    assert bench.engine.record(bench.session, task, Attempt(AttemptEnd.FAILED, 7))
    assert bench.rows() == [("1", False)]
    assert not bench.engine.record(bench.session, task, Attempt(AttemptEnd.APPLIED, 7))
