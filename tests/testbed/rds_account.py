"""An account of Amazon RDS with one server, as botocore's own stub of the API tells of it.

The stub holds each answer to the model of the service: a field that RDS does not have, or of
another type, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import boto3
from botocore.stub import Stubber

from hook.catalogs.rds import RdsApi, RdsCatalog
from hook.settings.backup_source import RdsKind, RdsLocation
from tests.testbed.s3_server import SECRET_KEY

NAME = "shop"
MINUTES = timedelta(minutes=19)
# The automated snapshot of a day ago, and the newest.
OLDER, NEWEST = "rds:shop-yesterday", "rds:shop-today"
_PAGE_SIZE = 100


class _Words(NamedTuple):
    """What the API calls things of one kind of server."""

    list_servers: str
    servers: str
    server: str
    status: str
    resource: str
    list_snapshots: str
    snapshots: str
    snapshot: str
    engine: str


WORDS = {
    RdsKind.INSTANCE: _Words(
        "describe_db_instances",
        "DBInstances",
        "DBInstanceIdentifier",
        "DBInstanceStatus",
        "DbiResourceId",
        "describe_db_snapshots",
        "DBSnapshots",
        "DBSnapshotIdentifier",
        "postgres",
    ),
    RdsKind.CLUSTER: _Words(
        "describe_db_clusters",
        "DBClusters",
        "DBClusterIdentifier",
        "Status",
        "DbClusterResourceId",
        "describe_db_cluster_snapshots",
        "DBClusterSnapshots",
        "DBClusterSnapshotIdentifier",
        "aurora-postgresql",
    ),
}
_HOSTS = {
    RdsKind.INSTANCE: "shop.abc.eu-central-1.rds.amazonaws.com",
    RdsKind.CLUSTER: "shop.cluster-abc.eu-central-1.rds.amazonaws.com",
}


@dataclass(slots=True)
class RdsAccount:
    """An instance or a cluster with two automated snapshots and a window up to five minutes ago.

    Attributes:
        server: What RDS tells of it; none when it has no such server.
        snapshots: By their names.
        error: Code and status, when RDS refuses to tell.
        now: By the clock of RDS, which tells whole seconds.
    """

    kind: RdsKind
    server: dict[str, Any] | None = None
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: tuple[str, int] | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        """Fill the account."""
        words = WORDS[self.kind]
        host = self.host
        self.server = {
            words.server: NAME,
            "Engine": words.engine,
            words.status: "available",
            "Endpoint": {"Address": host} if self.kind is RdsKind.INSTANCE else host,
            "BackupRetentionPeriod": 7,
            "LatestRestorableTime": self.now - timedelta(minutes=5),
            words.resource: "ONE",
        }
        self.add(OLDER, timedelta(hours=20))
        self.add(NEWEST, MINUTES)

    @property
    def host(self) -> str:
        """Return the name under which its server is reached."""
        return _HOSTS[self.kind]

    def add(self, name: str, age: timedelta, **fields: object) -> None:
        """Add a snapshot, or replace it."""
        words = WORDS[self.kind]
        self.snapshots[name] = {
            words.snapshot: name,
            "Status": "available",
            "SnapshotCreateTime": self.now - age,
            words.resource: "ONE",
            **fields,
        }

    def change(self, **fields: object) -> None:
        """Change *fields* of the server."""
        assert self.server is not None
        self.server |= fields

    def forget(self, name: str) -> None:
        """Have RDS not tell the field *name* of the server."""
        assert self.server is not None
        del self.server[name]

    def change_snapshots(self, *names: str, **fields: object) -> None:
        """Change *fields* of the snapshots *names*, of all when there are none."""
        for name in names or tuple(self.snapshots):
            self.snapshots[name] |= fields

    def catalog(self) -> RdsCatalog:
        """Return the catalog that asks this account once."""
        client = boto3.client(
            "rds",
            region_name="eu-central-1",
            aws_access_key_id="AKIATEST",
            aws_secret_access_key=SECRET_KEY,
        )
        stub = Stubber(client)
        self._prepare(stub)
        stub.activate()
        return RdsCatalog(RdsApi(RdsLocation(NAME, self.kind), lambda: client))

    def _prepare(self, stub: Stubber) -> None:
        words, asked = WORDS[self.kind], {WORDS[self.kind].server: NAME}
        if self.error is not None:
            code, status = self.error
            stub.add_client_error(words.list_servers, code, "no", status)
            return
        date = {"date": format_datetime(self.now, usegmt=True)}
        listed = [] if self.server is None else [self.server]
        told = {words.servers: listed, "ResponseMetadata": {"HTTPHeaders": date}}
        stub.add_response(words.list_servers, told, asked)
        for page, only in (
            (list(self.snapshots.values()), {}),
            ([], {"SnapshotType": "awsbackup"}),
        ):
            parameters = {**asked, "MaxRecords": _PAGE_SIZE, **only}
            stub.add_response(words.list_snapshots, {words.snapshots: page}, parameters)
