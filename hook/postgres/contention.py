"""Read who waits for whom, and who they are."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from hook.core.sessions.activity import NO_QUERIES, ActivityRow, QueryText
from hook.core.sessions.census import Census, Party, Stand
from hook.core.sessions.contention import PREPARED, LockWait, Look
from hook.core.sessions.ending import TERMINATED, Endable
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hook.postgres.session import Row, Session

# Of each kind: a queue may have a thousand.
_LISTED = 20


def fetch_look(session: Session, pid: int) -> Look:
    """Return one look at the server from *session*, which must not be the backend *pid*.

    Raises:
        HookError: As `Session.fetch`.
    """
    rows = session.fetch(load_query("lock_waits"), (pid,))
    is_found, sessions = rows[0][:2]
    waits = tuple(
        LockWait(waiting, tuple(blockers), seconds, is_spared=is_spared)
        for _, _, waiting, blockers, seconds, is_spared in rows
        if waiting is not None
    )
    return Look(pid, is_found=is_found, sessions=sessions, waits=waits)


def fetch_census(session: Session, look: Look, queries: QueryText = NO_QUERIES) -> Census:
    """Return who the sessions of *look* are; those that have ended meanwhile are left out.

    Of their SQL no more is read than *queries* tells.

    Raises:
        HookError: As `Session.fetch`.
    """
    blockers = [pid for pid in look.blockers if pid != PREPARED][:_LISTED]
    waiting = [item.pid for item in look.harmed][:_LISTED]
    rows = session.fetch(load_query("lock_parties"), (queries.read, [*blockers, *waiting]))
    parties = {
        pid: _party_of(list(own), queries)
        for pid, own in groupby(rows, key=lambda row: int(row[0]))
    }
    return Census(
        tuple(_known(blockers, parties)),
        tuple(_known(waiting, parties)),
        tuple(_fetch_prepared(session)) if PREPARED in look.blockers else (),
    )


def end_session(session: Session, party: Party, kind: Endable) -> bool:
    """End *party*, or what it does if that is enough; tell whether it was still there.

    Raises:
        DatabaseRejected: The role may not do that.
        HookError: As `Session.fetch`.
    """
    parameters = (kind in TERMINATED, party.row.pid, *(party.identity or (None, None)))
    rows = session.fetch(load_query("end_session"), parameters)
    return any(is_signalled for (is_signalled,) in rows)


def _known(pids: Iterable[int], parties: dict[int, Party]) -> Iterable[Party]:
    return (parties[pid] for pid in pids if pid in parties)


def _fetch_prepared(session: Session) -> Iterable[str]:
    return (str(gid) for gid, *_ in session.fetch(load_query("prepared_transactions")))


def _party_of(rows: Sequence[Row], queries: QueryText) -> Party:
    """Return the session of *rows*, which differ in one lock each."""
    (
        pid, user, application, client, backend_type, state, transaction_age, state_age,
        is_autovacuum, prevents_wraparound, is_superuser, connected, changed, query, *_,
    ) = rows[0]  # fmt: skip
    row = ActivityRow(
        pid=pid,
        user=user,
        application=application,
        client=client,
        backend_type=backend_type,
        state=state,
        transaction=None,
        transaction_age=_span(transaction_age),
        state_age=_span(state_age),
        is_autovacuum=is_autovacuum,
        prevents_wraparound=prevents_wraparound,
        query=queries.told(query),
    )
    locks = (own[-4:] for own in rows)
    stands = tuple(Stand(*lock) for lock in locks if lock[0] is not None)
    identity = (connected, changed) if connected and changed else None
    return Party(row, stands, is_superuser=is_superuser, identity=identity)


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
