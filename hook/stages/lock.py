"""Take the migration lock, or say who has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.heartbeat import Heartbeat
from hook.core.lock_key import migration_lock_key
from hook.core.lock_owner import locked_by
from hook.core.outcome import passed
from hook.errors import HookError
from hook.postgres.lock import MigrationLock
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.server import ServerFacts
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget
    from hook.stages import Context

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class LockStage:
    """Waits for another migrator up to *lock_wait*."""

    target: ConnectionTarget
    connect: Connect
    lock_wait: timedelta
    connect_timeout: timedelta = timedelta(seconds=10)
    name: str = "lock"

    def run(
        self, ctx: Context, schema: str, table: str, session: Session, facts: ServerFacts
    ) -> Outcome[MigrationLock]:
        """Return the held lock of the schema history *schema*.*table*; release it when done.

        Args:
            ctx: The run.
            schema: Of the schema history, as Flyway names it.
            table: Name of the schema history.
            session: The run's other session, which must have a backend of its own.
            facts: Of *session*.

        Raises:
            MigrationLocked: Somebody kept it for the whole wait.
            Unsupported: A pooler makes the lock meaningless.
            HookError: The connection failed or a stop was requested.
        """
        own = self.connect(self.target, "lock", ctx.run_id, ctx.bounds, self.connect_timeout)
        lock = MigrationLock(own, migration_lock_key(schema, table))
        try:
            if facts.backend_pid != session.pid:  # some pooler answered the login
                lock.refuse_shared_backends(session)
            waited = self._acquire(ctx, lock, f"{schema}.{table}")
        except HookError:
            lock.release()
            raise
        message = f"migration lock of {schema}.{table} taken"
        return Outcome((passed("lock", message, waited_ms=round(waited * 1000)),), lock)

    def _acquire(self, ctx: Context, lock: MigrationLock, history: str) -> float:
        """Poll until *lock* is ours; return the seconds waited."""
        deadline = ctx.deadline.within(self.lock_wait, "PRESYNC_LOCK_WAIT")
        began = ctx.clock.monotonic()
        heartbeat = Heartbeat()
        while not lock.try_acquire():
            owner = lock.fetch_owner()
            waited = ctx.clock.monotonic() - began
            error = locked_by(history, owner, waited)
            if deadline.remaining() <= 0:
                raise error
            if heartbeat.is_due(ctx.clock.monotonic()):
                ctx.events("retry.scheduled", error.message, stage=self.name)
            ctx.clock.sleep(min(_POLL_SECONDS, deadline.remaining()))
        return ctx.clock.monotonic() - began
