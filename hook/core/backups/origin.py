"""Decides whether the backups of a catalog are of the database that is to be migrated.

Backups of another database can be fresh and complete and still restore the wrong data.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from hook.core.outcome import Finding, failed, unknown
from hook.errors import ExitCode

if TYPE_CHECKING:
    from hook.core.sessions.server import ServerFacts


class Origin(NamedTuple):
    """Whose backups a catalog holds, as far as it can tell.

    Attributes:
        system_identifier: Of the cluster, where whole clusters are backed up.
        hosts: Names under which a managed server is reached.
        databases: Names of the databases that were dumped.
    """

    system_identifier: str | None = None
    hosts: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


class ServerIdentity(NamedTuple):
    """The database that is to be migrated.

    Attributes:
        system_identifier: Of its cluster, none without the right to see it.
        clock_ahead: How far the server's clock is ahead of this machine's.
    """

    system_identifier: str | None
    host: str = ""
    database: str = ""
    clock_ahead: timedelta = timedelta(0)

    @classmethod
    def of(cls, facts: ServerFacts) -> Self:
        """Return the identity of the server that *facts* are of."""
        return cls(facts.system_identifier, facts.host, facts.database, facts.clock_ahead)


def judge_origin(source: str, origin: Origin, server: ServerIdentity) -> Finding | None:
    """Return what stands against *origin* being *server*, none when it is.

    The system identifier is proof. A managed service does not show it and is known by
    its host names; a dump is known by the name of its database only.
    """
    if origin.system_identifier is not None:
        return _judge_cluster(source, origin.system_identifier, server.system_identifier)
    if origin.hosts:
        is_same = server.host.lower().rstrip(".") in {host.lower() for host in origin.hosts}
        return None if is_same else _other_host(source, origin.hosts, server.host)
    if origin.databases:
        is_same = server.database in origin.databases
        return None if is_same else _other_database(source, origin.databases, server.database)
    return _untold(source, "Name a backup source that tells which cluster its backups are of.")


def _judge_cluster(source: str, theirs: str, ours: str | None) -> Finding | None:
    if ours is None:
        return _untold(
            "the server",
            "Grant EXECUTE on function pg_control_system() to the migrating role.",
        )
    if theirs == ours:
        return None
    return failed(
        ExitCode.NO_WAY_BACK,
        "backup-cluster",
        f"{source} holds backups of cluster {theirs}, the database is in {ours}",
        "Name the place and the stanza or server of this cluster; after an upgrade of the"
        " cluster, upgrade the stanza or take a backup.",
        source_system_identifier=theirs,
        server_system_identifier=ours,
    )


def _other_host(source: str, hosts: tuple[str, ...], host: str) -> Finding:
    return failed(
        ExitCode.NO_WAY_BACK,
        "backup-cluster",
        f"{source} is reached as {' or '.join(hosts)}, the database as {host}",
        "Name the instance or cluster of this database, or connect by its endpoint.",
        source_hosts=list(hosts),
        server_host=host,
    )


def _other_database(source: str, databases: tuple[str, ...], database: str) -> Finding:
    return failed(
        ExitCode.NO_WAY_BACK,
        "backup-cluster",
        f"there are dumps of {', '.join(databases)} only, the database is {database};"
        f" looked in {source}",
        "Name the place of the dumps of this database.",
        source_databases=list(databases),
        server_database=database,
    )


def _untold(side: str, hint: str) -> Finding:
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        "backup-cluster",
        f"{side} does not tell its system identifier, so the backups may be of another cluster",
        hint,
    )
