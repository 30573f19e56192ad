"""The migration lock on a new connection: where that leads, and who is still at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from hook.clock import Bounds, Interrupt
from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import MigrationLocked
from hook.postgres.connecting import connect
from hook.postgres.facts import fetch_server_facts
from hook.postgres.lock import MigrationLock
from hook.postgres.session import Session
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from hook.stages.lock import LockStage
from tests.fakes import FakeEvents
from tests.testbed.database import Database
from tests.testbed.run_context import eventually, open_session, target_of

HISTORY = ("public", "flyway_schema_history")
KEY = migration_lock_key(*HISTORY)
REST = "what was applied so far is recorded."
WORK = "BEGIN; SELECT txid_current()"


@pytest.fixture
def session(database: Database, calm: Interrupt) -> Iterator[Session]:
    """Return the session that the run works with."""
    with open_session(target_of(database), calm) as opened:
        yield opened


def elsewhere(database: Database) -> ConnectionTarget:
    """Return another database of the same server, which has locks of its own as well."""
    return target_of(database, dbname="postgres")


@contextmanager
def lost(
    database: Database, ctx: Context, session: Session, then: ConnectionTarget | None = None
) -> Iterator[MigrationLock]:
    """Yield a lock whose connection is lost; a new one leads to *then*, if that is not none."""
    asked: list[ConnectionTarget] = []

    def reach(
        target: ConnectionTarget,
        purpose: str,
        run_id: str,
        bounds: Bounds,
        connect_timeout: timedelta,
    ) -> Session:
        asked.append(target)
        place = then if then is not None and len(asked) > 1 else target
        return connect(place, purpose, run_id, bounds, connect_timeout)

    stage = LockStage(target_of(database), reach, timedelta(0))
    with stage.run(ctx, *HISTORY, session, fetch_server_facts(session)).value as lock:
        holder = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'ExclusiveLock'"
        database.query(f"{holder} AND locktype = 'advisory' AND pid <> {session.pid}")
        eventually(lambda: lock.is_lost)
        yield lock


def test_lock_on_another_server_excludes_nobody(
    database: Database, ctx: Context, session: Session, events: FakeEvents
) -> None:
    """A Service may lead to a new primary while the session on the old one lives."""
    with lost(database, ctx, session, elsewhere(database)) as lock:
        with pytest.raises(MigrationLocked) as caught:
            lock.hold(session, REST)
        assert caught.value.message.endswith(
            "leads to another server now; on that of this run nobody has it now"
        )
        assert lock.is_lost
        assert lock.retaken == 0
    assert not events.named("lock.retaken")


def test_migrator_on_the_server_of_the_run_is_named(
    database: Database, ctx: Context, session: Session, calm: Interrupt
) -> None:
    """The lock elsewhere is free, and there somebody has it already."""
    with (
        lost(database, ctx, session, elsewhere(database)) as lock,
        open_session(target_of(database), calm, "other") as theirs,
    ):
        assert MigrationLock(theirs, KEY).try_acquire()
        with pytest.raises(MigrationLocked) as caught:
            lock.hold(session, REST)
        assert f"on that of this run pid {theirs.pid} (" in caught.value.message


def test_session_that_goes_on_is_not_waited_for(
    database: Database, ctx: Context, session: Session, events: FakeEvents
) -> None:
    """It has the mark of work, and may be in a transaction."""
    with lost(database, ctx, session) as lock:
        session.execute(WORK)
        lock.hold(session, REST)
        assert not lock.is_lost
        assert lock.retaken == 1
        owner = lock.find_successor(session).owner
        assert owner is not None
        assert owner.pid != session.pid
    assert len(events.named("lock.retaken")) == 1


def test_lost_backend_of_the_same_run_is_waited_for(
    database: Database, ctx: Context, session: Session, calm: Interrupt
) -> None:
    """What ran in the connection that was lost with the lock may still run."""
    with (
        lost(database, ctx, session) as lock,
        open_session(target_of(database), calm) as callback,
    ):
        lock.mark(callback)
        callback.execute(WORK)
        with pytest.raises(MigrationLocked) as caught:
            lock.hold(session, REST)
        assert f": pid {callback.pid} (presync/" in caught.value.message
