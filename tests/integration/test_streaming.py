"""Statements that a session sends one behind the other, on a real server."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from hook.clock import Interrupt
from hook.postgres.session import Session
from tests.testbed.database import Database
from tests.testbed.run_context import (
    eventually,
    is_running,
    meanwhile,
    open_session,
    stopped_while_it_sleeps,
    target_of,
)

# More than is sent in one go.
PADDED = b"SELECT '%s'" % (b"x" * 100_000)


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session with the test's database, in a transaction."""
    with open_session(target_of(database), interrupt) as opened:
        opened.run("BEGIN")
        yield opened


def is_usable(session: Session) -> bool:
    """Tell whether the pipeline is closed and the session at rest."""
    return session.shielded(5).run("ROLLBACK; SELECT 1").completed == 2


def test_each_statement_is_counted(session: Session) -> None:
    """Whatever it returns: nothing, rows, or none of those there could be."""
    texts = (
        b"CREATE TABLE t (id int)", b"INSERT INTO t VALUES (1), (2)", b"SELECT 1",
        b"SHOW port", b"TABLE t", b"SELECT FROM t WHERE false",
    )  # fmt: skip
    outcome = session.stream(texts)
    assert (outcome.completed, outcome.failure) == (6, None)
    assert session.fetch("SELECT count(*) FROM t") == [(2,)]


def test_nothing_behind_an_error_is_run(session: Session) -> None:
    """The position is that in the statement, and the server reads nothing ahead."""
    outcome = session.stream(
        [b"CREATE TABLE t ()", b"SELECT 1", b"SELECT emial FROM pg_class", b"SELEC 2"]
    )
    assert outcome.completed == 2
    assert outcome.failure is not None
    assert (outcome.failure.sqlstate, outcome.failure.position) == ("42703", 8)
    assert session.in_transaction
    assert is_usable(session)


def test_rest_of_a_long_stream_is_not_sent_after_an_error(session: Session) -> None:
    """It may be hours of work to make it."""
    taken: list[int] = []

    def texts() -> Iterator[bytes]:
        yield b"SELECT 1 / 0"
        while len(taken) < 10_000:
            taken.append(1)
            yield PADDED

    outcome = session.stream(texts())
    assert outcome.failure is not None
    assert (outcome.completed, outcome.failure.sqlstate) == (0, "22012")
    assert len(taken) < 1000
    assert is_usable(session)


def test_results_are_read_while_statements_are_sent(session: Session) -> None:
    """Either direction carries more than all that lies between can hold."""
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    query = b"SELECT repeat('x', 100000), '%s'" % (b"x" * 10_000)
    outcome = session.stream(query for _ in range(1_000))
    assert (outcome.completed, outcome.failure) == (1_000, None)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown
    assert grown < 30_000  # KiB, of the 100 MB that came back


def test_rows_are_dropped_one_by_one(session: Session) -> None:
    """Also those of a query behind another one."""
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    query = b"SELECT repeat('x', 500) FROM generate_series(1, 100000)"
    outcome = session.stream([query, b"SELECT 1", query])
    assert (outcome.completed, outcome.failure) == (3, None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown < 10_000


def test_results_that_are_shown_are_kept(session: Session) -> None:
    """With the number of their statement, how many rows there were, and the first of them."""
    outcome = session.stream(
        [b"SELECT 0", b"SELECT n FROM generate_series(1, 30) AS n", b"SELECT 'a', NULL"],
        shown=range(1, 3),
    )
    first, second = outcome.results
    assert (first.index, first.columns, first.count, first.rows[:2]) == (
        1, ("n",), 30, (("1",), ("2",)),
    )  # fmt: skip
    assert (second.index, second.rows) == (2, (("a", None),))


def test_notices_are_told(session: Session) -> None:
    """Of each statement, as they come."""
    outcome = session.stream(
        [b"DO $$ BEGIN RAISE WARNING 'one'; END $$", b"DO $$ BEGIN RAISE WARNING 'two'; END $$"]
    )
    assert [item.message for item in outcome.notices] == ["one", "two"]


def test_statement_timeout_is_for_each_statement(session: Session) -> None:
    """Ten of them may take longer together."""
    outcome = session.stream(
        [b"SET LOCAL statement_timeout = '2s'", *[b"SELECT pg_sleep(.3)"] * 10]
    )
    assert (outcome.completed, outcome.failure) == (11, None)
    outcome = session.stream([b"SET LOCAL statement_timeout = 20", b"SELECT pg_sleep(60)"])
    assert outcome.failure is not None
    assert (outcome.completed, outcome.failure.sqlstate) == (1, "57014")
    assert not outcome.is_timed_out


def test_stop_request_cancels_what_runs(
    session: Session, interrupt: Interrupt, database: Database
) -> None:
    """Its answer is awaited, and the session is at rest afterwards."""
    with stopped_while_it_sleeps(database, interrupt):
        outcome = session.stream([b"SELECT 1", b"SELECT pg_sleep(60)", b"SELECT 2"])
    assert outcome.failure is not None
    assert (outcome.completed, outcome.failure.sqlstate) == (1, "57014")
    assert outcome.is_interrupted
    assert not outcome.is_lost
    assert is_usable(session)


def test_stop_request_between_two_statements_ends_the_stream(
    session: Session, interrupt: Interrupt
) -> None:
    """A server that has nothing to do at that moment lets the cancel pass."""

    def texts() -> Iterator[bytes]:
        yield from [PADDED] * 3
        interrupt.set("SIGTERM")
        yield from [PADDED] * 1_000

    outcome = session.stream(texts())
    assert outcome.failure is not None
    assert outcome.failure.sqlstate == "57014"
    assert outcome.completed < 10
    assert outcome.is_interrupted
    assert is_usable(session)


def test_limit_ends_the_stream(session: Session) -> None:
    """Be it that there is never a wait: what is sent is read at once."""
    began: list[float] = []
    outcome = session.stream(iter(lambda: PADDED, b""), seconds=0.3, on_wait=began.append)
    assert outcome.is_timed_out
    assert outcome.failure is not None
    assert outcome.failure.sqlstate == "57014"
    assert is_usable(session)


def test_wait_is_told_of_although_there_is_none(session: Session) -> None:
    """Sending takes long, too."""
    told: list[float] = []

    def texts() -> Iterator[bytes]:
        while not told:
            yield PADDED

    assert session.stream(texts(), seconds=60, on_wait=told.append).failure is None
    assert told[0] >= 1


def test_last_words_of_a_killed_backend_are_told(session: Session, database: Database) -> None:
    """A terminated backend is a lost connection, with 57P01 as the reason."""

    def kill() -> None:
        eventually(lambda: is_running(database, "pg_sleep"))
        database.execute(f"SELECT pg_terminate_backend({session.pid})")

    with meanwhile(kill):
        outcome = session.stream([b"SELECT 1", b"SELECT pg_sleep(60)", b"SELECT 2"])
    assert outcome.is_lost
    assert outcome.failure is not None
    assert (outcome.completed, outcome.failure.sqlstate) == (1, "57P01")
    assert session.stream([b"SELECT 1"]).is_lost


def test_stream_that_cannot_be_read_on_is_closed(session: Session) -> None:
    """A file may vanish; the transaction is then rolled back in that session."""

    def texts() -> Iterator[bytes]:
        yield from [PADDED] * 3
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        session.stream(texts())
    assert session.in_transaction
    assert is_usable(session)


def test_nothing_is_sent_after_a_stop_request(session: Session, interrupt: Interrupt) -> None:
    """No new work starts."""
    interrupt.set("SIGTERM")
    outcome = session.stream([b"SELECT 1"])
    assert (outcome.completed, outcome.is_interrupted, outcome.failure) == (0, True, None)
