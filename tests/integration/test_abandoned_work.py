"""A killed run's backend works on: the lock is free, and the next run waits all the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from hook.clock import Interrupt
from hook.core.sessions.lock_key import migration_lock_key, work_mark_key
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
KEY = migration_lock_key(*HISTORY)
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
def at_work(
    database: Database, calm: Interrupt, work: str = WORK, key: int = KEY
) -> Iterator[Session]:
    """Open the session of a run, which had the lock *key*, in the middle of a script."""
    with open_session(target_of(database), calm, "gone") as session:
        MigrationLock(session, key).mark(session)
        session.execute(work)
        yield session


def test_work_without_a_lock_is_not_joined(
    database: Database, calm: Interrupt, take: Take, make_role: Callable[..., Role]
) -> None:
    """Not by a run of another role either, from which most of it is hidden."""
    with at_work(database, calm) as session:
        for role in (None, make_role()):
            with pytest.raises(MigrationLocked) as caught:
                take(role=role)
            assert caught.value.facts["pid"] == session.pid
            assert "run=gone" in caught.value.message
            assert "still at work on public.flyway_schema_history, as after" in caught.value.message
            assert f"pg_terminate_backend({session.pid})" in caught.value.hint
        query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        assert not database.query(query), "the refused run keeps no lock"


@pytest.mark.parametrize("setting", ["application_name = 'mine'", "ROLE pg_monitor"])
def test_work_is_known_whatever_its_script_has_set(
    database: Database, calm: Interrupt, take: Take, setting: str
) -> None:
    """The mark is no setting, and no rollback takes it away."""
    with at_work(database, calm, f"BEGIN; SET {setting}; {WORK}") as session:
        with pytest.raises(MigrationLocked, match=f": pid {session.pid} "):
            take()
        session.execute(f"ROLLBACK; RESET ALL; RESET ROLE; SET {setting}; {WORK}")
        with pytest.raises(MigrationLocked, match=f": pid {session.pid} "):
            take()


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
    assert "as after a killed run: pid" in told


def test_work_on_another_schema_history_is_not_waited_for(
    database: Database, calm: Interrupt, take: Take
) -> None:
    """Nor is a stranger's transaction."""
    with (
        at_work(database, calm, key=migration_lock_key("other", "history")),
        contextlib.closing(database.connect()) as stranger,
    ):
        stranger.execute(WORK)
        take()


def test_work_in_another_database_is_not_waited_for(
    make_database: Callable[..., Database], calm: Interrupt, take: Take
) -> None:
    """Its schema history has the same name, and so the same key; its locks are its own."""
    with at_work(make_database(), calm):
        take()


def test_session_that_does_nothing_is_in_nobodys_way(
    database: Database, calm: Interrupt, take: Take
) -> None:
    """Its node may have vanished, and then nobody ends it for hours."""
    with at_work(database, calm, "SELECT 1"):
        take()


def test_command_that_reads_is_not_taken_for_a_killed_runs_work(
    database: Database, calm: Interrupt, take: Take
) -> None:
    """It has a transaction open, under presync's name, as long as somebody locks what it reads."""
    with (
        open_session(target_of(database), calm, "reader") as session,
        open_session(target_of(database), calm, RUN_ID) as own,
    ):
        for reading in (session, own):
            reading.execute("BEGIN; SELECT FROM pg_catalog.pg_class")
        take()


def test_run_that_was_replaced_is_waited_for_by_its_successor(
    database: Database, ctx: Context, calm: Interrupt, take: Take
) -> None:
    """What a run marks is the session that it works in, as soon as it has the lock."""
    stage = LockStage(target_of(database), connect, timedelta(0))
    with open_session(target_of(database), calm) as session:
        lock = stage.run(ctx, *HISTORY, session, fetch_server_facts(session)).value
        session.execute(WORK)
        lock.release()
        with pytest.raises(MigrationLocked, match=f": pid {session.pid} "):
            take()


def test_whoever_asks_is_not_taken_for_the_killed_run(database: Database, calm: Interrupt) -> None:
    """A pool may have given it the backend that the killed run was served by."""
    with open_session(target_of(database), calm) as session:
        lock = MigrationLock(session, KEY)
        lock.mark(session)
        assert lock.fetch_abandoned() == ()


def held_by(session: Session) -> int:
    """Return how many advisory locks the backend of *session* has."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    return int(session.fetch(query)[0][0])


def test_mark_is_had_once(database: Database, calm: Interrupt) -> None:
    """One that was left on the backend of a pool is given back with our own."""
    with open_session(target_of(database), calm) as session:
        for _ in range(2):
            MigrationLock(session, KEY).mark(session)
        assert held_by(session) == 1
        session.fetch("SELECT pg_advisory_unlock_shared(%s::bigint)", (work_mark_key(KEY),))
        assert held_by(session) == 0
