"""The syntax stage when something comes in between: stops, losses, deadlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hook.clock import Deadline, Interrupt
from hook.core.sql.statements import parse_statements
from hook.errors import BudgetExceeded, DatabaseUnreachable, Interrupted
from hook.postgres.session import Session
from hook.postgres.syntax import find_syntax_errors
from hook.stages import Context
from tests.fakes import FakeClock, FakeEvents
from tests.testbed.database import Database
from tests.testbed.run_context import eventually, open_session, target_of
from tests.testbed.syntax_check import SyntaxCheck


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session with the test's database."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


@pytest.fixture
def check(ctx: Context, session: Session) -> SyntaxCheck:
    """Return the stage on `session`."""
    return SyntaxCheck(ctx, session)


def test_stop_request_ends_the_check_and_leaves_the_session_clean(
    check: SyntaxCheck, interrupt: Interrupt, session: Session
) -> None:
    """A stop between two scripts is heard before the second one is sent."""
    stopping = replace(
        check, on_read=lambda name: interrupt.set("SIGTERM") if name == "V2__b.sql" else None
    )
    with pytest.raises(Interrupted):
        stopping.run({"V1__a.sql": "SELECT 1", "V2__b.sql": "SELECT 2"})
    assert not session.in_transaction


def test_stop_request_rolls_the_aborted_transaction_back(
    session: Session, interrupt: Interrupt
) -> None:
    """Cleaning up goes on after the stop."""
    batches: list[bool] = []

    def stop_in_transaction() -> None:
        batches.append(session.in_transaction)
        if session.in_transaction:
            interrupt.set("SIGTERM")

    with pytest.raises(Interrupted):
        find_syntax_errors(session, parse_statements(b"SELEC 1"), stop_in_transaction)
    assert batches == [False, True]
    assert not session.in_transaction
    assert session.shielded(5).fetch("SELECT 1") == [(1,)]


def test_lost_connection_is_no_syntax_error(
    check: SyntaxCheck, database: Database, session: Session
) -> None:
    """A backend that is gone makes the run worth trying again."""

    def kill(_name: str) -> None:
        database.execute(f"SELECT pg_terminate_backend({session.pid})")
        eventually(lambda: not _is_there(database, session.pid))

    with pytest.raises(DatabaseUnreachable):
        replace(check, on_read=kill).run({"V1__a.sql": "SELECT 1;" * 600})


def _is_there(database: Database, pid: int) -> bool:
    return bool(database.query(f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid}"))


def test_deadline_ends_the_check(ctx: Context, session: Session) -> None:
    """The deadline of the run holds here as well."""
    over = Deadline.after(ctx.clock, timedelta(0), "PRESYNC_DEADLINE")
    with pytest.raises(BudgetExceeded, match="PRESYNC_DEADLINE"):
        SyntaxCheck(ctx._replace(deadline=over), session).run({"V1__a.sql": "SELECT 1"})


def test_long_check_speaks_every_ten_seconds(
    ctx: Context, session: Session, events: FakeEvents
) -> None:
    """A check that takes its time tells so, a quick one says nothing."""
    clock = FakeClock()
    check = SyntaxCheck(ctx._replace(clock=clock), session, on_read=lambda _: clock.advance(6))
    check.run({"V1__a.sql": "SELECT 1"})
    assert events.told == []
    check.run({f"V{number}__a.sql": "SELECT 1" for number in range(1, 5)})
    assert [item["elapsed_ms"] for item in events.named("syntax.progress")] == [12000, 24000]
