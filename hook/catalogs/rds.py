"""Asks Amazon RDS for the snapshots and the restore window of an instance or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from hook.catalogs.aws import Service, open_client
from hook.core.backups.backup import Evidence
from hook.core.backups.origin import Origin
from hook.core.backups.rds import RdsServer, parse_cluster, parse_instance, parse_snapshots
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import RdsKind, RdsLocation, S3Settings

# RDS allows 100 manual snapshots in a region unless told otherwise, and 35 days of others.
PAGE_LIMIT = 20
_PAGE_SIZE = 100
# Without a type RDS lists automated and manual ones.
_TYPES: tuple[dict[str, str], ...] = ({}, {"SnapshotType": "awsbackup"})

Response = Mapping[str, Any]


class RdsApi:
    """Requests about one instance or cluster."""

    def __init__(self, location: RdsLocation, open_: Callable[[], Any]) -> None:
        """Ask with the client that *open_* returns; nothing is contacted yet."""
        self.location = location
        self._open = open_

    def describe(self) -> str:
        """Return what is asked about."""
        return f"RDS {self.location.kind.value} {self.location.name}"

    def ask(self, operation: str, **parameters: object) -> Response:
        """Return the answer to *operation*, a method of boto3's client.

        Raises:
            BackupSourceMissing: RDS knows no such instance or cluster.
            ConfigError: Nobody says in which region.
            BackupUnknown: There is no answer that can be used.
        """
        from hook.catalogs.rds_errors import explain_rds  # noqa: PLC0415 - loads botocore
        from hook.catalogs.s3_errors import S3_ERRORS  # noqa: PLC0415 - likewise

        region = "this region"
        try:
            region = self._client.meta.region_name
            answer: Response = getattr(self._client, operation)(**parameters)
        except S3_ERRORS as error:
            raise explain_rds(error, self.describe(), region) from error
        except KeyError as error:  # botocore's parser has not found what it is named
            raise self.no_answer(operation) from error
        return answer

    def no_answer(self, operation: str) -> BackupUnknown:
        """Return that what came back is something else than an answer to *operation*."""
        return BackupUnknown(
            f"what answers for RDS tells nothing of {self.describe()} ({operation})",
            "Check AWS_ENDPOINT_URL_RDS and proxies between this pod and RDS.",
        )

    def pages(self, operation: str, **parameters: object) -> Iterator[Response]:
        """Yield the pages of a listing.

        Raises:
            BackupUnknown: It does not end, or as `ask` says.
        """
        marker: dict[str, object] = {}
        for _ in range(PAGE_LIMIT):
            page = self.ask(operation, MaxRecords=_PAGE_SIZE, **parameters, **marker)
            yield page
            following = page.get("Marker")
            if not following:
                return
            if following == marker.get("Marker"):
                break
            marker = {"Marker": following}
        raise BackupUnknown(
            f"the list of snapshots of {self.describe()} does not end",
            "Delete snapshots that nobody needs, and see what answers for RDS.",
        )

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 brings no types
        return self._open()


class RdsCatalog:
    """A `BackupCatalog` over the snapshots of one instance or cluster."""

    def __init__(self, api: RdsApi) -> None:
        self._api = api
        self._is_cluster = api.location.kind is RdsKind.CLUSTER

    def describe(self) -> str:
        """Return what is asked about."""
        return self._api.describe()

    def read_evidence(self) -> Evidence:
        """Ask for the server, then for its snapshots."""
        server, clock = self._read_server()
        endpoint = self._require_endpoint(server)
        name = self._api.location.name
        kind = "db-cluster" if self._is_cluster else "db-instance"
        snapshot = "db-cluster-snapshot" if self._is_cluster else "db-snapshot"
        command = (
            f"aws rds create-{snapshot} --{kind}-identifier {name}"
            f" --{snapshot}-identifier {name}-by-hand"
        )
        return Evidence(
            source=self.describe(),
            backups=parse_snapshots(list_snapshots(self._api), server),
            completion_mark="the snapshot",
            backup_command=command,
            full_backup_command=command,
            origin=Origin(hosts=(endpoint,)),
            clock=clock,
            window=server.window,
        )

    def _read_server(self) -> tuple[RdsServer, datetime | None]:
        from hook.catalogs.s3_errors import parse_date  # noqa: PLC0415 - loads botocore

        name = self._api.location.name
        if self._is_cluster:
            answer = self._api.ask("describe_db_clusters", DBClusterIdentifier=name)
            listed, parse = answer.get("DBClusters"), parse_cluster
        else:
            answer = self._api.ask("describe_db_instances", DBInstanceIdentifier=name)
            listed, parse = answer.get("DBInstances"), parse_instance
        if not listed:
            raise BackupUnknown(
                f"RDS tells nothing of {self.describe()}", "See what answers for RDS."
            )
        return parse(listed[0]), parse_date(answer)

    def _require_endpoint(self, server: RdsServer) -> str:
        """Return the endpoint of a server whose backups are its own.

        Raises:
            BackupSourceMissing: It is not the one to ask, or runs no PostgreSQL.
            BackupUnknown: It has no endpoint.
        """
        if server.cluster:
            raise BackupSourceMissing(
                f"{self.describe()} is a member of cluster {server.cluster}, and only the cluster"
                " is backed up",
                f"Set PRESYNC_BACKUP_SOURCE to rds:cluster/{server.cluster}.",
            )
        if not server.is_postgres:
            raise BackupSourceMissing(
                f"{self.describe()} runs {server.engine}, not PostgreSQL",
                "Name the instance or cluster of this database in PRESYNC_BACKUP_SOURCE.",
            )
        if not server.endpoint:
            raise BackupUnknown(
                f"{self.describe()} has no endpoint (status {server.status})",
                "Wait until it is available, then run again.",
            )
        return server.endpoint


def list_snapshots(api: RdsApi) -> Iterator[Response]:
    """Yield the snapshots of the server, whoever takes them, one request after the other.

    Raises:
        HookError: As `RdsApi.pages` does.
    """
    is_cluster = api.location.kind is RdsKind.CLUSTER
    kind = "DBCluster" if is_cluster else "DB"
    operation = f"describe_db_{'cluster_' * is_cluster}snapshots"
    owner = "DBClusterIdentifier" if is_cluster else "DBInstanceIdentifier"
    for only in _TYPES:
        for page in api.pages(operation, **{owner: api.location.name}, **only):
            listed = page.get(f"{kind}Snapshots")
            if listed is None:  # where there is none, the list is there and empty
                raise api.no_answer(operation)
            yield from listed


def open_rds_api(location: RdsLocation, settings: S3Settings) -> RdsApi:
    """Return requests about *location*; the endpoint in *settings* is that of S3 alone."""
    own = settings._replace(endpoint=None)
    service = Service("rds", f"RDS {location.kind.value} {location.name}")
    return RdsApi(location, lambda: open_client(service, own))


def open_rds(location: RdsLocation, settings: S3Settings) -> RdsCatalog:
    """Return the catalog of *location*."""
    return RdsCatalog(open_rds_api(location, settings))
