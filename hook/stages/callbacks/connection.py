"""The connection of callbacks, and what became of one that was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.execution.callback_failure import settings_gone
from hook.core.execution.failover import failover_between, refusal_after
from hook.core.execution.transaction_fate import Fate, judge_fate
from hook.errors import ConnectionLost, HookError
from hook.postgres.lost_backend import await_backend_end
from hook.postgres.renewal import renew_session
from hook.postgres.transaction_status import fetch_transaction_status

if TYPE_CHECKING:
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.session import Session
    from hook.stages import Context
    from hook.stages.callbacks.cover import Cover


@dataclass(slots=True)
class CallbackConnection:
    """A session that is opened when it is needed, and replaced when it is lost.

    Attributes:
        connect: Opens a session with the server of these facts; its own come with it.
        facts: Of the server that the run began with.
        cover: The migration lock.
        backend: The facts of *session*, or of the one before it.
        carries: Callbacks have left settings in *session*, and those hold for the next one.
    """

    ctx: Context
    connect: Callable[[Context, ServerFacts], tuple[Session, ServerFacts]]
    facts: ServerFacts
    cover: Cover
    session: Session | None = None
    backend: ServerFacts = field(init=False)
    carries: bool = False

    def __post_init__(self) -> None:
        self.backend = self.facts

    def close(self) -> None:
        """Close the session if there is one; that of a dry run is another's."""
        if self.session is not None and self.session.dry_run is None:
            self.session.close()
        self.session = None

    def stand_on(self, hold: Callable[[], None]) -> None:
        """Have the lock by *hold* from now on."""
        self.cover = self.cover._replace(hold=hold)

    def usable(self, *, is_fresh: bool = False) -> Session:
        """Return the session, in place of one that was lost if need be; the lock is had.

        Raises:
            MigrationLocked: The lock cannot be had; or another server is the primary now.
            HookError: No connection could be had; or it was lost with what callbacks have SET.
        """
        if self.session is not None and (self.session.is_lost or self.cover.is_lost()):
            # It would be taken for the work of somebody else while the lock is had again.
            self.close()
            if self.carries and not is_fresh:
                raise settings_gone()
        if self.carries and is_fresh:
            # What was SET under a name of one's own is there for good, if only as an empty text.
            self.close()
        try:
            return self._had(is_fresh=is_fresh)
        except ConnectionLost as error:
            if self.cover.is_lost():
                raise
            # Nothing was run on it for the callback that is to come.
            self.ctx.events("connection.lost", error.message, level="warning")
            self.close()
        return self._had(is_fresh=is_fresh)

    def _had(self, *, is_fresh: bool) -> Session:
        if self.session is None:
            return self._open()
        if is_fresh:
            renew_session(self.session)
            self.cover.mark(self.session)
        return self.session

    def _open(self) -> Session:
        session, facts = self.connect(self.ctx, self.facts)
        try:
            failover = failover_between(self.facts, facts)
            if failover is not None:
                raise refusal_after(failover)
            # Only now is it certain that a restart of the server has been noticed.
            self.cover.hold()
            self.cover.mark(session)
        except HookError:
            session.close()
            raise
        self.session, self.backend, self.carries = session, facts, False
        return session

    def find_fate(self, number: str) -> Fate:
        """Return what became of transaction *number*, whose connection was lost."""
        try:
            session, facts = self.connect(self.ctx, self.facts)
            with session:
                await_backend_end(session, self.backend, self.ctx.clock)
                status = fetch_transaction_status(session, number)
            is_same = failover_between(self.facts, facts) is None and self.cover.has_survived()
        except HookError:
            return Fate.UNKNOWN
        return judge_fate(status, is_same_server=is_same)
