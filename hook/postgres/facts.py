"""What the server says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hook.core.sessions.server import ServerFacts
from hook.errors import DatabaseRejected, Unsupported
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hook.postgres.session import Row, Session

# What a role, or every role of a managed service, may be denied; what is more likely first.
_DENIED = (
    {
        "pg_catalog.pg_control_system()": "(SELECT NULL::bigint AS system_identifier)",
        "pg_catalog.pg_control_checkpoint()": "(SELECT NULL::int AS timeline_id)",
    },
    {"pg_catalog.pg_current_wal_insert_lsn()": "NULL::pg_catalog.pg_lsn"},
)


def fetch_server_facts(session: Session) -> ServerFacts:
    """Return the facts of *session*'s server, in one round trip.

    The control data may be closed to the role or to all roles of a managed service, and so
    may the write-ahead log. Asking for the right inside the query does not help, as
    functions in FROM are checked before the first row; so that costs further round trips.

    Raises:
        HookError: As `Session.fetch` says.
    """
    query = load_query("server_facts")
    for denied in _DENIED:
        try:
            return _facts_of(session, session.fetch(query)[0])
        except (DatabaseRejected, Unsupported):
            query = _without(denied, query)
    return _facts_of(session, session.fetch(query)[0])


def _without(denied: Mapping[str, str], query: str) -> str:
    for function, nothing in denied.items():
        query = query.replace(function, nothing)
    return query


def _facts_of(session: Session, row: Row) -> ServerFacts:
    (
        database, user, schema, version, version_num, in_recovery, read_only,
        system_identifier, timeline, time_zone, search_path, deadlock_timeout_ms,
        backend_pid, backend_start, epoch, sees_all_sessions,
    ) = row  # fmt: skip
    return ServerFacts(
        host=session.peer.host,
        port=session.peer.port,
        database=database,
        user=user,
        schema=schema,
        version=version,
        version_num=version_num,
        in_recovery=in_recovery,
        read_only=read_only,
        system_identifier=system_identifier,
        timeline=timeline,
        time_zone=time_zone,
        search_path=search_path,
        deadlock_timeout_ms=deadlock_timeout_ms,
        backend_pid=backend_pid,
        backend_start=backend_start,
        server_time=datetime.fromtimestamp(epoch, UTC),
        sees_all_sessions=sees_all_sessions,
    )
