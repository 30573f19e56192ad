"""What the attempts at migrations stand on, and how they regain it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.execution.attempt import ApplyTask, Attempt, AttemptEnd, Limits
from hook.core.execution.failover import (
    Failover,
    failover_between,
    missing_rows,
    refusal_after,
    script_in_part,
)
from hook.core.execution.locked_out import written_meanwhile
from hook.core.execution.progress import Progress
from hook.errors import DatabaseUnreachable, HookError
from hook.postgres.session_state import fetch_session_state
from hook.stages import Context

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.schema_history.history import History
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.postgres.lock import MigrationLock
    from hook.postgres.session import Session


@dataclass(slots=True)
class Footing:
    """The lock, and a session that is replaced when it is lost.

    Attributes:
        facts: Of *session*.
        history: As planned on, and created if it was not there.
        progress: How far the database was changed.
        committed: The scripts that this run has applied, by rank.
        failover: Where the session leads to now, none when that is where it led before.
        retaken: How often the lock was had again when the history was looked at for it.
    """

    engine: Engine
    reconnect: Callable[[Context, ServerFacts], tuple[Session, ServerFacts]]
    lock: MigrationLock
    session: Session
    facts: ServerFacts
    history: History
    progress: Progress = Progress.UNTOUCHED
    committed: dict[int, PreparedScript] = field(default_factory=dict)
    failover: Failover | None = None
    retaken: int = 0

    def create_history(self, ctx: Context) -> History:
        """Create what is missing of the schema history, and return it; on a new session if lost.

        Raises:
            HookError: The database refused; or as `regain`.
        """
        try:
            self.history = self.engine.create_history(self.session, self.history, self.facts)
        except HookError as error:
            if not self.session.is_lost:
                raise
            self.progress = Progress.UNKNOWN  # the server may have done it all the same
            if not isinstance(error, DatabaseUnreachable):
                raise
            self.history = self._create_again(ctx, error)
        return self.history

    def _create_again(self, ctx: Context, error: DatabaseUnreachable) -> History:
        """Create what is still missing once it is decided what became of the first try."""
        ctx.events("connection.lost", error.message, level="warning")
        self.regain(ctx)
        if self.failover is not None:
            raise refusal_after(self.failover)
        self.lock.hold(self.session, "only the schema history may have been created.")
        found = self.engine.read_history(self.session, self.facts)
        return self.engine.create_history(self.session, found, self.facts)

    def enter(self) -> None:
        """Bring the session into the state between scripts.

        Raises:
            HookError: The server refused, or the connection is lost.
        """
        self.engine.enter_session(self.session, self.history, self.facts)

    def begin(self, ctx: Context) -> None:
        """Do the same in front of the first script, and tell the state; on a new session if lost.

        Nothing was run on it, and whether the lock is lost as well is seen in front of the script.

        Raises:
            HookError: As `enter`, and `regain`.
        """
        try:
            self.enter()
            self._tell_state(ctx)
        except DatabaseUnreachable as error:
            if not self.session.is_lost:
                raise
            ctx.events("connection.lost", error.message, level="warning")
            self.regain(ctx)
            self._tell_state(ctx)

    def _tell_state(self, ctx: Context) -> None:
        if self.session.dry_run is not None:
            return
        state = fetch_session_state(self.session)
        told = ", ".join(f"{name} {value or 'empty'}" for name, value in state.items())
        ctx.events("session.state", f"each script begins with {told}", level="debug", **state)

    def regain(self, ctx: Context) -> None:
        """Replace the session; what the old one did is decided afterwards.

        Raises:
            HookError: No session with the same primary could be had, or nobody knows
                whether the old one still works.
        """
        self.session.close()
        before = self.facts
        self.session, self.facts = self.reconnect(ctx, before)
        self.lock.mark(self.session)
        failover = failover_between(before, self.facts)
        if failover is not None:
            self._note(ctx, failover)
        self.enter()

    def reach(self, ctx: Context) -> None:
        """Replace the session if it is lost and another one can be had."""
        if self.session.is_lost:
            with contextlib.suppress(HookError):
                self.regain(ctx)

    def _note(self, ctx: Context, failover: Failover) -> None:
        """Find out what of the history has not reached the new primary, and tell."""
        committed = {row.installed_rank: row.script for row in self.history.rows}
        committed |= {rank: item.migration.script for rank, item in self.committed.items()}
        rows = self.engine.read_history(self.session, self.facts).rows
        missing = missing_rows(committed, rows)
        self.failover = failover._replace(missing=missing)
        found = script_in_part(missing, self.committed)
        if found is not None:
            self.failover = self._in_part(self.failover, *found)
        message, facts = self.failover.describe(), self.failover.facts()
        ctx.events("primary.changed", message, level="warning", **facts)

    def _in_part(self, failover: Failover, rank: int, script: PreparedScript) -> Failover:
        """Write a failed row, so that no later run takes *script* for one never begun."""
        task = ApplyTask(script.migration, self.history, rank, self.facts, Limits(0, 0, 0))
        is_recorded = self.engine.record(self.session, task, Attempt(AttemptEnd.LOST, 0))
        name = script.migration.script
        return failover._replace(in_part=name, is_recorded=is_recorded)

    def hold_lock(self, ctx: Context, rank: int) -> None:
        """Have the lock, and the plan still standing: *rank* is that of the next row.

        A lock that was lost with its connection, as when the server restarts, is taken once
        more.

        Raises:
            MigrationLocked: Somebody else has it, or has migrated meanwhile; or the server is
                the primary no longer.
            MigrationPartial: That one may lack a part of a script without transaction.
            HookError: No connection could be had.
        """
        is_lost = self.lock.is_lost
        if is_lost and self.session.is_lost:
            self.regain(ctx)
        if self.failover is not None:
            raise refusal_after(self.failover)
        if is_lost:
            self.lock.hold(self.session, "what was applied so far is recorded.")
        if self.lock.retaken != self.retaken:
            self.refuse_changed_history(rank)
            self.retaken = self.lock.retaken

    def refuse_changed_history(self, rank: int) -> None:
        """Make sure that the plan still stands: nobody has written row *rank*.

        The attempt before may have given back the mark of work, and then it has not come to
        where that is set again.

        Raises:
            MigrationLocked: Somebody has.
            HookError: The history could not be read.
        """
        self.lock.mark(self.session)
        history = self.engine.read_history(self.session, self.facts)
        strange = [row for row in history.rows if row.installed_rank >= rank]
        if strange:
            raise written_meanwhile(strange[0], was_lost=self.lock.retaken > 0)
