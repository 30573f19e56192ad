"""Reads what the API of Amazon RDS tells of an instance or a cluster and of its snapshots.

Names and meanings are those of the API reference (DBInstance, DBCluster, DBSnapshot,
DBClusterSnapshot): https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Types.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from hook.core.backups.backup import Backup, BackupType, Presence, RestoreWindow

Described = Mapping[str, Any]

_ENGINES = frozenset({"postgres", "aurora-postgresql"})
# Snapshots of these are on their way; they say nothing yet and are nothing to complain of.
_UNDER_WAY = frozenset({"creating", "copying"})
_AVAILABLE = "available"


class RdsServer(NamedTuple):
    """An instance or a cluster.

    Attributes:
        engine: As RDS names it.
        status: As RDS names it.
        endpoint: Host name of the writer, none while there is none.
        resource_id: Stays when it is renamed, and is another one for one of the same name.
        cluster: That an instance is a member of; then the cluster is what is backed up.
        window: What a point-in-time restore can reach.
    """

    engine: str
    status: str
    endpoint: str | None
    resource_id: str | None
    cluster: str | None
    window: RestoreWindow

    @property
    def is_postgres(self) -> bool:
        """Tell whether PostgreSQL runs there."""
        return self.engine in _ENGINES


def parse_instance(described: Described) -> RdsServer:
    """Return what ``DescribeDBInstances`` tells of one instance."""
    endpoint = described.get("Endpoint")
    return RdsServer(
        engine=str(described.get("Engine")),
        status=str(described.get("DBInstanceStatus")),
        endpoint=endpoint.get("Address") if isinstance(endpoint, Mapping) else None,
        resource_id=described.get("DbiResourceId"),
        cluster=described.get("DBClusterIdentifier"),
        window=_parse_window(described),
    )


def parse_cluster(described: Described) -> RdsServer:
    """Return what ``DescribeDBClusters`` tells of one cluster."""
    return RdsServer(
        engine=str(described.get("Engine")),
        status=str(described.get("Status")),
        endpoint=described.get("Endpoint"),
        resource_id=described.get("DbClusterResourceId"),
        cluster=None,
        window=_parse_window(described),
    )


def _parse_window(described: Described) -> RestoreWindow:
    return RestoreWindow(
        retention_days=described.get("BackupRetentionPeriod") or 0,
        latest=described.get("LatestRestorableTime"),
        earliest=described.get("EarliestRestorableTime"),
    )


def parse_snapshots(listed: Iterable[Described], server: RdsServer) -> tuple[Backup, ...]:
    """Return the snapshots of *server* that are finished, each once."""
    backups = {
        backup.label: backup
        for item in listed
        if item.get("Status") not in _UNDER_WAY
        for backup in _parse_snapshot(item, server)
    }
    return tuple(backups.values())


def _parse_snapshot(item: Described, server: RdsServer) -> Iterator[Backup]:
    label = item.get("DBSnapshotIdentifier") or item.get("DBClusterSnapshotIdentifier")
    if not label:
        return
    # The create time of a copy is that of copying.
    taken_at = item.get("OriginalSnapshotCreateTime") or item.get("SnapshotCreateTime")
    yield Backup(
        label=str(label),
        type=BackupType.FULL,
        started_at=taken_at,
        stopped_at=taken_at,
        # A copy of volumes: RDS looks at no pages, and reports none as damaged.
        error=False,
        presence=Presence.COMPLETE,
        problems=tuple(_problems(item, server)),
    )


def _problems(item: Described, server: RdsServer) -> Iterator[str]:
    status = item.get("Status")
    if status != _AVAILABLE:
        yield f"has the status {status}"
    owner = item.get("DbiResourceId") or item.get("DbClusterResourceId")
    # Manual snapshots stay when their server is deleted, and the name can be taken anew.
    if owner and server.resource_id and owner != server.resource_id:
        yield f"is of {owner}, which had this name before {server.resource_id}"
    if item.get("SourceDBClusterSnapshotArn"):
        yield "is a copy, and does not tell when its data was taken"
