"""Make a marker in the server's log, or read the position where one would be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hook.core.backups.marker import Marker, MarkerRights
from hook.errors import ConfigError, DatabaseUnreachable
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Row, Session

_TIMELINE_DIGITS = 8


def fetch_marker_rights(session: Session) -> MarkerRights:
    """Return what the role may do towards a marker.

    Raises:
        DatabaseUnreachable: The server takes no writes; it would refuse everything else.
        HookError: As `Session.fetch` says.
    """
    is_standby, may_create, may_switch = session.fetch(load_query("marker_rights"))[0]
    if is_standby:
        raise DatabaseUnreachable(
            f"{session.peer.name}: the server is a standby, and writes no log of its own",
            "Connect to the primary.",
        )
    return MarkerRights(may_create, may_switch)


def refuse_other_cluster(session: Session, identifier: str | None) -> None:
    """Make sure that *session* leads to the cluster *identifier*, if that is known.

    Raises:
        ConfigError: It does not.
        HookError: As `Session.fetch` says.
    """
    if identifier is None:
        return
    query = "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()"
    ((found,),) = session.fetch(query)
    if found != identifier:
        raise ConfigError(
            (f"{session.peer.name}: this is cluster {found}, the run works on {identifier}",),
            "Find out why the address leads to another cluster.",
        )


def refuse_other_timeline(session: Session, timeline: int | None) -> None:
    """Make sure that *session*, on a primary, leads to one on *timeline*, if that is known.

    Raises:
        DatabaseUnreachable: It leads to one that was promoted meanwhile, or left behind.
        HookError: As `Session.fetch` says.
    """
    found = fetch_position(session).timeline
    if timeline not in {None, found}:
        raise DatabaseUnreachable(
            f"{session.peer.name}: this server writes on timeline {found}, that of the run on"
            f" {timeline}",
            "Find out which of the two is the primary, and fence off the other.",
        )


def create_restore_point(session: Session, name: str) -> Marker:
    """Write the restore point *name* into the log, outside of any transaction.

    Raises:
        HookError: As `Session.fetch` says.
    """
    return _marker(name, session.fetch(load_query("marker_create"), (name,))[0])


def fetch_position(session: Session) -> Marker:
    """Return where the log ends, without a restore point.

    Raises:
        HookError: As `Session.fetch` says.
    """
    return _marker(None, session.fetch(load_query("marker_position"))[0])


def switch_wal(session: Session) -> None:
    """Finish the WAL file that is being written, so that it is archived.

    Raises:
        HookError: As `Session.fetch` says.
    """
    session.fetch("SELECT pg_catalog.pg_switch_wal()")


def _marker(name: str | None, row: Row) -> Marker:
    lsn, segment, epoch = row
    time = datetime.fromtimestamp(epoch, UTC)
    return Marker(name, lsn, time, int(segment[:_TIMELINE_DIGITS], 16), segment)
