"""Watches, from a connection of its own, who has to wait because of SQL of the release."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.sessions.activity import NO_QUERIES, QueryText
from hook.core.sessions.census import Census, Toll
from hook.core.sessions.damage import (
    CANCEL_SECONDS,
    LOOK_SECONDS,
    Blindness,
    Damage,
    Withdrawal,
    expected_queue,
    is_spent,
    judge_blindness,
    judge_damage,
    least_pause,
    left_of,
    pause_before_look,
    settled,
)
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import DatabaseUnreachable, HookError, Interrupted
from hook.postgres.contention import fetch_census, fetch_look
from hook.postgres.progress import fetch_progress
from hook.stages import Context, Subject
from hook.stages.migrate.ending import Ending

if TYPE_CHECKING:
    from hook.core.execution.work import WorkProgress
    from hook.core.outcome import Finding
    from hook.core.sessions.contention import Look
    from hook.postgres.session import Session

_ANSWER_SECONDS = 2.0
# Behind a short wait of ours the server still tells why, in front of our own limit.
_LIMITS = "SET statement_timeout = 1500; SET lock_timeout = 1000"


_NOBODY = Subject(0, LOOK_SECONDS)


@dataclass(slots=True)
class Watcher:
    """Looks now and then while a statement runs; the connection is opened at the first look.

    It works in the thread that waits for the statement, so that a cancel never meets a
    later statement than the one that it was meant for.

    Attributes:
        connect: Opens a session with the same database.
        ending: Ends those in the way that may be ended.
        queries: How much of the SQL of others is told.
        looked: The latest look of the attempt under way, none before the first.
        withdrawal: Why that attempt is given up.
    """

    ctx: Context
    connect: Callable[[Context], Session]
    budget: DamageBudget
    ending: Ending
    queries: QueryText = NO_QUERIES
    damage: Damage = field(default_factory=Damage)
    census: Census = field(default_factory=Census)
    looked: Look | None = None
    withdrawal: Withdrawal | None = None
    _subject: Subject = _NOBODY
    _next_look: float = 0.0
    _seen_at: float = 0.0
    _session: Session | None = None

    def begin(self, subject: Subject) -> None:
        """Watch *subject*, see `Watch`."""
        now = self.ctx.clock.monotonic()
        self.damage = self.damage.begin(now)
        self.census, self.looked, self.withdrawal = Census(), None, None
        # Those who waited the last time may be there again at once.
        crowd, seconds = self.damage.crowd, subject.first_look
        if crowd:
            left = left_of(self.budget, self.damage)
            seconds = min(seconds, pause_before_look(left, crowd))
        self._subject, self._seen_at = subject, now
        self._next_look = now + seconds
        self.damage = self.damage.due(self._next_look)

    def over(self, session: Session) -> Session:
        """Return *session*, watched."""
        return session.watched(self)

    def end(self) -> Toll:
        """Return what the attempt has cost."""
        self.damage = self.damage.end(self.ctx.clock.monotonic())
        withdrawal = settled(self.withdrawal, self.damage, self.budget)
        return Toll(self.damage, self.budget, self.census, withdrawal, self._is_waiting)

    def find_progress(self) -> WorkProgress | None:
        """Return how far it has come; it is only for the log, and nobody insists."""
        if self._session is None or self._session.is_lost:
            return None
        with contextlib.suppress(HookError):
            return fetch_progress(self._session.hasty(_ANSWER_SECONDS), self._subject.pid)
        return None

    def find_blockers(self) -> str:
        """Return whom the latest look has found in the way."""
        return self.census.describe_blockers() if self._is_waiting else ""

    @property
    def _is_waiting(self) -> bool:
        return self.looked is not None and self.looked.is_waiting

    @property
    def is_spent(self) -> bool:
        """Tell whether the budget of the run is used up."""
        return is_spent(self.damage, self.budget)

    def take_findings(self) -> tuple[Finding, ...]:
        """Return who was ended since the last call."""
        taken = tuple(self.ending.findings)
        self.ending.findings.clear()
        return taken

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def due_in(self) -> float:
        """Return the seconds until the next look, see `hook.postgres.patience.Lookout`."""
        return self._next_look - self.ctx.clock.monotonic()

    def gives_up(self) -> bool:
        """Look; tell whether the attempt is given up, see `hook.postgres.patience.Lookout`."""
        if self.withdrawal is not None:
            return True
        began = self.ctx.clock.monotonic()
        try:
            look = self._look()
        except Interrupted:
            # The statement's own wait is about to hear of it.
            return False
        except HookError as error:
            self.close()
            if not self.census.accuses:
                self.census = Census(unseen=error.message)
            seconds = self.ctx.clock.monotonic() - self._seen_at
            blindness = Blindness(self.looked, seconds, error.message)
            self.withdrawal = judge_blindness(blindness, is_undone=self._subject.is_undone)
            self._next_look = self.ctx.clock.monotonic() + LOOK_SECONDS
        else:
            self.withdrawal = self._judge(look, began)
        return self.withdrawal is not None

    def _look(self) -> Look:
        """Look once; the census is left as it was when there is nobody to count.

        Raises:
            HookError: The server did not answer, or another one did.
        """
        session = self._open()
        look = fetch_look(session, self._subject.pid)
        if not look.is_found:
            message = f"{session.peer.name}: the backend that migrates is not there"
            raise DatabaseUnreachable(message, "Find out where the address leads to.")
        if look.is_waiting or look.harmed:
            self.census = fetch_census(session, look, self.queries)
            self.ending.end(session, self.census)
        elif self.census.unseen:
            self.census = Census()
        return look

    def _judge(self, look: Look, began: float) -> Withdrawal | None:
        now = self.ctx.clock.monotonic()
        took = now - began
        self.looked, self._seen_at = look, now
        damage = self.damage.look(look.harmed, now)
        crowd = expected_queue(damage, look)
        left, least = left_of(self.budget, damage), least_pause(look, took)
        pause = pause_before_look(left, crowd, least)
        self._next_look = now + pause
        withdrawal = judge_damage(damage, self.budget, look, took, yields=self.census.yields)
        self.damage = damage.due(now + took + (pause if withdrawal is None else CANCEL_SECONDS))
        return withdrawal

    def _open(self) -> Session:
        if self._session is not None and self._session.is_lost:
            if self.looked is not None:
                raise DatabaseUnreachable("the connection that watches was lost")
            self.close()
        if self._session is None:
            self._session = self.connect(self.ctx)
            self._session.hasty(_ANSWER_SECONDS).execute(_LIMITS)
        return self._session.hasty(_ANSWER_SECONDS)
