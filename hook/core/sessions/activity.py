"""What other sessions are doing, as far as this role may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from hook.core.sql.locks import LockMode, LockTarget
from hook.core.text import clip, one_line

_DUMP = "pg_dump"
_IDLE_IN_TRANSACTION = ("idle in transaction", "idle in transaction (aborted)")


class QueryText(NamedTuple):
    """How much of the SQL of others is told: *length* characters of each, none for 0."""

    length: int = 0

    @property
    def read(self) -> int:
        """Return how many to read: one more tells whether there is more."""
        return self.length and self.length + 1

    def told(self, text: str) -> str:
        """Return what is told of *text*."""
        return clip(one_line(text), self.length)


NO_QUERIES = QueryText()


class LockHolder(NamedTuple):
    """A lock, held or waited for, on a table that the pending migrations name.

    Attributes:
        name: The table or index as the migration writes it.
        target: What of *name* is meant, as in the lock request.
        relation: What is locked: the table itself, or a partition or child of it.
        pid: None for a prepared transaction.
        prepared_xid: Transaction id, for prepared transactions only.
        is_wraparound_due: The table is so old that a vacuum of it prevents wraparound.
    """

    name: str
    target: LockTarget
    relation: str
    mode: LockMode
    is_granted: bool
    pid: int | None
    prepared_xid: str | None = None
    is_wraparound_due: bool = False

    @property
    def owner(self) -> int | str | None:
        """Return the pid, or the transaction id of a prepared transaction."""
        return self.prepared_xid if self.pid is None else self.pid


class ActivityRow(NamedTuple):
    """A session of this database that is not ours.

    Attributes:
        client: Address, ``local`` for a unix socket.
        backend_type: None when the server hides everything but pid, user and
            application from our role; ages and *state* are none then.
        transaction: The virtual transaction that is open, none between transactions;
            visible to every role. It tells two transactions of one session apart.
        transaction_age: Since the transaction began.
        query_age: Since the running query began; a procedure that commits inside is
            older than its transaction.
        state_age: Since *state* was entered.
        query: What it runs or, unless it is active, ran last; shortened to one line, and
            empty unless somebody asked for it.
    """

    pid: int
    user: str
    application: str
    client: str
    backend_type: str | None
    state: str | None
    transaction: str | None
    transaction_age: timedelta | None = None
    query_age: timedelta | None = None
    state_age: timedelta | None = None
    is_autovacuum: bool = False
    prevents_wraparound: bool = False
    query: str = ""

    @property
    def key(self) -> str:
        """Return the identity of the open transaction while it lasts."""
        return f"{self.pid}/{self.transaction}"

    @property
    def is_hidden(self) -> bool:
        """Tell whether the server hides state and ages from our role."""
        return self.backend_type is None

    @property
    def is_idle_in_transaction(self) -> bool:
        """Tell whether the session sits in a transaction and does nothing."""
        return self.state in _IDLE_IN_TRANSACTION

    @property
    def is_dump(self) -> bool:
        """Tell whether this is pg_dump, which locks every table as long as it runs."""
        return self.application == _DUMP

    @property
    def oldest_age(self) -> timedelta:
        """Return the age of the transaction or of the query, whichever is older."""
        ages = [age for age in (self.transaction_age, self.query_age) if age is not None]
        return max(ages, default=timedelta(0))


class PreparedTransaction(NamedTuple):
    """A transaction that waits for COMMIT PREPARED, with its locks, without a session."""

    gid: str
    owner: str
    xid: str
    age: timedelta


class Activity(NamedTuple):
    """One look at the server.

    Attributes:
        role: Our own role, to whom a grant would have to be made.
        relations: The names, among those asked for, that exist.
    """

    role: str
    relations: frozenset[str] = frozenset()
    holders: tuple[LockHolder, ...] = ()
    rows: tuple[ActivityRow, ...] = ()
    prepared: tuple[PreparedTransaction, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """What several looks in a row tell about how long transactions last.

    This is how the age of a transaction is known, at least, that the server hides.
    Times are seconds on one monotonic clock.
    """

    began: float
    latest: float
    first_seen: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def begin(cls, activity: Activity, now: float) -> Watch:
        """Return the watch after the first look."""
        return cls(now, now).next(activity, now)

    def next(self, activity: Activity, now: float) -> Watch:
        """Return the watch after one more look; what is gone is forgotten."""
        seen = {row.key: self.first_seen.get(row.key, now) for row in activity.rows}
        return Watch(self.began, now, seen)

    @property
    def watched(self) -> timedelta:
        """Return the time between the first look and the latest."""
        return timedelta(seconds=self.latest - self.began)

    def seen_for(self, key: str) -> timedelta:
        """Return for how long the transaction *key* has been seen."""
        return timedelta(seconds=self.latest - self.first_seen.get(key, self.latest))
