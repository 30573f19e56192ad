"""See that nobody is in the way of the pending migrations, and wait a while for them to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.execution.heartbeat import Heartbeat
from hook.core.outcome import Finding
from hook.core.sessions.activity import Watch
from hook.core.sessions.blockers import BlockerPolicy, judge_blockers
from hook.errors import ExitCode
from hook.postgres.activity import fetch_activity

if TYPE_CHECKING:
    from hook.core.sql.locks import LockRequest
    from hook.postgres.session import Session
    from hook.stages import Context

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 1.0
_NAMED = 2


@dataclass(frozen=True, slots=True)
class BlockersStage:
    """Looks at the server until nobody blocks, at most for *blocker_wait*."""

    policy: BlockerPolicy
    blocker_wait: timedelta
    name: str = "blockers"

    def run(
        self, ctx: Context, session: Session, requests: Sequence[LockRequest]
    ) -> tuple[Finding, ...]:
        """Return the findings of the last look.

        Args:
            ctx: The run.
            session: Its search path resolves the names in *requests*. All sessions of
                this run are left out by their application name.
            requests: The locks that the pending migrations will ask for.

        Raises:
            HookError: The activity could not be read, or a stop was requested.
        """
        deadline = ctx.deadline.within(self.blocker_wait, "PRESYNC_BLOCKER_WAIT")
        heartbeat = Heartbeat()
        pause = _FIRST_PAUSE
        activity = fetch_activity(session, requests, self.policy.queries)
        watch = Watch.begin(activity, ctx.clock.monotonic())
        while True:
            findings = judge_blockers(activity, requests, self.policy, watch)
            stopping = [item for item in findings if item.code is not ExitCode.OK]
            if not stopping or deadline.remaining() <= 0:
                return findings
            if heartbeat.is_due(ctx.clock.monotonic()):
                named = "; ".join(item.message for item in stopping[:_NAMED])
                told = [dict(item.facts) for item in stopping]
                ctx.events("retry.scheduled", named, stage=self.name, blockers=told)
            ctx.clock.sleep(min(pause, deadline.remaining()))
            pause = min(2 * pause, _LONGEST_PAUSE)
            activity = fetch_activity(session, requests, self.policy.queries)
            watch = watch.next(activity, ctx.clock.monotonic())
