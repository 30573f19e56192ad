"""What is read from the answers of Amazon RDS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hook.core.backups.backup import Presence, RestoreWindow
from hook.core.backups.rds import parse_cluster, parse_instance, parse_snapshots

THEN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
INSTANCE: dict[str, Any] = {
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "Endpoint": {"Address": "shop.abc.eu-central-1.rds.amazonaws.com", "Port": 5432},
    "BackupRetentionPeriod": 7,
    "LatestRestorableTime": LATER,
    "DbiResourceId": "db-ONE",
}
CLUSTER: dict[str, Any] = {
    "Engine": "aurora-postgresql",
    "Status": "available",
    "Endpoint": "aur.cluster-abc.eu-central-1.rds.amazonaws.com",
    "ReaderEndpoint": "aur.cluster-ro-abc.eu-central-1.rds.amazonaws.com",
    "BackupRetentionPeriod": 1,
    "EarliestRestorableTime": THEN,
    "LatestRestorableTime": LATER,
    "DbClusterResourceId": "cluster-ONE",
}


def _snapshot(**fields: object) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": "rds:shop-2026-11-20-02-00",
        "Status": "available",
        "SnapshotCreateTime": THEN,
        "DbiResourceId": "db-ONE",
        **fields,
    }


def test_instance_tells_endpoint_and_window() -> None:
    """An instance does not tell how far back it restores, only up to when."""
    server = parse_instance(INSTANCE)
    assert server.is_postgres
    assert server.endpoint == "shop.abc.eu-central-1.rds.amazonaws.com"
    assert server.window == RestoreWindow(7, LATER)
    assert (server.status, server.cluster) == ("available", None)
    assert parse_instance({**INSTANCE, "DBClusterIdentifier": "aur"}).cluster == "aur"


def test_cluster_is_reached_by_the_endpoint_of_its_writer() -> None:
    """The reader endpoint is never that of the database to migrate."""
    server = parse_cluster(CLUSTER)
    assert server.is_postgres
    assert server.endpoint == "aur.cluster-abc.eu-central-1.rds.amazonaws.com"
    assert server.window == RestoreWindow(1, LATER, THEN)
    assert (server.status, server.cluster) == ("available", None)


def test_instance_without_backups_or_endpoint_is_read_as_such() -> None:
    """What is not there is none, and a retention that is not told is none."""
    server = parse_instance({"Engine": "mysql", "DBInstanceStatus": "creating"})
    assert not server.is_postgres
    assert (server.endpoint, server.window) == (None, RestoreWindow(0, None))


def test_snapshot_is_as_old_as_what_it_copied() -> None:
    """A snapshot that is copied today holds the data of when it was taken."""
    server = parse_instance(INSTANCE)
    fresh, copied = parse_snapshots(
        [
            _snapshot(),
            _snapshot(
                DBSnapshotIdentifier="copy",
                SnapshotCreateTime=LATER,
                OriginalSnapshotCreateTime=THEN,
            ),
        ],
        server,
    )
    assert (fresh.stopped_at, fresh.problems) == (THEN, ())
    assert (fresh.error, fresh.presence) == (False, Presence.COMPLETE)
    assert (copied.stopped_at, copied.problems) == (THEN, ())


def test_snapshot_that_is_on_its_way_is_not_listed_yet() -> None:
    """It has no time and says nothing, for good or for bad."""
    listed = [_snapshot(Status=status) for status in ("creating", "copying")]
    assert parse_snapshots(listed, parse_instance(INSTANCE)) == ()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"Status": "failed"}, "has the status failed"),
        ({"Status": "incompatible-restore"}, "has the status incompatible-restore"),
        (
            {"DbiResourceId": "db-OLD"},
            "is of db-OLD, which had this name before db-ONE",
        ),
    ],
)
def test_snapshot_that_does_not_restore_this_server_is_unusable(
    fields: dict[str, object], problem: str
) -> None:
    """Manual snapshots outlive the server they are of, and a name can be taken anew."""
    (backup,) = parse_snapshots([_snapshot(**fields)], parse_instance(INSTANCE))
    assert backup.problems == (problem,)


def test_snapshot_of_a_cluster_that_is_gone_is_unusable() -> None:
    """Likewise; a cluster has an identifier of another name."""
    old = {
        "DBClusterSnapshotIdentifier": "by-hand",
        "Status": "available",
        "SnapshotCreateTime": LATER,
        "DbClusterResourceId": "cluster-OLD",
    }
    (backup,) = parse_snapshots([old], parse_cluster(CLUSTER))
    assert backup.problems == ("is of cluster-OLD, which had this name before cluster-ONE",)


@pytest.mark.parametrize("side", ["snapshot", "server"])
def test_identifier_that_is_not_told_is_nothing_against_a_snapshot(side: str) -> None:
    """What speaks for RDS may leave it out."""
    untold = {"DbiResourceId": None}
    snapshot = _snapshot(**untold) if side == "snapshot" else _snapshot()
    server = parse_instance({**INSTANCE, **untold} if side == "server" else INSTANCE)
    (backup,) = parse_snapshots([snapshot], server)
    assert backup.problems == ()


def test_copied_snapshot_of_a_cluster_is_unusable() -> None:
    """Unlike that of an instance it does not tell the time of the original."""
    copied = {
        "DBClusterSnapshotIdentifier": "copy",
        "Status": "available",
        "SnapshotCreateTime": LATER,
        "DbClusterResourceId": "cluster-ONE",
        "SourceDBClusterSnapshotArn": "arn:aws:rds:eu-central-1:1:cluster-snapshot:x",
    }
    (backup,) = parse_snapshots([copied], parse_cluster(CLUSTER))
    assert backup.problems == ("is a copy, and does not tell when its data was taken",)


def test_snapshot_is_listed_once_and_needs_a_name() -> None:
    """Snapshots of AWS Backup may be in the list of the others, too."""
    listed = [_snapshot(), _snapshot(), _snapshot(DBSnapshotIdentifier=None)]
    assert len(parse_snapshots(listed, parse_instance(INSTANCE))) == 1
