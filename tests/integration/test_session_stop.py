"""What a session does that is told to stop, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.clock import Interrupt
from hook.errors import Interrupted
from hook.postgres.session import Session
from tests.testbed.database import Database
from tests.testbed.run_context import open_session, stopped_while_it_sleeps, target_of


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session with the test's database."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


def test_run_is_cancelled_by_a_stop_request(
    session: Session, interrupt: Interrupt, database: Database
) -> None:
    """SIGTERM cancels the running statement and the answer to that is awaited."""
    with stopped_while_it_sleeps(database, interrupt):
        outcome = session.run("SELECT 1; SELECT pg_sleep(60); SELECT 2")
    assert outcome.is_interrupted
    assert not outcome.is_lost
    assert outcome.failure is not None
    assert (outcome.completed, outcome.failure.sqlstate) == (1, "57014")


def test_statement_that_survives_a_cancel_is_cancelled_again(
    session: Session, interrupt: Interrupt, database: Database
) -> None:
    """So is one that the cancel did not reach, as the server was reading what had been sent."""
    block = """DO $$ BEGIN PERFORM pg_sleep(60);
        EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(60); END $$"""
    with stopped_while_it_sleeps(database, interrupt):
        outcome = session.run(block)
    assert outcome.is_interrupted
    assert not outcome.is_lost
    assert session.shielded(5).run("SELECT 1").completed == 1


def test_run_sends_nothing_after_a_stop_request(session: Session, interrupt: Interrupt) -> None:
    """Once a stop was requested no new work starts, but cleaning up still works."""
    interrupt.set("SIGTERM")
    assert session.run("CREATE TABLE t (id int)").is_interrupted
    with pytest.raises(Interrupted):
        session.fetch("SELECT 1")
    shielded = session.shielded(5)
    assert shielded.fetch("SELECT to_regclass('t') IS NULL") == [(True,)]
    assert shielded.run("SELECT 1").completed == 1


def test_run_is_cancelled_at_its_limit(session: Session) -> None:
    """A limit ends the statement like a stop request, and is told apart from one."""
    outcome = session.run("SELECT pg_sleep(60)", seconds=0.05)
    assert outcome.is_timed_out
    assert not outcome.is_interrupted
    assert session.run("SELECT 1").completed == 1
