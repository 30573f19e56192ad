"""The migration lock between real sessions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.clock import Interrupt
from hook.core.outcome import Status
from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import Interrupted, MigrationLocked, Unsupported
from hook.postgres.connecting import connect
from hook.postgres.facts import fetch_server_facts
from hook.postgres.lock import MigrationLock
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.lock import LockStage
from tests.fakes import FakeEvents
from tests.testbed.database import Database, Role
from tests.testbed.run_context import eventually, meanwhile, open_session, target_of

HISTORY = ("public", "flyway_schema_history")
KEY = migration_lock_key(*HISTORY)


@pytest.fixture
def session(database: Database, calm: Interrupt) -> Iterator[Session]:
    """Return the main session of the run."""
    with open_session(target_of(database), calm) as opened:
        yield opened


@pytest.fixture
def take(database: Database, ctx: Context, session: Session) -> Callable[..., MigrationLock]:
    """Return ``take(seconds=0, role=None)``: the lock stage on the test's database."""

    def run(seconds: float = 0, role: Role | None = None) -> MigrationLock:
        target = target_of(database, role)
        stage = LockStage(target, connect, timedelta(seconds=seconds))
        outcome = stage.run(ctx, *HISTORY, session, fetch_server_facts(session))
        assert [item.status for item in outcome.findings] == [Status.PASSED]
        return outcome.value

    return run


@contextmanager
def _another_run(database: Database, calm: Interrupt, run_id: str = "other") -> Iterator[Session]:
    """Hold the lock as another presync would, in the session that is yielded."""
    with open_session(target_of(database), calm, run_id) as own:
        assert MigrationLock(own, KEY).try_acquire()
        yield own


def test_lock_is_shown_under_the_key_of_flyway(
    database: Database, take: Callable[..., MigrationLock]
) -> None:
    """Flyway's own attempt, session or transaction level, fails while we have it."""
    with take():
        assert database.query(
            "SELECT classid::bigint, objid::bigint, objsubid FROM pg_locks"
            " WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        ) == [(18028, 4163491309, 1)]
        assert database.query(f"SELECT pg_try_advisory_xact_lock({KEY})") == [(False,)]
    assert database.query(f"SELECT pg_try_advisory_xact_lock({KEY})") == [(True,)]


def test_second_run_is_told_who_holds_the_lock(
    database: Database, calm: Interrupt, take: Callable[..., MigrationLock]
) -> None:
    """pid, application, client and since when, and how to end a dead one."""
    with (
        _another_run(database, calm) as holder,
        pytest.raises(MigrationLocked) as caught,
    ):
        take()
    message = caught.value.message
    assert f"pid {holder.pid} " in message
    assert "run=other" in message
    assert "client 127.0.0.1" in message
    assert "connected since 20" in message
    assert f"pg_terminate_backend({holder.pid})" in caught.value.hint


def test_migrator_of_another_database_is_not_the_holder(
    make_database: Callable[..., Database], session: Session, calm: Interrupt
) -> None:
    """Each database has its own lock under the same key; the session named is one to end."""
    with _another_run(make_database(), calm):
        assert MigrationLock(session, KEY).fetch_owner() is None


def test_who_waits_for_the_lock_is_not_the_holder(
    database: Database, session: Session, calm: Interrupt
) -> None:
    """To end one of them, a Flyway that waits within the server for example, helps nobody."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with contextlib.ExitStack() as stack:

        def connected() -> list[psycopg.Connection[TupleRow]]:
            # The server lists locks in the order of its own memory: some before, some behind.
            connections = [database.connect() for _ in range(3)]
            return [stack.enter_context(contextlib.closing(item)) for item in connections]

        others = connected()
        holder = stack.enter_context(_another_run(database, calm))
        for other in (*others, *connected()):
            other.pgconn.send_query(f"SELECT pg_advisory_lock({KEY})".encode())
        eventually(lambda: database.query(waiting) == [(6,)])
        owner = MigrationLock(session, KEY).fetch_owner()
        assert owner is not None
        assert owner.pid == holder.pid
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND NOT granted"
        )


def test_lock_on_two_numbers_is_another_lock(database: Database, session: Session) -> None:
    """The halves of our key, as an application may lock them: it is not the holder of ours."""
    high, low = KEY >> 32, KEY % (1 << 32) - (1 << 32)
    with database.connect() as other:
        other.execute(f"SELECT pg_advisory_lock({high}, {low})")
        locked = "SELECT classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
        assert database.query(locked) == [(high, KEY % (1 << 32))]
        assert MigrationLock(session, KEY).fetch_owner() is None


def test_refused_run_leaves_no_session_behind(
    database: Database, calm: Interrupt, take: Callable[..., MigrationLock]
) -> None:
    """The connection for the lock is closed when the lock is not to be had."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'presync%run=r1'"
    with _another_run(database, calm):
        with pytest.raises(MigrationLocked):
            take()
        eventually(lambda: database.query(count) == [(1,)])  # the main session


def test_waiting_run_gets_the_lock_when_the_other_ends(
    database: Database,
    calm: Interrupt,
    take: Callable[..., MigrationLock],
    events: FakeEvents,
) -> None:
    """The wait is told, and ends with the lock."""
    with open_session(target_of(database), calm) as other:
        theirs = MigrationLock(other, KEY)
        assert theirs.try_acquire()

        def leave() -> None:
            eventually(lambda: bool(events.named("retry.scheduled")))
            theirs.release()

        with meanwhile(leave), take(seconds=30):
            pass


def test_neither_who_holds_the_lock_nor_who_waits_keeps_an_index_from_being_built(
    database: Database,
    calm: Interrupt,
    take: Callable[..., MigrationLock],
    events: FakeEvents,
) -> None:
    """Neither has a snapshot that CREATE INDEX CONCURRENTLY, which is anybody's, must outlast."""
    database.execute("CREATE TABLE t (id int)")
    with open_session(target_of(database), calm) as other:
        theirs = MigrationLock(other, KEY)
        assert theirs.try_acquire()

        def build_and_leave() -> None:
            eventually(lambda: bool(events.named("retry.scheduled")))
            with database.connect() as builder:
                builder.execute("SET statement_timeout = '60s'")
                builder.execute("CREATE INDEX CONCURRENTLY i ON t (id)")
            theirs.release()

        with meanwhile(build_and_leave), take(seconds=120):
            pass
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"
    assert database.query(valid) == [(True,)]


def test_lock_of_a_killed_run_is_free(
    database: Database,
    calm: Interrupt,
    take: Callable[..., MigrationLock],
    events: FakeEvents,
) -> None:
    """A holder that dies takes its lock with it."""
    with _another_run(database, calm) as holder:

        def kill() -> None:
            eventually(lambda: bool(events.named("retry.scheduled")))
            database.execute(f"SELECT pg_terminate_backend({holder.pid})")

        with meanwhile(kill), take(seconds=30):
            pass


def test_wait_for_the_lock_ends_with_a_stop_request(
    database: Database,
    calm: Interrupt,
    interrupt: Interrupt,
    take: Callable[..., MigrationLock],
    events: FakeEvents,
) -> None:
    """SIGTERM ends the wait; nothing keeps waiting on the server."""

    def stop() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        interrupt.set("SIGTERM")

    with _another_run(database, calm):
        with meanwhile(stop), pytest.raises(Interrupted):
            take(seconds=30)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        assert database.query(waiting) == [(0,)]


def test_lock_is_given_back_after_a_stop_request(
    database: Database, interrupt: Interrupt, take: Callable[..., MigrationLock]
) -> None:
    """Leaving the block frees the lock before it returns, stop or no stop."""
    with take():
        interrupt.set("SIGTERM")
    assert database.query(f"SELECT pg_try_advisory_lock({KEY})") == [(True,)]


def test_lost_lock_is_noticed(database: Database, take: Callable[..., MigrationLock]) -> None:
    """A lock whose connection died is known to be lost, and its release does not fail."""
    with take() as lock:
        assert not lock.is_lost
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
        eventually(lambda: database.query(f"SELECT pg_try_advisory_lock({KEY})") == [(True,)])
        assert lock.is_lost  # as soon as another run can have it


def test_owner_of_another_role_is_told_as_far_as_it_is_visible(
    database: Database,
    make_role: Callable[..., Role],
    calm: Interrupt,
    take: Callable[..., MigrationLock],
) -> None:
    """Without pg_read_all_stats pid, user and application remain."""
    with (
        _another_run(database, calm) as holder,
        pytest.raises(MigrationLocked, match="hidden from this role") as caught,
    ):
        take(role=make_role())
    assert f"pid {holder.pid} (presync/" in caught.value.message


def test_lock_on_a_shared_backend_is_refused(
    database: Database, session: Session, ctx: Context
) -> None:
    """When both sessions are one backend, as behind a pooler, the lock excludes nobody."""
    facts = fetch_server_facts(session)._replace(backend_pid=session.pid + 1)
    stage = LockStage(target_of(database), lambda *_: session, timedelta(0))
    with pytest.raises(Unsupported, match="pooler in transaction mode"):
        stage.run(ctx, *HISTORY, session, facts)
    assert database.query(f"SELECT pg_try_advisory_lock({KEY})") == [(True,)]


@pytest.mark.parametrize("backends", ["111111", "121212", "123123", "112112", "112231"])
def test_lock_of_sessions_without_backends_of_their_own_is_refused(
    take: Callable[..., MigrationLock],
    session: Session,
    backends: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However a pooler hands out its backends, two sessions of ours share or change them."""
    served = iter(backends)
    monkeypatch.setattr("hook.postgres.lock._backend_of", lambda _: int(next(served)))
    with take() as lock, pytest.raises(Unsupported, match="pooler in transaction mode"):
        lock.refuse_shared_backends(session)


def test_lock_behind_a_pooler_in_session_mode_is_taken(
    database: Database, session: Session, ctx: Context
) -> None:
    """A pooler that keeps the sessions apart does no harm."""
    facts = fetch_server_facts(session)._replace(backend_pid=session.pid + 1)
    stage = LockStage(target_of(database), connect, timedelta(0))
    with stage.run(ctx, *HISTORY, session, facts).value:
        assert database.query(f"SELECT pg_try_advisory_lock({KEY})") == [(False,)]
