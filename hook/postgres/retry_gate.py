"""Asks, before each further attempt, who is in the way of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.core.outcome import Finding, Policy, from_error
from hook.core.sessions.activity import Watch
from hook.core.sessions.blockers import BlockerPolicy, judge_blockers
from hook.errors import ExitCode, HookError, Interrupted
from hook.postgres.activity import fetch_activity

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.clock import Clock
    from hook.core.sessions.activity import Activity
    from hook.core.sql.locks import LockRequest
    from hook.postgres.session import Session


class RetryGate(NamedTuple):
    """The gate of the blockers, as the attempts ask it.

    Attributes:
        policy: Enforced, it withholds an attempt; otherwise who is in the way is only told.
        blockers: What counts as a blocker.
    """

    policy: Policy
    blockers: BlockerPolicy


NO_GATE = RetryGate(Policy.OFF, BlockerPolicy(timedelta.max))


@dataclass(slots=True)
class Asking:
    """The looks during the pauses between the attempts at what asks for *requests*.

    Nobody waits for them: one look is at the beginning of a pause and one at its end, and
    who was there all the time is in the way.

    Attributes:
        enter: Lets the names in *requests* mean, in a session, what they will mean.
        found: Who was in the way at the end of the latest pause.
        withheld: How many attempts were not made for it.
    """

    gate: RetryGate
    clock: Clock
    requests: tuple[LockRequest, ...]
    enter: Callable[[Session], None] = lambda _: None
    found: tuple[Finding, ...] = ()
    withheld: int = 0
    _watch: Watch | None = None

    @property
    def is_withholding(self) -> bool:
        """Tell whether no attempt may be made as it is."""
        return bool(self.found) and self.gate.policy is Policy.ENFORCE

    def withholds(self) -> bool:
        """Tell whether the next attempt is withheld, and count it if so."""
        self.withheld += self.is_withholding
        return self.is_withholding

    def look(self, session: Session) -> None:
        """Look; who was there at the look before is *found*.

        What cannot be found out is in the way, unless the connection is lost: the next
        attempt begins with a new one.

        Raises:
            Interrupted: A stop was requested.
        """
        self.found = ()
        if self.gate.policy is Policy.OFF:
            return
        try:
            self.enter(session)
            activity = fetch_activity(session, self.requests, self.gate.blockers.queries)
        except Interrupted:
            raise
        except HookError as error:
            self.found = () if session.is_lost else (from_error(error),)
        else:
            self._judge(activity)

    def _judge(self, activity: Activity) -> None:
        now = self.clock.monotonic()
        if self._watch is None:
            self._watch = Watch.begin(activity, now)
            return
        self._watch = self._watch.next(activity, now)
        findings = judge_blockers(activity, self.requests, self.gate.blockers, self._watch)
        self.found = tuple(item for item in findings if item.code is not ExitCode.OK)
