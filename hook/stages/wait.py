"""Wait, within bounds, until the right database can be written to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.expectations import Expectations, judge_target, judge_usable
from hook.core.execution.unnamed import describe_unnamed
from hook.core.outcome import passed
from hook.core.span import describe_span
from hook.errors import DatabaseUnreachable, HookError
from hook.postgres.facts import fetch_server_facts
from hook.stages import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.clock import Deadline
    from hook.core.execution.expectations import Unusable
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget
    from hook.stages import Context

_FIRST_PAUSE = timedelta(milliseconds=250)
_LONGEST_PAUSE = timedelta(seconds=2)
# The attempt at the end of the wait still gets a chance to answer, on a busy machine too.
_SHORTEST_TIMEOUT = timedelta(seconds=3)


class Reached(NamedTuple):
    """A session with the primary, and what it said of itself."""

    session: Session
    facts: ServerFacts


class WaitStage:
    """Tries until *wait_timeout*; what waiting cannot mend ends it at once.

    Whether the server is of use there is for *judge* to say: who only reads needs no session
    that can write.
    """

    name = "wait"

    def __init__(
        self,
        target: ConnectionTarget,
        connect: Connect,
        wait_timeout: timedelta,
        expectations: Expectations,
        connect_timeout: timedelta = timedelta(seconds=5),
        judge: Callable[[ServerFacts], Unusable | None] = judge_usable,
    ) -> None:
        self.target = target
        self.connect = connect
        self.wait_timeout = wait_timeout
        self.expectations = expectations
        self.connect_timeout = connect_timeout
        self.judge = judge

    def run(self, ctx: Context) -> Outcome[Reached]:
        """Return a session that is of use with the expected database.

        Raises:
            DatabaseUnreachable: Nobody answered in time, or only a standby.
            DatabaseRejected: Credentials, rights or TLS.
            ConfigError: Wrong parameters, or no such database.
            Interrupted: A stop was requested.
        """
        began = ctx.clock.monotonic()
        deadline = ctx.deadline.within(self.wait_timeout, "PRESYNC_WAIT_TIMEOUT")
        try:
            return self._attempt(ctx, deadline)
        except DatabaseUnreachable as error:
            return self._go_on(ctx, deadline, error, began)

    def _go_on(
        self, ctx: Context, deadline: Deadline, first: DatabaseUnreachable, began: float
    ) -> Outcome[Reached]:
        """Try again after the *first* failure, which counts as an attempt."""
        from hook.core.execution.heartbeat import Heartbeat  # noqa: PLC0415 - for a second attempt only
        from hook.postgres.retry import Pauses, RetryPlan, retry_error  # noqa: PLC0415 - see there

        heartbeat = Heartbeat()

        def announce(attempts: int, error: BaseException | None) -> None:
            if heartbeat.is_due(ctx.clock.monotonic()):
                ctx.events("retry.scheduled", str(error), stage=self.name, attempts=attempts)

        plan = RetryPlan(Pauses(_FIRST_PAUSE, _LONGEST_PAUSE), ctx.clock, deadline, announce)
        try:
            return retry_error(first, lambda: self._attempt(ctx, deadline), plan)
        except DatabaseUnreachable as error:
            # A wait that ends a hair before its limit has lasted as long as the limit.
            spent = describe_span(timedelta(seconds=round(ctx.clock.monotonic() - began, 1)))
            over = "" if ctx.deadline.remaining() else f", {ctx.deadline.label} is used up"
            message = f"{error.message} (waited {spent}{over})"
            raise DatabaseUnreachable(message, error.hint) from error

    def _attempt(self, ctx: Context, deadline: Deadline) -> Outcome[Reached]:
        """Connect once and look where we are."""
        remaining = timedelta(seconds=deadline.remaining())
        timeout = min(self.connect_timeout, max(_SHORTEST_TIMEOUT, remaining))
        session = self.connect(self.target, "", ctx.run_id, ctx.bounds, timeout)
        try:
            return self._judge(ctx, session)
        except HookError:
            session.close()
            raise

    def _judge(self, ctx: Context, session: Session) -> Outcome[Reached]:
        facts = fetch_server_facts(session)
        facts = facts._replace(clock_ahead=facts.server_time - ctx.clock.now())
        # The wrong target is refused before anything else is asked of it.
        findings = judge_target(facts, self.expectations)
        if findings:
            session.close()
            return Outcome(findings, Reached(session, facts))
        where = self.target.describe()
        unusable = self.judge(facts)
        if unusable is not None:
            raise DatabaseUnreachable(f"{where}: {unusable.reason}", unusable.hint)
        kind = "primary whose transactions are read-only" if facts.read_only else "writable primary"
        message = f"{where} is a {kind}, PostgreSQL {facts.version}"
        message += describe_unnamed(self.target.unnamed, facts.user, facts.database)
        return Outcome((passed("reachable", message),), Reached(session, facts))
