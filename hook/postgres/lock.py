"""The advisory lock that lets one migrator at a time work on a schema history."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from hook.core.sessions.lock_key import lock_address, work_mark_key
from hook.core.sessions.lock_owner import LockOwner, Succession, lock_elsewhere, lost_lock
from hook.errors import DatabaseUnreachable, HookError, Interrupted, Unsupported
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.postgres.session import Row, Session

_RELEASE_SECONDS = 3.0


class MigrationLock:
    """A session-level lock on a connection of its own.

    It belongs to the session, so it outlives every commit and goes away with the
    connection when the process is killed, or when the server misses the node for as long
    as keepalives allow. It is polled, never waited for: a session
    inside ``pg_advisory_lock()`` holds a snapshot, and CREATE INDEX CONCURRENTLY of
    the one who has the lock would wait for it for ever.

    Attributes:
        retaken: How often it was lost and had again; others may have migrated meanwhile.
    """

    def __init__(
        self,
        session: Session,
        key: int,
        retake: Callable[[MigrationLock, Session, str], None] | None = None,
    ) -> None:
        """Use *session*, which nothing else uses and `release` closes.

        *retake* takes the lock once more, with what `hold` is given; none where that is of no
        use.
        """
        self._session = session
        self._key = key
        self._retake = retake
        self._is_held = False
        self.retaken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def is_lost(self) -> bool:
        """Tell whether the connection, and the lock with it, is gone."""
        return self._session.is_lost

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it; tell whether we have it now.

        Raises:
            HookError: As `Session.fetch` says.
        """
        if not self._is_held:
            self._is_held = _try_lock(self._session, self._key)
        return self._is_held

    def confirm(self) -> None:
        """Make sure that the session is there, and the lock with it; it is idle no longer then.

        Raises:
            HookError: As `Session.fetch` says.
        """
        _backend_of(self._session)

    def has_survived(self) -> bool:
        """Ask on the connection, and tell whether it is still there.

        Raises:
            HookError: As `Session.fetch` says, but for a lost connection.
        """
        with contextlib.suppress(DatabaseUnreachable):
            self.confirm()
        return not self.is_lost

    def fetch_owner(self) -> LockOwner | None:
        """Return who has the lock, none when nobody has it (any more).

        Raises:
            HookError: As `Session.fetch` says.
        """
        return _fetch_owner(self._session, self._key)

    def find_successor(self, other: Session) -> Succession:
        """Return who has the lock after ours was lost, as *other* sees it.

        Raises:
            Interrupted: A stop was requested.
        """
        try:
            return Succession(_fetch_owner(other, self._key))
        except Interrupted:
            raise
        except HookError as error:
            return Succession(unseen=error.message)

    def refuse_lost(self, other: Session, rest: str) -> None:
        """Make sure that nobody else can have the lock; *rest* is for the hint.

        Raises:
            MigrationLocked: The connection that held it is gone; who has it now is asked of
                *other*.
            Interrupted: A stop was requested.
        """
        if self.is_lost:
            raise lost_lock(self.find_successor(other), rest)

    def hold(self, other: Session, rest: str) -> None:
        """Have the lock, on a new connection if its own is lost; see `refuse_lost`.

        Raises:
            MigrationLocked: It is lost, and somebody else has it; or it cannot be had on the
                server of *other*.
            HookError: It is lost, and no connection can be had, or a stop was requested.
        """
        if not self.is_lost:
            return
        # Once it could not be had, nobody waits for it a second time.
        retake, self._retake = self._retake, None
        if retake is None:
            self.refuse_lost(other, rest)
        else:
            retake(self, other, rest)
            self._retake = retake
            self.retaken += 1

    def go_on_as(self, session: Session) -> None:
        """Go on with *session*, on which the lock is still to be taken."""
        self._session.close()
        self._session, self._is_held = session, False

    def refuse_elsewhere(self, other: Session, rest: str) -> None:
        """Make sure that the lock, had on a new connection, is on the server of *other*.

        The address may lead to another one by now, where it excludes nobody who works on
        that of *other*; a standby gives such a lock, too.

        Raises:
            MigrationLocked: It is not; *rest* is for the hint.
            HookError: As `Session.fetch` says.
        """
        owner = _fetch_owner(other, self._key)
        if owner is None or owner.pid != _backend_of(self._session):
            raise lock_elsewhere(Succession(owner), other.peer.name, rest)

    def mark(self, session: Session) -> None:
        """Let the backend of *session* be known, until that closes, as at work under this lock.

        Raises:
            HookError: As `Session.fetch` says.
        """
        _mark(session, work_mark_key(self._key))

    def fetch_abandoned(self, going_on: Session | None = None) -> tuple[LockOwner, ...]:
        """Return the backends at work under this lock for others, who have it no longer.

        A server does not notice that its client was killed until it has an answer for it:
        the lock is free then, and the script not over; that may be one of our own run, too.
        Ask while the lock is held, and before a session of our own is marked, but for
        *going_on*.

        Raises:
            HookError: As `Session.fetch` says.
        """
        address = lock_address(work_mark_key(self._key))
        spared = None if going_on is None else _backend_of(going_on)
        owners = map(_owner, self._session.fetch(load_query("abandoned_work"), address))
        return tuple(item for item in owners if item.pid != spared)

    def refuse_shared_backends(self, other: Session) -> None:
        """Make sure that a backend of its own serves this session, and another one *other*.

        A pooler in transaction mode gives each request the backend that happens to be
        free: the lock would belong to a backend and not to us, exclude nobody, and stay
        there after we are gone. So this is asked before the lock is.

        Raises:
            Unsupported: The backends are shared, or change.
            HookError: As `Session.fetch` says.
        """
        own = self._session
        # Asked in this order, neither a stack of free backends nor a ring of any length
        # looks like one backend for each of the two.
        asked = [(item, _backend_of(item)) for item in (own, own, other, other, own, other)]
        served = [{pid for item, pid in asked if item is session} for session in (own, other)]
        if [len(pids) for pids in served] != [1, 1] or served[0] == served[1]:
            raise Unsupported(
                f"{other.peer.name}: a pooler in transaction mode is in between,"
                " session locks exclude nobody there",
                "Connect to the server itself, or to a pool in session mode.",
            )

    def release(self) -> None:
        """Give the lock back and close the connection; also after a stop request."""
        if self._is_held:
            # Without an answer the connection is lost, and the lock with it.
            with contextlib.suppress(HookError):
                _unlock(self._session.shielded(_RELEASE_SECONDS), self._key)
            self._is_held = False
        self._session.close()


def _fetch_owner(session: Session, key: int) -> LockOwner | None:
    rows = session.fetch(load_query("lock_owner"), lock_address(key))
    return _owner(rows[0]) if rows else None


def _owner(row: Row) -> LockOwner:
    pid, user, application, client, state, epoch = row
    connected_at = None if epoch is None else datetime.fromtimestamp(epoch, UTC)
    return LockOwner(pid, user, application, client, state, connected_at)


def _try_lock(session: Session, key: int) -> bool:
    return bool(session.fetch(load_query("take_lock"), (key, *session.peer.keepalives))[0][0])


def marking_statement(key: int) -> str:
    """Return what marks a backend again that `MigrationLock.mark` has marked under *key*.

    It must be followed by RESET ALL.
    """
    mark = work_mark_key(key)
    return load_query("mark_work_again") % (mark, mark, mark)


def _mark(session: Session, key: int) -> None:
    mark = (key, *lock_address(key))
    # Closing is not enough: a pool may keep the backend, with all its locks.
    session.ask_at_close(load_query("unmark_work"), mark)
    session.fetch(load_query("mark_work"), mark)


def _unlock(session: Session, key: int) -> None:
    session.fetch("SELECT pg_catalog.pg_advisory_unlock(%s::bigint)", (key,))


def _backend_of(session: Session) -> int:
    return int(session.fetch("SELECT pg_catalog.pg_backend_pid()")[0][0])
