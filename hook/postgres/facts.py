"""What the server says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hook.core.server import ServerFacts
from hook.errors import DatabaseRejected, Unsupported
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Row, Session

_CONTROL_DATA = {
    "pg_catalog.pg_control_system()": "(SELECT NULL::bigint AS system_identifier)",
    "pg_catalog.pg_control_checkpoint()": "(SELECT NULL::int AS timeline_id)",
}


def fetch_server_facts(session: Session) -> ServerFacts:
    """Return the facts of *session*'s server, in one round trip.

    The control data may be closed to the role or to all roles of a managed service.
    Asking for the right inside the query does not help, as functions in FROM are
    checked before the first row; so that costs a second round trip.

    Raises:
        HookError: As `Session.fetch` says.
    """
    query = load_query("server_facts")
    try:
        row = session.fetch(query)[0]
    except (DatabaseRejected, Unsupported):
        row = session.fetch(_without_control_data(query))[0]
    return _facts_of(session, row)


def _without_control_data(query: str) -> str:
    for function, nothing in _CONTROL_DATA.items():
        query = query.replace(function, nothing)
    return query


def _facts_of(session: Session, row: Row) -> ServerFacts:
    (
        database, user, schema, version, version_num, in_recovery, read_only,
        system_identifier, timeline, time_zone, search_path, deadlock_timeout_ms,
        backend_pid, epoch, sees_all_sessions,
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
        server_time=datetime.fromtimestamp(epoch, UTC),
        sees_all_sessions=sees_all_sessions,
    )
