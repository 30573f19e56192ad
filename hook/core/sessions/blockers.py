"""Who would make the pending migrations wait, or wait behind them.

Judged are conflicting locks, age, and what cannot be seen. Short transactions are no
blockers: on a busy table there is always one, and the lock ladder outlasts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from hook.core.outcome import Finding, failed
from hook.core.sessions.activity import (
    NO_QUERIES,
    Activity,
    ActivityRow,
    LockHolder,
    PreparedTransaction,
    QueryText,
    Watch,
)
from hook.core.sessions.blocker_findings import (
    Conflict,
    autovacuum_finding,
    calm_finding,
    dump_finding,
    endable_finding,
    hidden_finding,
    holder_finding,
    idle_finding,
    old_finding,
    prepared_finding,
    with_query,
)
from hook.core.sessions.ending import Endable, kind_of
from hook.core.sql.locks import CONFLICTS, LockMode, LockRequest, strongest
from hook.errors import ExitCode

_IDLE_WORTH_TELLING = timedelta(minutes=1)
_TOLD = 20


class BlockerPolicy(NamedTuple):
    """What counts as a blocker.

    Attributes:
        max_age: A transaction or query older than this blocks, whatever it locks.
        patience: A transaction with a conflicting lock blocks from this age on;
            before that only as long as we have not watched it come and go.
        cancels: Whom the migration itself may end when it waits for them.
        queries: How much of the SQL of others is told.
    """

    max_age: timedelta
    patience: timedelta = timedelta(seconds=5)
    cancels: frozenset[Endable] = frozenset()
    queries: QueryText = NO_QUERIES


def judge_blockers(
    activity: Activity, requests: Sequence[LockRequest], policy: BlockerPolicy, watch: Watch
) -> tuple[Finding, ...]:
    """Judge one look at the server, in the light of the looks before it.

    Args:
        activity: The latest look.
        requests: The locks that the pending migrations will ask for.
        policy: What counts as a blocker.
        watch: Includes the latest look.

    Returns:
        A failed finding per blocker, the reason why nothing more can be known if
        that is so, warnings, and a passed finding when nobody blocks.
    """
    look = _Look(activity, tuple(requests), policy, watch)
    blocking = [*look.judge_rows(), *look.judge_prepared(), *look.judge_hidden()]
    stopping = [item for item in blocking if item.code is not ExitCode.OK]
    if not stopping:
        return (calm_finding(activity), *blocking)
    told = [item for item in blocking if item not in stopping[_TOLD:]]
    if len(stopping) > _TOLD:
        count = len(stopping) - _TOLD
        more = f"{count} more blockers, not listed"
        hint = "End those listed first."
        told.append(failed(ExitCode.BLOCKED, "blockers-more", more, hint, not_listed=count))
    return tuple(told)


class _Look:
    """One look, with its conflicts sorted by who holds the lock."""

    def __init__(
        self,
        activity: Activity,
        requests: tuple[LockRequest, ...],
        policy: BlockerPolicy,
        watch: Watch,
    ) -> None:
        self._activity = activity
        self._policy = policy
        self._watch = watch
        self._wants_everything = any(
            item.mode is LockMode.ACCESS_EXCLUSIVE and item.relation in activity.relations
            for item in requests
        )
        self._conflicts = _conflicts_by_owner(activity, requests)

    def judge_rows(self) -> list[Finding]:
        """Judge every session that can be seen, or that holds a conflicting lock."""
        findings = (self._judge_row(row) for row in self._activity.rows)
        return [item for item in findings if item is not None]

    def _judge_row(self, row: ActivityRow) -> Finding | None:
        conflicts = self._conflicts_of(row)
        finding: Finding | None = None
        if row.is_autovacuum:
            finding = autovacuum_finding(row, conflicts) if conflicts else None
        elif row.oldest_age >= self._policy.max_age:
            finding = old_finding(row, conflicts, self._policy.max_age)
        elif conflicts and self._is_lasting(row):
            finding = holder_finding(row, conflicts)
        elif row.is_dump and row.transaction is not None:
            finding = dump_finding(row, self._wants_everything and self._is_lasting(row))
        elif row.is_idle_in_transaction and _is_worth_telling(row):
            finding = idle_finding(row)
        if finding is None:
            return None
        is_left = conflicts and kind_of(row) in self._policy.cancels
        return with_query(endable_finding(finding) if is_left else finding, row)

    def judge_prepared(self) -> list[Finding]:
        """Judge the prepared transactions: nothing but a human ends them."""
        return [
            prepared_finding(item, self._conflicts.get(item.xid, ()), self._is_old(item))
            for item in self._activity.prepared
        ]

    def judge_hidden(self) -> list[Finding]:
        """Judge what the server hides: no session, no transaction, or nobody knows."""
        hidden = [
            row
            for row in self._activity.rows
            if row.is_hidden and not row.is_autovacuum and not self._conflicts_of(row)
        ]
        lasting = [row for row in hidden if row.transaction is not None and self._is_lasting(row)]
        if not hidden:
            return []
        return [hidden_finding(self._activity.role, len(hidden), lasting, self._watch.watched)]

    def _conflicts_of(self, row: ActivityRow) -> tuple[Conflict, ...]:
        """Return the locks of *row*; without a transaction they are gone by now.

        The session counts, not its transaction: VACUUM and CREATE INDEX CONCURRENTLY
        keep their lock through several.
        """
        return self._conflicts.get(row.pid, ()) if row.transaction is not None else ()

    def _is_old(self, item: PreparedTransaction) -> bool:
        return item.age >= self._policy.max_age

    def _is_lasting(self, row: ActivityRow) -> bool:
        """Tell whether the transaction has lasted, or could for all we have seen so far.

        After one look every transaction might; after more, only those that were there
        all the time, or for longer than our patience.
        """
        age = max(row.oldest_age, self._watch.seen_for(row.key))
        return age >= min(self._policy.patience, self._watch.watched)


def _is_worth_telling(row: ActivityRow) -> bool:
    return row.state_age is not None and row.state_age >= _IDLE_WORTH_TELLING


def _conflicts_by_owner(
    activity: Activity, requests: Sequence[LockRequest]
) -> dict[int | str | None, tuple[Conflict, ...]]:
    """Return the conflicts by pid, or by transaction id of a prepared transaction.

    A lock met under two names of its table is told once.
    """
    found: dict[int | str | None, dict[tuple[str, LockMode], Conflict]] = {}
    for holder in activity.holders:
        wanted = _wanted_against(holder, requests)
        if wanted is None:
            continue
        of_owner = found.setdefault(holder.owner, {})
        lock = (holder.relation, holder.mode)
        known = of_owner.get(lock)
        if known is None or strongest((known.wanted, wanted)) is not known.wanted:
            of_owner[lock] = Conflict(holder, wanted)
    return {owner: tuple(conflicts.values()) for owner, conflicts in found.items()}


def _wanted_against(holder: LockHolder, requests: Sequence[LockRequest]) -> LockMode | None:
    """Return the strongest mode that we want and *holder* stands against, if any."""
    modes = [
        item.mode
        for item in requests
        if item.relation == holder.name
        and item.target is holder.target
        and holder.mode in CONFLICTS[item.mode]
    ]
    return strongest(modes) if modes else None
