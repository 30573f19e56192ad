"""Watches, from a connection of its own, who has to wait because of a migration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hook.core.census import Census, Toll
from hook.core.damage import Damage, Withdrawal, judge_blindness, judge_damage
from hook.core.damage_budget import DamageBudget
from hook.errors import DatabaseUnreachable, HookError, Interrupted
from hook.postgres.contention import fetch_census, fetch_look
from hook.stages import Context
from hook.stages.migrate.ending import Ending

if TYPE_CHECKING:
    from hook.core.contention import Look
    from hook.core.outcome import Finding
    from hook.postgres.session import Session

FIRST_LOOK_SECONDS = 0.25
_LOOK_SECONDS = 0.25
# Looking may take this share of the time at most.
_SHARE_OF_TIME = 0.1
_ANSWER_SECONDS = 2.0
# Behind a short wait of ours the server still tells why, in front of our own limit.
_LIMITS = "SET statement_timeout = 1500; SET lock_timeout = 1000"


class Watch(Protocol):
    """What the attempts at migrations know of who watches them."""

    def begin(self, pid: int, first_look: float) -> None:
        """Watch the backend *pid* from now on, first after *first_look* seconds."""

    def over(self, session: Session) -> Session:
        """Return *session* such that its scripts are watched."""

    def end(self) -> Toll | None:
        """Return what the attempt has cost, none when nobody has watched."""

    @property
    def is_spent(self) -> bool:
        """Tell whether the run has done all the damage that it may."""

    def take_findings(self) -> tuple[Finding, ...]:
        """Return what is to be told of what was done to others."""

    def close(self) -> None:
        """Close what was opened."""


class Unwatched:
    """Nobody watches."""

    is_spent = False

    def begin(self, pid: int, first_look: float) -> None:
        """Watch nothing."""

    def over(self, session: Session) -> Session:
        """Return *session*."""
        return session

    def end(self) -> None:
        """Return nothing."""

    def take_findings(self) -> tuple[Finding, ...]:
        """Return nothing."""
        return ()

    def close(self) -> None:
        """Close nothing."""


def unwatched(_ctx: Context) -> Watch:
    """Begin to watch nothing."""
    return Unwatched()


@dataclass(slots=True)
class Watcher:
    """Looks now and then while a statement runs; the connection is opened at the first look.

    It works in the thread that waits for the statement, so that a cancel never meets a
    later statement than the one that it was meant for.

    Attributes:
        connect: Opens a session with the same database.
        ending: Ends those in the way that may be ended.
        looked: The latest look of the attempt under way, none before the first.
        withdrawal: Why that attempt is given up.
    """

    ctx: Context
    connect: Callable[[Context], Session]
    budget: DamageBudget
    ending: Ending
    damage: Damage = field(default_factory=Damage)
    census: Census = field(default_factory=Census)
    looked: Look | None = None
    withdrawal: Withdrawal | None = None
    _pid: int = 0
    _next_look: float = 0.0
    _seen_at: float = 0.0
    _session: Session | None = None

    def begin(self, pid: int, first_look: float) -> None:
        """Watch the backend *pid*, see `Watch`."""
        now = self.ctx.clock.monotonic()
        self.damage = self.damage.begin(now)
        self.census, self.looked, self.withdrawal = Census(), None, None
        self._pid, self._seen_at, self._next_look = pid, now, now + first_look

    def over(self, session: Session) -> Session:
        """Return *session*, watched."""
        return session.watched(self)

    def end(self) -> Toll:
        """Return what the attempt has cost."""
        self.damage = self.damage.end(self.ctx.clock.monotonic())
        return Toll(self.damage, self.budget, self.census, self.withdrawal)

    @property
    def is_spent(self) -> bool:
        """Tell whether the budget of the run is used up."""
        return self.damage.run >= self.budget.run

    def take_findings(self) -> tuple[Finding, ...]:
        """Return who was ended."""
        return tuple(self.ending.findings)

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
            blind_for = self.ctx.clock.monotonic() - self._seen_at
            self.withdrawal = judge_blindness(self.looked, blind_for, error.message)
        else:
            self.withdrawal = self._judge(look)
        now = self.ctx.clock.monotonic()
        self._next_look = now + max(_LOOK_SECONDS, (now - began) / _SHARE_OF_TIME)
        return self.withdrawal is not None

    def _look(self) -> Look:
        """Look once; the census is left as it was when there is nobody to count.

        Raises:
            HookError: The server did not answer, or another one did.
        """
        session = self._open()
        look = fetch_look(session, self._pid)
        if not look.is_found:
            message = f"{session.peer.name}: the backend that migrates is not there"
            raise DatabaseUnreachable(message, "Find out where the address leads to.")
        if look.is_waiting or look.harmed:
            self.census = fetch_census(session, look)
            self.ending.end(session, self.census)
        return look

    def _judge(self, look: Look) -> Withdrawal | None:
        now = self.ctx.clock.monotonic()
        self.looked, self._seen_at = look, now
        self.damage = self.damage.look(look.harmed, now)
        return judge_damage(self.damage, self.budget, look, yields=self.census.yields)

    def _open(self) -> Session:
        if self._session is not None and self._session.is_lost:
            if self.looked is not None:
                raise DatabaseUnreachable("the connection that watches was lost")
            self.close()
        if self._session is None:
            self._session = self.connect(self.ctx)
            self._session.hasty(_ANSWER_SECONDS).execute(_LIMITS)
        return self._session.hasty(_ANSWER_SECONDS)
