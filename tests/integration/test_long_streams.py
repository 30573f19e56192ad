"""Scripts of which a part is sent statement by statement: what a message does, and no less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from hook.clock import Interrupt
from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.script_message import Moment
from hook.errors import ExitCode
from tests.testbed.attempt_bench import Bench
from tests.testbed.gate import Gate
from tests.testbed.proxy import Proxy
from tests.testbed.run_context import eventually, is_running, meanwhile, open_session

# Of a length that a stream can have; the characters are wider than a byte.
PART = f"SELECT '{'é' * 1_200_000}';\n"
REST = PART * 3
OFF = "SET standard_conforming_strings = off;\n"
TABLE = "CREATE TABLE t (id int, note text);\n"
ROW = "INSERT INTO t VALUES ({}, '" + "it''s a note; " * 80 + "');\n"


def applied_rows(bench: Bench) -> int:
    """Return how many rows the script has left, 0 also without its table."""
    if bench.database.query("SELECT to_regclass('t') IS NULL") == [(True,)]:
        return 0
    ((count,),) = bench.database.query("SELECT count(*)::int FROM t")
    return int(count)


@pytest.mark.parametrize(
    ("script", "trips"),
    [
        (TABLE + "".join(map(ROW.format, range(800))), 1),
        (TABLE + "".join(map(ROW.format, range(3_000))), 1),
        (TABLE + "".join(map(ROW.format, range(6_000))), 2),
        (TABLE + "".join(map(ROW.format, range(9_000))), 2),
        (TABLE + OFF + "INSERT INTO t VALUES (1, 'it\\'s');\n" * 50, 2),
        (TABLE + "COPY t FROM stdin;\n1\ta\n\\.\nINSERT INTO t VALUES (1, 'b');\n", 2),
        (TABLE + "COPY t FROM stdin;\n" + "1\ta\n" * 1_200_000 + "\\.\nSELECT 1", 2),
    ],
    ids=["1 MB", "3 MB", "7 MB", "10 MB", "off", "copy", "long copy"],
)
def test_script_with_its_row_costs_two_round_trips_at_most(
    script: str, trips: int, bench: Bench, proxy: Proxy, interrupt: Interrupt
) -> None:
    """Counted are the moments at which the server waits for us: at rest, or for COPY's data."""
    with open_session(proxy.target(bench.database), interrupt) as session:
        bench.session = session
        task = bench.task(script)
        (conversation,) = proxy.conversations
        before = conversation.answers + conversation.wants_data
        attempt = bench.apply_task(task)
        waits = conversation.answers + conversation.wants_data - before
    assert (attempt.end, attempt.failure) == (AttemptEnd.APPLIED, None)
    assert waits == trips
    assert applied_rows(bench) > 0
    assert bench.rows() == [("1", True)]


@pytest.mark.parametrize(
    ("statements", "line", "sqlstate"),
    [
        ("SELECT 1;\n\nSELECT\n  'ß' + nowhere;\n", 6, "42703"),
        ("SELECT 1;\n\nSELEC 2;\n", 5, "42601"),
        ("SELECT 1;\nSELECT 1 / 0;\n", 4, "22012"),
        ("DO $$\nBEGIN\nRAISE 'no';\nEND $$;\n", 5, "P0001"),
        ("SELECT 1;\n\nSELECT 'ü',\n $1;\n", 6, "42P02"),
        ("SELECT $1 IS NULL;\n", 3, "42P02"),
        ("SET LOCAL statement_timeout = 20;\nSELECT pg_sleep(60);\n", 4, "57014"),
    ],
)
def test_error_within_a_stream_rolls_everything_back(
    statements: str, line: int, sqlstate: str, bench: Bench
) -> None:
    """It is that of a message, and its line that of the script."""
    script = f"CREATE TABLE half (); {PART}{{}}SELECT 2;\n{REST}"
    attempt = bench.apply(script.format("-- a comment\n" + statements))
    assert attempt.failure is not None
    assert (attempt.end, attempt.failure.sqlstate) == (AttemptEnd.FAILED, sqlstate)
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, line)
    assert not bench.session.in_transaction
    assert bench.database.query("SELECT to_regclass('half')::text") == [(None,)]
    assert bench.rows() == []


def test_statements_mean_what_they_mean_in_a_message(bench: Bench) -> None:
    """Whatever lives from one to the next, in the session or in its transaction."""
    script = f"""
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
{TABLE}{REST}
CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';
PREPARE p (int) AS INSERT INTO t VALUES ($1, current_setting('transaction_isolation'));
EXECUTE p (f(1, 2));
DEALLOCATE p;
DEALLOCATE ALL;
DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 9);
FETCH 2 FROM c;
MOVE 1 FROM c;
CREATE TEMP TABLE fetched ON COMMIT DROP AS SELECT 1;
CLOSE c;
SAVEPOINT s;
INSERT INTO t VALUES (7, 'not to stay');
ROLLBACK TO s;
RELEASE s;
SET LOCAL search_path = pg_catalog;
SELECT count(*) FROM pg_class;
ALTER TABLE public.t ADD more int;
SELECT * FROM public.t;
ALTER TABLE public.t DROP more;
RESET search_path;
SET CONSTRAINTS ALL DEFERRED;
LISTEN x;
NOTIFY x;
EXPLAIN SELECT * FROM t;
SELECT * FROM t FOR UPDATE;
LOCK TABLE t;
VALUES (1), (2);
DO $$ BEGIN RAISE WARNING 'told'; END $$;
INSERT INTO t SELECT 4, current_setting('search_path');
{REST}"""
    attempt = bench.apply(script)
    assert (attempt.end, attempt.failure) == (AttemptEnd.APPLIED, None)
    assert [item.message for item in attempt.notices] == ["told"]
    rows = bench.database.query("SELECT id, note FROM t ORDER BY id")
    assert rows == [(3, "repeatable read"), (4, '"$user", public')]
    assert bench.rows() == [("1", True)]


def test_strings_are_read_by_the_setting_in_force(bench: Bench) -> None:
    r"""On, off, on: within one script, and what a backslash means is different each time."""
    script = rf"""{TABLE}
INSERT INTO t VALUES (1, 'a\');
{OFF}INSERT INTO t VALUES (2, 'it\'s; b'), (3, 'c\\');
SET standard_conforming_strings = on;
INSERT INTO t VALUES (4, 'd\');
{OFF}COPY t FROM stdin;
5	e\\
\.
INSERT INTO t VALUES (6, 'f\';');"""
    attempt = bench.apply(script)
    assert (attempt.end, attempt.failure) == (AttemptEnd.APPLIED, None)
    notes = [note for (note,) in bench.database.query("SELECT note FROM t ORDER BY id")]
    assert notes == ["a\\", "it's; b", "c\\", "d\\", "e\\", "f';"]
    assert bench.rows() == [("1", True)]
    assert bench.session.reported("standard_conforming_strings") == "on"


def test_encoding_that_changes_within_a_stream_is_not_misread(bench: Bench) -> None:
    """What came behind was sent as UTF-8, and read as something else: nothing of it may stay."""
    block = "DO $$ BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); END $$;\n"
    attempt = bench.apply(f"{TABLE}{block}INSERT INTO t VALUES (1, 'é');\n{PART}{REST}")
    assert attempt.failure is not None
    assert (attempt.end, attempt.failure.sqlstate) == (AttemptEnd.FAILED, "0A000")
    assert "client_encoding is LATIN1" in attempt.failure.message
    assert attempt.place.moment is Moment.SCRIPT
    assert applied_rows(bench) == 0
    assert bench.session.reported("client_encoding") == "UTF8"
    assert bench.rows() == []


def while_it_sleeps(bench: Bench, act: Callable[[], object]) -> Attempt:
    """Return the attempt at a script in the stream of which *act* happens."""

    def soon() -> None:
        eventually(lambda: is_running(bench.database, "pg_sleep"))
        act()

    with meanwhile(soon):
        return bench.apply(f"{TABLE}{PART}SELECT pg_sleep(60);\n{REST}")


def test_backend_that_is_killed_within_a_stream_is_lost(bench: Bench) -> None:
    """Nobody knows more than that; no COMMIT was sent.

    Its last words need not arrive: a backend that had not read all that was sent to it.
    """
    kill = f"SELECT pg_terminate_backend({bench.session.pid})"
    attempt = while_it_sleeps(bench, partial(bench.database.query, kill))
    assert attempt.end is AttemptEnd.LOST
    assert attempt.failure is None or attempt.failure.sqlstate == "57P01"
    assert attempt.place.moment is not Moment.UNSENT
    assert bench.session.is_lost
    assert applied_rows(bench) == 0
    assert bench.rows() == []


def test_stop_within_a_stream_rolls_back(bench: Bench, interrupt: Interrupt) -> None:
    """The statement is cancelled, and nothing behind it sent."""
    attempt = while_it_sleeps(bench, partial(interrupt.set, "SIGTERM"))
    assert attempt.end is AttemptEnd.INTERRUPTED
    assert (attempt.place.moment, attempt.place.line) == (Moment.SCRIPT, 3)
    assert not bench.session.in_transaction
    assert bench.rows() == []


def test_long_script_of_a_release_is_applied(gate: Gate) -> None:
    """All stages of a run, among them those that read scripts beforehand."""
    rows = "".join(map(ROW.format, range(8_000)))
    assert gate.run({"V1__x.sql": TABLE + rows}).exit_code is ExitCode.OK
    assert gate.database.query("SELECT count(*), count(DISTINCT id) FROM t") == [(8000, 8000)]
    assert gate.database.query("SELECT version FROM flyway_schema_history") == [("1",)]
