"""Take the migration lock, or say who has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from hook.core.execution.heartbeat import Heartbeat
from hook.core.outcome import Finding, from_error, passed
from hook.core.sessions.lock_key import migration_lock_key
from hook.core.sessions.lock_owner import left_at_work, locked_by
from hook.errors import HookError, Unsupported
from hook.postgres.lock import MigrationLock
from hook.stages import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.clock import Deadline
    from hook.core.sessions.lock_owner import LockOwner
    from hook.core.sessions.server import ServerFacts
    from hook.errors import MigrationLocked
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget
    from hook.stages import Context

_NAME = "lock"
_POLL_SECONDS = 0.5
_NO_KEY = 0


@dataclass(frozen=True, slots=True)
class LockStage:
    """Waits for another migrator up to *lock_wait*."""

    target: ConnectionTarget
    connect: Connect
    lock_wait: timedelta
    connect_timeout: timedelta = timedelta(seconds=10)
    name: str = _NAME

    def run(
        self, ctx: Context, schema: str, table: str, session: Session, facts: ServerFacts
    ) -> Outcome[MigrationLock]:
        """Return the held lock of the schema history *schema*.*table*; release it when done.

        Args:
            ctx: The run.
            schema: Of the schema history, as Flyway names it.
            table: Name of the schema history.
            session: The run's other session, which must have a backend of its own; that is
                marked as at work under the lock.
            facts: Of *session*.

        Raises:
            MigrationLocked: Somebody kept it for the whole wait, or works on without it.
            Unsupported: A pooler makes the lock meaningless.
            HookError: The connection failed or a stop was requested.
        """
        own = self.connect(self.target, "lock", ctx.run_id, ctx.bounds, self.connect_timeout)
        history = f"{schema}.{table}"
        key = migration_lock_key(schema, table)
        lock = MigrationLock(own, key, partial(self._retake, ctx, history))
        try:
            if facts.backend_pid != session.pid:  # some pooler answered the login
                lock.refuse_shared_backends(session)
            waited = self._acquire(ctx, lock, history, lock.fetch_abandoned)
            lock.mark(session)
        except HookError:
            lock.release()
            raise
        message = f"migration lock of {history} taken"
        return Outcome((passed("lock", message, waited_ms=round(waited * 1000)),), lock)

    def look(self, ctx: Context, session: Session) -> tuple[Finding, ...]:
        """Judge whether the lock would exclude somebody; it is not taken.

        Some pooler has answered the login of *session*.

        Raises:
            HookError: The connection failed or a stop was requested.
        """
        own = self.connect(self.target, "lock", ctx.run_id, ctx.bounds, self.connect_timeout)
        with own:
            try:
                MigrationLock(own, _NO_KEY).refuse_shared_backends(session)
            except Unsupported as error:
                return (from_error(error),)
        message = "the pooler in between serves each connection with a backend of its own"
        return (passed("lock", message),)

    def _retake(
        self, ctx: Context, history: str, lock: MigrationLock, other: Session, rest: str
    ) -> None:
        """Take *lock* once more, its connection being lost; who has it is waited for as before.

        So is whoever works without it, but for *other*; see `MigrationLock.hold`.
        """
        lock.go_on_as(
            self.connect(self.target, "lock", ctx.run_id, ctx.bounds, self.connect_timeout)
        )
        try:
            waited = self._acquire(ctx, lock, history, partial(lock.fetch_abandoned, other))
            lock.refuse_elsewhere(other, rest)
        except HookError:
            lock.release()
            raise
        message = f"migration lock of {history} taken again: the connection that held it was lost"
        ctx.events("lock.retaken", message, level="warning", waited_ms=round(waited * 1000))

    def _acquire(
        self,
        ctx: Context,
        lock: MigrationLock,
        history: str,
        abandoned: Callable[[], tuple[LockOwner, ...]],
    ) -> float:
        """Poll until *lock* is ours, and nobody works without it; return the seconds waited."""
        deadline = ctx.deadline.within(self.lock_wait, "PRESYNC_LOCK_WAIT")
        patience = _Patience(ctx, deadline, ctx.clock.monotonic())
        while not lock.try_acquire():
            patience.wait(locked_by(history, lock.fetch_owner(), patience.waited))
        while backends := abandoned():
            patience.wait(left_at_work(history, backends[0], patience.waited))
        return patience.waited


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long is waited, and what is told meanwhile."""

    ctx: Context
    deadline: Deadline
    began: float
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    @property
    def waited(self) -> float:
        return self.ctx.clock.monotonic() - self.began

    def wait(self, error: MigrationLocked) -> None:
        """Pause because of what *error* says, and raise it when it was long enough."""
        if self.deadline.remaining() <= 0:
            raise error
        if self.heartbeat.is_due(self.ctx.clock.monotonic()):
            self.ctx.events("retry.scheduled", error.message, stage=_NAME, **error.facts)
        self.ctx.clock.sleep(min(_POLL_SECONDS, self.deadline.remaining()))
