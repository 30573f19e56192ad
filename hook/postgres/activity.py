"""Read who does what on the server."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.sessions.activity import (
    NO_QUERIES,
    Activity,
    ActivityRow,
    LockHolder,
    PreparedTransaction,
    QueryText,
)
from hook.core.sql.locks import LockMode, LockTarget
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hook.core.sql.locks import LockRequest
    from hook.postgres.session import Row, Session

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# to_regclass() fails, and the whole query with it, on what is no name of a relation.
_NAME = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})?")


def fetch_activity(
    session: Session, requests: Sequence[LockRequest], queries: QueryText = NO_QUERIES
) -> Activity:
    """Return the other sessions, and all locks on the relations of *requests*.

    Names are looked up along the search path of *session*; one that does not exist
    (yet) has no locks. Locks are read first: a session that then is not among the
    activity has ended. Of the SQL of others no more is read than *queries* tells.

    Raises:
        HookError: As `Session.fetch` says.
    """
    wanted = dict.fromkeys(
        (item.relation, item.target is LockTarget.INDEXED_TABLE)
        for item in requests
        if _NAME.fullmatch(item.relation)
    )
    names, on_tables = [name for name, _ in wanted], [on_table for _, on_table in wanted]
    locks = session.fetch(load_query("relation_locks"), (names, on_tables)) if wanted else []
    rows = session.fetch(load_query("activity"), (queries.read,))
    prepared = session.fetch(load_query("prepared_transactions"))
    return Activity(
        role=str(rows[0][-1]) if rows else "",
        relations=frozenset(str(row[0]) for row in locks),
        holders=tuple(_holder_of(row) for row in locks if row[3] is not None),
        rows=tuple(_activity_of(row, queries) for row in rows),
        prepared=tuple(_prepared_of(row) for row in prepared),
    )


def _holder_of(row: Row) -> LockHolder:
    name, on_table, relation, mode, granted, pid, prepared_xid, is_due = row
    return LockHolder(
        name=name,
        target=LockTarget.INDEXED_TABLE if on_table else LockTarget.RELATION,
        relation=relation,
        mode=LockMode(mode),
        is_granted=granted,
        pid=pid,
        prepared_xid=prepared_xid,
        is_wraparound_due=is_due,
    )


def _activity_of(row: Row, queries: QueryText) -> ActivityRow:
    (
        pid, user, application, client, backend_type, state, transaction, transaction_age,
        query_age, state_age, is_autovacuum, prevents_wraparound, query, _,
    ) = row  # fmt: skip
    return ActivityRow(
        pid=pid,
        user=user,
        application=application,
        client=client,
        backend_type=backend_type,
        state=state,
        transaction=transaction,
        transaction_age=_span(transaction_age),
        query_age=_span(query_age),
        state_age=_span(state_age),
        is_autovacuum=is_autovacuum,
        prevents_wraparound=prevents_wraparound,
        query=queries.told(query),
    )


def _prepared_of(row: Row) -> PreparedTransaction:
    gid, owner, xid, age = row
    return PreparedTransaction(gid, owner, xid, timedelta(seconds=age))


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
