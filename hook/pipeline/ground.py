"""What a run stands on until it migrates: when that is lost, it is had again once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hook.core.execution.failover import failover_between, refusal_after
from hook.core.execution.locked_out import refuse_other_history
from hook.errors import ConnectionLost, DatabaseUnreachable
from hook.pipeline.noting import describe_server, note_plan
from hook.pipeline.recovery import answers, go_on_elsewhere, is_lost_by
from hook.postgres.lost_backend import await_backend_end
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.schema_history.history import History
    from hook.core.schema_history.plan import Plan
    from hook.pipeline.journal import Gate, Journal, Revise
    from hook.pipeline.reading import Prepared, Read, Reading
    from hook.postgres.lock import MigrationLock

T = TypeVar("T")
BuildGates = Callable[["Read"], tuple["Gate", ...]]

_REST = "nothing was migrated yet."
# Of a run; whatever cuts a connection that often will cut the next one.
_AT_MOST = 3


@dataclass(slots=True)
class Ground:
    """A session on which nothing is written as yet, and the migration lock once it is had.

    A stage whose connection is lost is run once more on a new one. Without the lock that may
    lead to another primary by now, which is told. Under the lock it must not, as what was
    found out of the old one says nothing of it; and the history must be what it was.

    Attributes:
        read: As it is now: *facts* are those of the connection that the session has.
        lock: None in front of the stage that takes it.
        is_planned: The history was read under the lock.
        regained: How often what was lost was had again.
    """

    journal: Journal
    reading: Reading
    read: Read
    lock: MigrationLock | None = None
    is_planned: bool = False
    regained: int = 0
    _gates: dict[str, Gate] = field(default_factory=dict)

    def attempt(self, name: str, work: Callable[[Read], Outcome[T]]) -> Outcome[T]:
        """Run a stage as `Journal.attempt` does, on ground that is regained if it is lost."""
        return self.journal.attempt(name, lambda: self.firmly(lambda: work(self.read)))

    def quietly(self, name: str, work: Callable[[Read], T]) -> T:
        """Return what *work* returns, as `Journal.quietly` does, on such ground."""
        return self.journal.quietly(
            name, lambda: self.firmly(lambda: Outcome((), work(self.read))).value
        )

    def gates(self, build: BuildGates, revise: Revise | None = None) -> None:
        """Run the gates that *build* returns as `Journal.gates` does, on such ground.

        They are built anew when it was lost: one may have begun to ask by then.

        Raises:
            Stopped: As there.
        """
        self._build(build)
        judged = (
            gate._replace(run=partial(self._judge, name, build))
            for name, gate in self._gates.items()
        )
        self.journal.gates(tuple(judged), revise)

    def prepare(self) -> Prepared:
        """Read what is pending, see `Reading.prepare`."""
        return self.reading.prepare(self.journal, self.read, self.firmly)

    def look_again(self) -> Read:
        """Read the history anew: while the lock was waited for, somebody may have migrated.

        Raises:
            Stopped: It speaks against going on.
        """
        journal, look = self.journal, self.reading.look
        outcome = self.attempt("history", lambda read: look(journal, read.release))
        history, plan = outcome.value
        self.settle(history, plan)
        journal.stop_if_decided(outcome.findings)
        return self.read

    def settle(self, history: History, plan: Plan) -> None:
        """Go on with *history* and *plan*, which were read just now."""
        note_plan(self.journal, plan)
        self.read = self.read._replace(history=history, plan=plan)
        self.is_planned = self.lock is not None

    def firmly(self, work: Callable[[], Outcome[T]]) -> Outcome[T]:
        """Return what *work* returns; when a connection is lost meanwhile, it is done once more.

        Raises:
            MigrationLocked: The lock cannot be had again, or somebody has migrated meanwhile.
            HookError: Any other error of *work*, or the primary could not be reached.
        """
        facts = self.read.facts
        try:
            return work()
        except DatabaseUnreachable as error:
            told = self._had_again(error)
        try:
            outcome = work()
        except DatabaseUnreachable as error:
            # A server that is being stopped ends its backends one after the other: the session
            # may have answered once more, while no new one could be had.
            if self.read.facts is not facts or answers(self.read.session):
                raise
            told = (*told, *self._had_again(error))
            outcome = work()
        return outcome._replace(findings=(*told, *outcome.findings))

    def stand(self) -> None:
        """Have the lock, and the session with it, if it is lost.

        Raises:
            MigrationLocked: It cannot be had, or somebody has migrated meanwhile.
            HookError: The primary could not be reached.
        """
        if self.lock is not None and self.lock.is_lost:
            self._regain(ConnectionLost("the connection that held the migration lock is lost"))

    def _build(self, build: BuildGates) -> None:
        self._gates = {gate.name: gate for gate in build(self.read)}

    def _judge(self, name: str, build: BuildGates) -> tuple[Finding, ...]:
        is_first = True

        def judge() -> Outcome[None]:
            nonlocal is_first
            if not is_first:
                self._build(build)
            is_first = False
            return Outcome(self._gates[name].run(), None)

        return self.firmly(judge).findings

    def _had_again(self, error: DatabaseUnreachable) -> tuple[Finding, ...]:
        """Regain what *error* says is lost, if it is, and not for the fourth time."""
        if self.regained == _AT_MOST or not is_lost_by(error, self.read.session):
            raise error
        self.regained += 1
        return self._regain(error)

    def _regain(self, error: DatabaseUnreachable) -> tuple[Finding, ...]:
        """Have a session, and the lock if it was had, after *error*; return what is to be told."""
        self.journal.ctx.events("connection.lost", error.message, level="warning")
        # The one that was lost may be that of the lock, or of a marker.
        told = () if answers(self.read.session) else self._replace_session()
        if self.lock is not None:
            self.lock.has_survived()
            self.lock.hold(self.read.session, _REST)
            if self.is_planned:
                history, _ = self.reading.look(self.journal, self.read.release).value
                refuse_other_history(self.read.history, history)
        return told

    def _replace_session(self) -> tuple[Finding, ...]:
        journal, session, before = self.journal, self.read.session, self.read.facts
        facts = go_on_elsewhere(self.reading.wait, journal.ctx, session, before)
        self.read = self.read._replace(facts=facts)
        journal.database = describe_server(facts)
        failover = failover_between(before, facts)
        if failover is not None and self.lock is not None:
            raise refusal_after(failover)
        # It only reads, but is marked as at work as long as it is there.
        await_backend_end(session, before, journal.ctx.clock)
        if self.lock is not None:
            self.lock.mark(session)
        return () if failover is None else (failover.finding(),)
