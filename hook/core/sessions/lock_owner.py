"""Who is in the way of a migrator, told to whoever has to wait for it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from hook.errors import MigrationLocked

_HIDDEN = "hidden from this role"


class LockOwner(NamedTuple):
    """The session that holds an advisory lock, or what it was held for.

    Attributes:
        client: Address, ``local`` for a unix socket.
        connected_at: Start of the session; none when it is hidden from our role, as
            are *client* and *state* then.
    """

    pid: int
    user: str
    application: str
    client: str
    state: str
    connected_at: datetime | None

    def describe(self) -> str:
        """Return the owner in one phrase."""
        application = self.application or "without application name"
        if self.connected_at is None:
            return f"pid {self.pid} ({application}, user {self.user}; client and start {_HIDDEN})"
        since = self.connected_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"pid {self.pid} ({application}, client {self.client}, connected since {since},"
            f" user {self.user}, {self.state})"
        )

    @property
    def facts(self) -> dict[str, object]:
        """Return the same as fields of a finding, without what is hidden."""
        told: dict[str, object] = {
            "pid": self.pid,
            "user": self.user,
            "application": self.application,
        }
        if self.connected_at is not None:
            told |= {"client": self.client, "state": self.state, "connected_at": self.connected_at}
        return told


class Succession(NamedTuple):
    """Who has the migration lock now that the connection is lost which held it.

    Attributes:
        owner: None when nobody has it.
        unseen: Why that could not be found out, empty when it could.
    """

    owner: LockOwner | None = None
    unseen: str = ""

    def describe(self) -> str:
        """Return it in one phrase."""
        if self.unseen:
            return f"who has it now could not be found out: {self.unseen}"
        return f"{'nobody' if self.owner is None else self.owner.describe()} has it now"

    def hint(self, rest: str) -> str:
        """Return the next step; *rest* is what else is to be said of it."""
        first = "Run again" if self.owner is None else "Wait for that run to end, then run again"
        return f"{first}; {rest}"


def lost_lock(succession: Succession, rest: str) -> MigrationLocked:
    """Return the error for a run that may not go on without its lock; *rest* ends the hint."""
    message = f"the connection that held the migration lock is lost; {succession.describe()}"
    return MigrationLocked(message, succession.hint(rest))


def lock_elsewhere(succession: Succession, server: str, rest: str) -> MigrationLocked:
    """Return the error for a lock that was lost and can be had on another server only.

    Args:
        succession: Who has it where the run works.
        server: The address, which led there once.
        rest: Ends the hint.
    """
    return MigrationLocked(
        f"the connection that held the migration lock is lost, and {server} leads to another"
        f" server now; on that of this run {succession.describe()}",
        f"Find out which server is the primary, then run again; {rest}",
    )


def locked_by(history: str, owner: LockOwner | None, waited_seconds: float) -> MigrationLocked:
    """Return the error for a lock that *owner* did not give back in time.

    Args:
        history: The schema history that the lock belongs to.
        owner: None when nobody held it at the moment we asked who does.
        waited_seconds: How long we tried.
    """
    holder = owner.describe() if owner is not None else "a session that changes"
    # A verdict is cut at its end; the middle of a long name goes before that.
    message = f"migration lock is held by {holder}, for {history}; waited {waited_seconds:.0f}s"
    if owner is None:
        return MigrationLocked(message, "Run again when the other migrations have ended.")
    error = MigrationLocked(
        message,
        "Wait for that migration and run again; only if it is dead, end it: "
        f"SELECT pg_terminate_backend({owner.pid});",
    )
    error.facts = owner.facts
    return error


def left_at_work(history: str, backend: LockOwner, waited_seconds: float) -> MigrationLocked:
    """Return the error for a *backend* of a run without the migration lock, which did not end.

    Args:
        history: The schema history that the lock belongs to.
        backend: What it does may be the very migration that is pending.
        waited_seconds: How long we tried.
    """
    error = MigrationLocked(
        f"a session without the migration lock is still at work on {history}, as after a killed"
        f" run: {backend.describe()}; waited {waited_seconds:.0f}s",
        "Let it finish and run again; or end it, which undoes what is in a transaction: "
        f"SELECT pg_terminate_backend({backend.pid});",
    )
    error.facts = backend.facts
    return error
