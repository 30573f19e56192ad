"""The catalog of RDS against botocore's own stub of the API, which checks names and types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore import exceptions as aws
from botocore.stub import Stubber

from hook.catalogs.opening import Access, open_catalogs
from hook.catalogs.rds import PAGE_LIMIT, RdsApi, RdsCatalog
from hook.core.backups.backup import RestoreWindow
from hook.errors import BackupSourceMissing, BackupUnknown, ConfigError
from hook.settings.backup_source import RdsKind, RdsLocation, S3Settings, parse_backup_source

THEN = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 19, 19, tzinfo=UTC)
HOST = "shop.abc.eu-central-1.rds.amazonaws.com"
CANARY = "canary-secret-of-aws"
INSTANCE: dict[str, Any] = {
    "DBInstanceIdentifier": "shop",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "Endpoint": {"Address": HOST, "Port": 5432},
    "BackupRetentionPeriod": 7,
    "LatestRestorableTime": LATER,
    "DbiResourceId": "db-ONE",
}
CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "aur",
    "Engine": "aurora-postgresql",
    "Status": "available",
    "Endpoint": "aur.cluster-abc.eu-central-1.rds.amazonaws.com",
    "BackupRetentionPeriod": 1,
    "LatestRestorableTime": LATER,
    "DbClusterResourceId": "cluster-ONE",
}
DATE = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sat, 21 Nov 2026 19:20:00 GMT"}}}


class Rds:
    """A client that knows its answers beforehand, and the catalog that asks it."""

    def __init__(self, location: RdsLocation) -> None:
        client = boto3.client(
            "rds",
            region_name="eu-central-1",
            aws_access_key_id="AKIATEST",
            aws_secret_access_key=CANARY,
        )
        self.location = location
        self.stub = Stubber(client)
        self.catalog = RdsCatalog(RdsApi(location, lambda: client))

    def has_instance(self, **fields: object) -> None:
        """Answer for the instance."""
        self.stub.add_response(
            "describe_db_instances",
            {"DBInstances": [INSTANCE | fields], **DATE},
            {"DBInstanceIdentifier": "shop"},
        )

    def has_snapshots(
        self, *snapshots: dict[str, object], marker: str = "", after: str = "", kind: str = ""
    ) -> None:
        """Answer with one page of snapshots of *kind*."""
        expected = {"DBInstanceIdentifier": "shop", "MaxRecords": 100}
        expected |= {"SnapshotType": kind} if kind else {}
        expected |= {"Marker": after} if after else {}
        page: dict[str, object] = {"DBSnapshots": list(snapshots)}
        page |= {"Marker": marker} if marker else {}
        self.stub.add_response("describe_db_snapshots", page, expected)


@pytest.fixture
def rds() -> Iterator[Rds]:
    """Return the API that is asked for the instance shop; every answer has to be asked for."""
    made = Rds(RdsLocation("shop"))
    with made.stub:
        yield made
        made.stub.assert_no_pending_responses()


def _snapshot(name: str, **fields: object) -> dict[str, object]:
    return {
        "DBSnapshotIdentifier": name,
        "Status": "available",
        "SnapshotCreateTime": THEN,
        "DbiResourceId": "db-ONE",
        **fields,
    }


def test_catalog_reads_instance_and_all_its_snapshots(rds: Rds) -> None:
    """Automated, manual and those of AWS Backup, page by page; times are the service's."""
    rds.has_instance()
    rds.has_snapshots(_snapshot("one"), marker="more")
    rds.has_snapshots(_snapshot("two"), after="more")
    rds.has_snapshots(_snapshot("two"), _snapshot("three"), kind="awsbackup")
    evidence = rds.catalog.read_evidence()
    assert [backup.label for backup in evidence.backups] == ["one", "two", "three"]
    assert evidence.source == "RDS instance shop"
    assert evidence.origin.hosts == (HOST,)
    assert evidence.clock == datetime(2026, 11, 21, 19, 20, tzinfo=UTC)
    assert evidence.window == RestoreWindow(7, LATER)
    assert evidence.backup_command.startswith("aws rds create-db-snapshot --db-instance-identifier")


def test_catalog_reads_a_cluster() -> None:
    """A cluster has operations of its own."""
    rds = Rds(RdsLocation("aur", RdsKind.CLUSTER))
    asked = {"DBClusterIdentifier": "aur"}
    snapshot = {
        "DBClusterSnapshotIdentifier": "rds:aur-1",
        "Status": "available",
        "SnapshotCreateTime": THEN,
    }
    rds.stub.add_response("describe_db_clusters", {"DBClusters": [CLUSTER]}, asked)
    for more in ({}, {"SnapshotType": "awsbackup"}):
        rds.stub.add_response(
            "describe_db_cluster_snapshots",
            {"DBClusterSnapshots": [snapshot]},
            {**asked, "MaxRecords": 100, **more},
        )
    with rds.stub:
        evidence = rds.catalog.read_evidence()
    assert [backup.label for backup in evidence.backups] == ["rds:aur-1"]
    assert evidence.source == "RDS cluster aur"
    assert "create-db-cluster-snapshot --db-cluster-identifier aur" in evidence.backup_command


@pytest.mark.parametrize(
    ("fields", "told", "hint"),
    [
        (
            {"DBClusterIdentifier": "aur"},
            "RDS instance shop is a member of cluster aur, and only the cluster is backed up",
            "Set PRESYNC_BACKUP_SOURCE to rds:cluster/aur.",
        ),
        (
            {"Engine": "mysql"},
            "RDS instance shop runs mysql, not PostgreSQL",
            "Name the instance or cluster of this database in PRESYNC_BACKUP_SOURCE.",
        ),
    ],
)
def test_catalog_refuses_the_wrong_instance(
    rds: Rds, fields: dict[str, object], told: str, hint: str
) -> None:
    """Snapshots of it would be none of this database, or there are none."""
    rds.has_instance(**fields)
    with pytest.raises(BackupSourceMissing) as caught:
        rds.catalog.read_evidence()
    assert (caught.value.message, caught.value.hint) == (told, hint)


def test_catalog_cannot_tell_of_an_instance_without_endpoint(rds: Rds) -> None:
    """Nothing would prove that it is the database in question."""
    rds.has_instance(Endpoint={}, DBInstanceStatus="creating")
    with pytest.raises(BackupUnknown, match=r"has no endpoint \(status creating\)"):
        rds.catalog.read_evidence()


def test_catalog_is_not_content_with_an_empty_answer(rds: Rds) -> None:
    """A missing instance is an error of the API, so this is no answer of RDS."""
    rds.stub.add_response("describe_db_instances", {"DBInstances": []})
    with pytest.raises(BackupUnknown, match="RDS tells nothing of RDS instance shop"):
        rds.catalog.read_evidence()


@pytest.mark.parametrize("same", [True, False])
def test_catalog_ends_a_list_that_does_not_end(rds: Rds, same: bool) -> None:  # noqa: FBT001 - a case
    """A marker that comes back, or ever new ones."""
    rds.has_instance()
    marker = ""
    for number in range(2 if same else PAGE_LIMIT):
        following = "again" if same else f"page-{number}"
        rds.has_snapshots(marker=following, after=marker)
        marker = following
    with pytest.raises(BackupUnknown, match="does not end"):
        rds.catalog.read_evidence()


def _refused(rds: Rds, code: str, message: str = "no", status: int = 400) -> None:
    rds.stub.add_client_error("describe_db_instances", code, message, status)


def test_missing_instance_is_no_way_back(rds: Rds) -> None:
    """RDS answered: there is no such instance in the region that was asked."""
    _refused(rds, "DBInstanceNotFound", status=404)
    with pytest.raises(BackupSourceMissing, match="no RDS instance shop in eu-central-1") as caught:
        rds.catalog.read_evidence()
    assert "rds:cluster/NAME" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "told", "hint"),
    [
        ("AccessDenied", "rds:DescribeDBInstances on RDS instance shop is denied", "--iam-policy"),
        ("InvalidClientTokenId", "no valid credentials to ask for", "credentials of this pod"),
        ("SignatureDoesNotMatch", "no valid credentials to ask for", "credentials of this pod"),
        ("ExpiredToken", "no valid credentials to ask for", "credentials of this pod"),
        ("Throttling", "RDS fails on RDS instance shop", "Try again later"),
        ("RequestExpired", "because the clocks differ", "Synchronise"),
        ("OptInRequired", "RDS refuses DescribeDBInstances", "See what the message says"),
    ],
)
def test_refusal_says_what_is_missing(rds: Rds, code: str, told: str, hint: str) -> None:
    """Whatever RDS refuses is unknown, with the next step."""
    _refused(rds, code)
    with pytest.raises(BackupUnknown) as caught:
        rds.catalog.read_evidence()
    assert told in caught.value.message
    assert hint in caught.value.hint
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    ("error", "told", "hint"),
    [
        (aws.InvalidRegionError(region_name="x y"), "no region to look for RDS", "AWS_REGION"),
        (aws.NoCredentialsError(), "no valid credentials", "credentials of this pod"),
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "RDS does not answer", "VPC endpoint"),
        (aws.SSLError(endpoint_url="https://x", error="bad"), "no TLS session", "AWS_CA_BUNDLE"),
    ],
)
def test_client_that_does_not_come_about_is_unknown(error: Exception, told: str, hint: str) -> None:
    """Also what fails before anything is sent has a reason and a next step."""

    def open_() -> Any:
        raise error

    with pytest.raises(BackupUnknown) as caught:
        RdsCatalog(RdsApi(RdsLocation("shop"), open_)).read_evidence()
    assert told in caught.value.message
    assert hint in caught.value.hint


def test_catalog_needs_a_region_and_ignores_the_endpoint_of_s3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unlike a bucket, an instance is known in one region only."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    source = parse_backup_source("rds:shop")
    catalogs = open_catalogs(source, Access(S3Settings(endpoint="http://127.0.0.1:1")))
    assert (catalogs.wal, catalogs.backups.describe()) == (None, "RDS instance shop")
    with pytest.raises(ConfigError) as caught:
        catalogs.backups.read_evidence()
    assert caught.value.problems == (
        "AWS_REGION is not set: no region to look for RDS instance shop in",
    )
    assert "Set AWS_REGION" in caught.value.hint
