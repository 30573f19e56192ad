"""Who stood in the way of a migration and who waited behind it, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hook.core.sessions.activity import ActivityRow
from hook.core.sessions.blocker_findings import describe_doing, describe_query, describe_session
from hook.core.sessions.damage import Damage, Reason, Withdrawal
from hook.core.sessions.damage_budget import DamageBudget
from hook.core.sql.sql_text import printable_literal
from hook.core.text import counted

_TOLD = 3
# What is locked, by the server's word for its kind, where that is no relation.
_KINDS = {
    "transactionid": "a row that it changed",
    "tuple": "a row",
    "virtualxid": "its open transaction",
    "advisory": "an advisory lock",
}


class Stand(NamedTuple):
    """A lock that somebody holds or waits for.

    Attributes:
        kind: ``pg_locks.locktype``.
        relation: None where no relation of this database is locked.
    """

    kind: str
    mode: str
    is_granted: bool
    relation: str | None = None

    def describe(self) -> str:
        """Return ``holds AccessShareLock on public.orders``."""
        verb = "holds" if self.is_granted else "waits for"
        if self.relation is not None:
            what = "a row" if self.kind == "tuple" else self.mode
            return f"{verb} {what} {'of' if self.kind == 'tuple' else 'on'} {self.relation}"
        return f"{verb} {_KINDS.get(self.kind, f'{self.mode} on {self.kind}')}"


class Party(NamedTuple):
    """A session, and its locks that matter here.

    Attributes:
        identity: When it was connected, and when its state last changed, as the server
            writes them; what has moved on has another one. None when they are hidden.
    """

    row: ActivityRow
    stands: tuple[Stand, ...] = ()
    is_superuser: bool = False
    identity: tuple[str, str] | None = None

    @property
    def is_root(self) -> bool:
        """Tell whether it waits for nobody itself."""
        return all(stand.is_granted for stand in self.stands)

    def describe(self) -> str:
        """Return who it is, what it does and which locks it has."""
        locks = "; ".join(item.describe() for item in self.stands[:_TOLD])
        doing = describe_doing(self.row)
        query = describe_query(self.row)
        return f"{describe_session(self.row)} {doing}{locks and f', {locks}'}{query}"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        row = self.row
        state_age = row.state_age
        return {
            "pid": row.pid,
            "user": row.user,
            "application": row.application,
            "client": row.client,
            "state": row.state,
            "state_ms": None if state_age is None else round(state_age.total_seconds() * 1000),
            "locks": [
                {"relation": item.relation, "mode": item.mode, "granted": item.is_granted}
                for item in self.stands
            ],
            **({"query": row.query} if row.query else {}),
        }


class Census(NamedTuple):
    """Everybody involved, at the last look of an attempt.

    Attributes:
        blockers: Whom we waited for, and whom those waited for, nearest first.
        waiting: Who waited behind us.
        prepared: Prepared transactions that may be among the blockers, by gid.
        unseen: Why nobody could be looked for, empty when somebody has looked.
    """

    blockers: tuple[Party, ...] = ()
    waiting: tuple[Party, ...] = ()
    prepared: tuple[str, ...] = ()
    unseen: str = ""

    @property
    def accuses(self) -> bool:
        """Tell whether somebody is known to be in the way."""
        return bool(self.blockers or self.prepared)

    @property
    def yields(self) -> bool:
        """Tell whether all that we wait for is autovacuum, which gives way."""
        rows = [item.row for item in self.blockers]
        is_autovacuum = all(row.is_autovacuum and not row.prevents_wraparound for row in rows)
        return bool(rows) and is_autovacuum and not self.prepared

    def describe_unseen(self) -> str:
        """Return that nobody could look, to be put behind a message; empty when somebody has."""
        why = self.unseen
        return f"; whom it waited for could not be found out: {why}" if why else ""

    def describe_blockers(self) -> str:
        """Return who is in the way, empty when nobody is known to be."""
        parties = [item.describe() for item in self.blockers]
        parties += [f"prepared transaction {gid}" for gid in self.prepared]
        return _listed(parties)


class Toll(NamedTuple):
    """What one attempt cost others, and who they are.

    Attributes:
        withdrawal: Why we gave it up ourselves, none when we did not.
        is_waiting: It waited for somebody when it was last looked at.
    """

    damage: Damage
    budget: DamageBudget
    census: Census = Census()
    withdrawal: Withdrawal | None = None
    is_waiting: bool = False

    @property
    def is_blind(self) -> bool:
        """Tell whether it was given up because nobody could see whom it harmed."""
        return self.withdrawal is not None and self.withdrawal.reason is Reason.SIGHT

    @property
    def was_waiting(self) -> bool:
        """Tell whether it waited for a lock when it was given up."""
        return self.withdrawal is not None and self.withdrawal.was_waiting

    @property
    def given_up_for(self) -> str:
        """Return why it was given up, empty when it was not."""
        withdrawal = self.withdrawal
        if withdrawal is None:
            return ""
        behind = f"{counted(withdrawal.waiting, 'session')} waited behind it"
        if withdrawal.reason is Reason.SIGHT:
            return f"given up, as nobody could see who waits: {withdrawal.detail}"
        if withdrawal.reason is Reason.SHARE:
            return f"given up, as {behind}"
        spent, limit, whose = self.damage.attempt, self.budget.attempt, "an attempt"
        if withdrawal.reason is Reason.RUN:
            spent, limit, whose = self.damage.run, self.budget.run, "the run"
        return (
            f"given up, as {behind}: {spent:.1f} blocked-backend-seconds, {limit:g} are {whose}'s"
            " budget"
        )

    def describe_blockers(self) -> str:
        """Return who stood in the way, empty when nobody is known to have."""
        return self.census.describe_blockers()

    def describe_wait(self) -> str:
        """Return ``, waiting for …``, or why that is unknown; empty when it is for nobody."""
        blockers = self.describe_blockers() if self.is_waiting else ""
        return f", waiting for {blockers}" if blockers else self.census.describe_unseen()

    def describe_waiting(self) -> str:
        """Return who waited when it was given up, empty when nobody did or it was not."""
        return _listed(item.describe() for item in self.census.waiting) if self.withdrawal else ""

    def describe_involved(self) -> str:
        """Return who stood in the way and who waited, to be put behind a message."""
        blockers, waiting = self.describe_blockers(), self.describe_waiting()
        in_front = f"; in the way: {blockers}" if blockers else ""
        return f"{in_front}; waiting: {waiting}" if waiting else in_front

    def facts(self) -> dict[str, object]:
        """Return the toll, ready for JSON."""
        facts: dict[str, object] = {
            "blockers": [item.facts() for item in self.census.blockers],
            "prepared_transactions": list(self.census.prepared),
            "waiting": [item.facts() for item in self.census.waiting],
            "given_up_for": None if self.withdrawal is None else self.withdrawal.reason.value,
        }
        known = {name: value for name, value in facts.items() if value}
        if not known:
            return {}
        spent = self.damage
        damage = {"attempt_s": spent.attempt, "run_s": spent.run, "late_s": spent.late}
        return {**known, "damage": {name: round(item, 2) for name, item in damage.items()}}


def how_to_end(census: Census) -> str:
    """Return a hint that names what would end those who have no reason to wait."""
    ends = [
        f"SELECT pg_terminate_backend({item.row.pid});" for item in census.blockers if item.is_root
    ][:_TOLD]
    ends += [f"ROLLBACK PREPARED {printable_literal(gid)};" for gid in census.prepared[:_TOLD]]
    if not ends:
        return "Try again when less is going on."
    return (
        f"Try again when they have ended, or end them if their work may be lost: {' '.join(ends)}"
    )


def _listed(parties: Iterable[str]) -> str:
    told = list(parties)
    rest = len(told) - _TOLD
    return "; ".join(told[:_TOLD]) + (f"; and {rest} more" if rest > 0 else "")
