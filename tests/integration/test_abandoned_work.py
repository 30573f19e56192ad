"""A killed run's backend works on: the lock is free, and the next run waits all the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from hook.clock import Interrupt
from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import MigrationLocked
from hook.postgres.connecting import connect
from hook.postgres.facts import fetch_server_facts
from hook.postgres.lock import MigrationLock
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.lock import LockStage
from tests.fakes import FakeEvents
from tests.testbed.database import Database, Role
from tests.testbed.run_context import RUN_ID, eventually, meanwhile, open_session, target_of

HISTORY = ("public", "flyway_schema_history")
WORK = "BEGIN; SELECT txid_current()"
Take = Callable[..., None]


@pytest.fixture
def take(database: Database, ctx: Context, calm: Interrupt) -> Take:
    """Return ``take(seconds=0, role=None)``: a run's stage, which gives the lock back."""

    def run(seconds: float = 0, role: Role | None = None) -> None:
        target = target_of(database, role)
        stage = LockStage(target, connect, timedelta(seconds=seconds))
        with open_session(target, calm) as session:
            stage.run(ctx, *HISTORY, session, fetch_server_facts(session)).value.release()

    return run


@contextlib.contextmanager
def at_work(database: Database, calm: Interrupt, run_id: str = "gone") -> Iterator[Session]:
    """Open the session of a run that is in the middle of a script."""
    with open_session(target_of(database), calm, run_id) as session:
        session.fetch(WORK)
        yield session


def test_work_without_a_lock_is_not_joined(
    database: Database, calm: Interrupt, take: Take, make_role: Callable[..., Role]
) -> None:
    """Not by a run of another role either, from which most of it is hidden."""
    with at_work(database, calm) as session:
        for role in (None, make_role()):
            with pytest.raises(MigrationLocked) as caught:
                take(role=role)
            assert caught.value.message.startswith(f"pid {session.pid} (presync/")
            assert "run=gone" in caught.value.message
            assert f"pg_terminate_backend({session.pid})" in caught.value.hint
        query = "SELECT FROM pg_locks WHERE locktype = 'advisory'"
        assert not database.query(query), "the refused run keeps no lock"


def test_lock_is_had_when_the_work_has_ended(
    database: Database, calm: Interrupt, take: Take, events: FakeEvents
) -> None:
    """The wait is told, and ends with it."""
    with at_work(database, calm) as session:

        def end() -> None:
            eventually(lambda: bool(events.named("retry.scheduled")))
            session.fetch("COMMIT")

        with meanwhile(end):
            take(seconds=30)
    (told,) = {message for event, message, _ in events.told if event == "retry.scheduled"}
    assert "as a killed run leaves it" in told


def test_run_that_has_its_lock_is_at_work_for_somebody(
    database: Database, calm: Interrupt, take: Take
) -> None:
    """That of another schema history in this database is nobody we have to wait for."""
    other = migration_lock_key("other", "history")
    with (
        at_work(database, calm, "alive"),
        open_session(target_of(database), calm, "alive") as own,
        contextlib.closing(database.connect()) as stranger,
    ):
        assert MigrationLock(own, other).try_acquire()
        stranger.execute(WORK)
        take()


def test_session_that_only_waits_is_in_nobodys_way(
    database: Database, calm: Interrupt, take: Take
) -> None:
    """Outside of a transaction nothing is done, and our own does not count."""
    with (
        open_session(target_of(database), calm, "waiting"),
        at_work(database, calm, RUN_ID),
    ):
        take()
