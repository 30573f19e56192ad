"""Run callbacks at their moments, on a connection of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd, CallbackTask, Limits, with_toll
from hook.core.execution.attempt_events import (
    OF_CALLBACK,
    Told,
    tell_answers,
    tell_in_the_way,
    tell_retry,
)
from hook.core.execution.callback_failure import (
    after_fate,
    failure_of_callback,
    is_worth_retrying,
    progress_after_callback,
)
from hook.core.execution.contended import Tries
from hook.core.execution.heartbeat import Pulse
from hook.core.execution.init_sql import may_set
from hook.core.execution.ladder import Ladder, rungs_on
from hook.core.execution.outside import Outside
from hook.core.execution.progress import Progress
from hook.core.execution.work import tell_progress
from hook.core.outcome import Finding, passed, warned
from hook.core.scripts.events import ALONE_EVENTS, Event
from hook.core.sessions.damage import first_look
from hook.errors import HookError
from hook.postgres.retry_gate import NO_GATE, Asking, RetryGate
from hook.stages import Context, Subject, Watch, unwatched
from hook.stages.callbacks.connection import CallbackConnection
from hook.stages.callbacks.cover import UNCOVERED, Cover

if TYPE_CHECKING:
    from hook.core.execution.callback_book import CallbackBook, EachCallbacks, PreparedCallback
    from hook.core.execution.work import Underway
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.postgres.session import Session


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """How callbacks reach the database, and how often one is tried.

    Attributes:
        connect: Opens a session with the server of these facts; its own come with it.
        ladder: ``lock_timeout`` of each attempt.
        statement_timeout: For each statement.
        watch: Begins to see whom they harm.
        gate: Asked before each further attempt.
    """

    engine: Engine
    connect: Callable[[Context, ServerFacts], tuple[Session, ServerFacts]]
    ladder: Ladder
    statement_timeout: timedelta
    watch: Callable[[Context], Watch] = unwatched
    gate: RetryGate = NO_GATE


@dataclass(slots=True)
class RunningCallbacks:
    """The callbacks of one command under way.

    Flyway has one connection for the events around validation and schema creation, and
    opens one for each later event. A single one that is made like new in between is the
    same to a callback.

    Attributes:
        schema: Of the schema history.
        cover: The migration lock, as far as callbacks have to do with it.
        progress: How far callbacks have changed the database.
        watch: Sees whom they harm, and the migrations between them.
    """

    ctx: Context
    rules: CallbackRules
    book: CallbackBook
    schema: str
    facts: ServerFacts
    cover: Cover = UNCOVERED
    progress: Progress = Progress.UNTOUCHED
    findings: list[Finding] = field(default_factory=list)
    connection: CallbackConnection = field(init=False)
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = self.rules.watch(self.ctx)
        self.connection = CallbackConnection(self.ctx, self.rules.connect, self.facts, self.cover)

    def close(self) -> None:
        """Close the connections that there are."""
        self.watch.close()
        self.connection.close()

    @property
    def each(self) -> EachCallbacks | None:
        """Return those that run together with each migration, none when none do."""
        return self.book.each

    def has(self, *events: Event) -> bool:
        """Tell whether there are callbacks of *events*."""
        return bool(self.book.of(*events))

    def run(self, *events: Event) -> None:
        """Run the callbacks of *events*, see `hook.stages.Callbacks`."""
        for event in events:
            for at, prepared in enumerate(self.book.of(event)):
                self._run(prepared, is_fresh=event in ALONE_EVENTS and not at)

    def run_after(self, error: Exception, *events: Event) -> None:
        """Run the callbacks of *events* after *error*, see `hook.stages.Callbacks`."""
        for event in events:
            try:
                self.run(event)
            except HookError as failure:
                facts = {**failure.facts, "after": str(error)}
                self.findings.append(warned("callback", failure.message, failure.hint, **facts))

    def take_findings(self) -> tuple[Finding, ...]:
        """Return what is to be told of those run since the last call."""
        taken = (*self.findings, *self.watch.take_findings())
        self.findings.clear()
        return taken

    def stand_on(self, hold: Callable[[], None]) -> None:
        """Have the lock by *hold* from now on, see `hook.stages.Callbacks`."""
        self.connection.stand_on(hold)

    def _run(self, prepared: PreparedCallback, *, is_fresh: bool) -> None:
        callback = prepared.callback
        names = {"script": callback.script, "callback": callback.event}
        self.ctx.events("callback.started", f"running callback {callback.script}", **names)
        began = self.ctx.clock.monotonic()
        session = self.connection.usable(is_fresh=is_fresh)
        trying = _Trying(self, prepared, session)
        attempt, tries = trying.until_decided(), trying.tries
        if attempt.end is not AttemptEnd.APPLIED:
            ctx = self.ctx
            outside = Outside.of(
                ctx.deadline.label, self.rules.statement_timeout, ctx.interrupt.signal_name
            )
            raise failure_of_callback(callback, attempt, tries, outside)
        if any(map(may_set, prepared.body)):
            self.connection.carries = True
        duration_ms = round((self.ctx.clock.monotonic() - began) * 1000)
        message = f"callback {callback.script} done in {duration_ms} ms"
        self.ctx.events("callback.finished", message, **names, duration_ms=duration_ms)
        facts = {**names, "duration_ms": duration_ms, "attempts": tries.made}
        self.findings.append(passed("callback", message, **facts))

    def attempt(self, prepared: PreparedCallback, session: Session, number: int) -> Attempt:
        """Run *prepared* once on *session*, within the limits of the attempt *number*."""
        script, watch = prepared.callback.script, self.watch
        rungs = rungs_on(self.facts, self.rules.ladder)
        limits = Limits.of(
            rungs[number - 1], self.rules.statement_timeout, self.ctx.deadline.remaining()
        )
        task = CallbackTask(prepared, self.schema, self.facts, limits, self.connection.carries)

        def tell(underway: Underway) -> None:
            message, facts = tell_progress(underway, watch.find_progress(), watch.find_blockers())
            message = f"callback {script} {message}"
            self.ctx.events("callback.progress", message, script=script, **facts)

        seconds = first_look(limits.lock_timeout_ms, number, len(rungs))
        watch.begin(Subject(self.connection.backend.backend_pid, seconds, prepared.in_transaction))
        pulse = Pulse(tell, self.ctx.events.pace)
        attempt = self.rules.engine.run_callback(watch.over(session), task, pulse)
        attempt = with_toll(attempt, watch.end())
        self.progress = progress_after_callback(attempt, self.progress)
        for told in tell_answers(attempt, OF_CALLBACK, script):
            self.ctx.events(told.event, told.message, **told.fields)
        return attempt


@dataclass(slots=True)
class _Trying:
    """The attempts at *prepared* on *session*, until it is done or given up.

    Attributes:
        made: How many were begun.
        last: The one that ended last.
    """

    running: RunningCallbacks
    prepared: PreparedCallback
    session: Session
    made: int = 0
    last: Attempt | None = None
    asking: Asking = field(init=False)

    def __post_init__(self) -> None:
        running, rules = self.running, self.running.rules
        requests = tuple(dict.fromkeys(self.prepared.requests))

        def enter(session: Session) -> None:
            state = running.schema, running.facts
            rules.engine.enter_callback(session, *state, carries=running.connection.carries)

        self.asking = Asking(rules.gate, running.ctx.clock, requests, enter)

    @property
    def tries(self) -> Tries:
        """Return how many attempts there were, and were not."""
        return Tries(self.made, self.asking.withheld, self.asking.found)

    @property
    def _rung(self) -> int:
        return self.made + self.asking.withheld

    def until_decided(self) -> Attempt:
        """Return the last attempt."""
        first = self._attempt()
        if not self._is_worth(first):
            return first
        from hook.postgres.retry import OF_SCRIPTS, RetryPlan, retry_result  # noqa: PLC0415 - see there

        ctx = self.running.ctx
        plan = RetryPlan(OF_SCRIPTS, ctx.clock, ctx.deadline, self._announce)
        return retry_result(first, self._is_worth, self._attempt_unless_withheld, plan)

    def _is_worth(self, last: Attempt) -> bool:
        is_last = self._rung >= self._at_most or self.running.watch.is_spent
        return is_worth_retrying(last, self.made, is_last=is_last)

    @property
    def _at_most(self) -> int:
        return len(self.running.rules.ladder)

    @property
    def _name(self) -> str:
        return f"callback {self.prepared.callback.script}"

    def _announce(self, _attempts: int, _error: BaseException | None) -> None:
        if not self.asking.is_withholding:
            script = self.prepared.callback.script
            self._tell(tell_retry(self.last, self._name, script, self.made, self._at_most))
        self.asking.look(self.session)

    def _attempt_unless_withheld(self) -> Attempt:
        self.asking.look(self.session)
        if self.asking.found:
            what = f"{self._name}: attempt {self._rung + 1} of {self._at_most}"
            script, is_made = self.prepared.callback.script, not self.asking.is_withholding
            self._tell(tell_in_the_way(what, script, self.asking.found, is_made=is_made))
        if self.last is not None and self.asking.withholds():
            return self.last
        return self._attempt()

    def _attempt(self) -> Attempt:
        running = self.running
        if self.made and self.session.is_lost:
            self.session = running.connection.usable()
        self.made += 1
        before = running.progress
        self.last = running.attempt(self.prepared, self.session, self._rung)
        if self.last.end is AttemptEnd.LOST and self.last.transaction:
            self.last = self._find_out(self.last)
            running.progress = progress_after_callback(self.last, before)
        return self.last

    def _find_out(self, lost: Attempt) -> Attempt:
        """Return what became of an attempt whose connection was lost."""
        script = self.prepared.callback.script
        message = f"{self._name}: connection lost, finding out what became of it"
        sqlstate = lost.failure.sqlstate if lost.failure else ""
        events = self.running.ctx.events
        events("connection.lost", message, level="warning", script=script, sqlstate=sqlstate)
        return after_fate(lost, self.running.connection.find_fate(lost.transaction))

    def _tell(self, told: Told) -> None:
        self.running.ctx.events(told.event, told.message, **told.fields)
