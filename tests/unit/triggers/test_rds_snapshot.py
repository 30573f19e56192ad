"""The trigger that takes a snapshot, against botocore's own stub of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from hook.catalogs.rds import RdsApi
from hook.core.backups.backup_made import Rest
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import RdsKind, RdsLocation
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from hook.triggers.rds import SnapshotTrigger

WANTED = Wanted("a1b2c3", None)
OWNER = {"DBInstanceIdentifier": "shop"}
NAME = {"DBSnapshotIdentifier": "presync-shop-a1b2c3"}
LIST = "describe_db_snapshots"
ALL = {**OWNER, "MaxRecords": 100}
OF_AWS_BACKUP = {"SnapshotType": "awsbackup", **ALL}


@pytest.fixture
def client() -> Any:
    """Return a client of RDS."""
    return boto3.client(
        "rds",
        region_name="eu-central-1",
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="canary",
    )


@pytest.fixture
def rds(client: Any) -> Iterator[Stubber]:
    """Return the answers that are given in turn; each has to be asked for."""
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def trigger(client: Any) -> SnapshotTrigger:
    """Return the trigger for the instance shop."""
    return SnapshotTrigger(RdsApi(RdsLocation("shop"), lambda: client))


def _list_none(rds: Stubber) -> None:
    """Answer that no snapshot is there, whoever takes it."""
    rds.add_response(LIST, {"DBSnapshots": []}, ALL)
    rds.add_response(LIST, {"DBSnapshots": []}, OF_AWS_BACKUP)


def _begin(rds: Stubber, trigger: SnapshotTrigger) -> Begun:
    _list_none(rds)
    tags = {"Tags": [{"Key": "presync/run-id", "Value": "a1b2c3"}]}
    rds.add_response("create_db_snapshot", {}, {**OWNER, **NAME, **tags})
    return trigger.begin(WANTED)


def test_snapshot_is_taken_and_watched_to_its_end(rds: Stubber, trigger: SnapshotTrigger) -> None:
    """Its name and its tag say who asked for it; it stays until somebody deletes it."""
    assert trigger.describe() == "a snapshot of RDS instance shop"
    assert _begin(rds, trigger) == Begun("snapshot presync-shop-a1b2c3", is_adopted=False)
    for status, percent in (("creating", 0), ("creating", 60), ("available", 100)):
        told = {"DBSnapshots": [{**NAME, "Status": status, "PercentProgress": percent}]}
        rds.add_response(LIST, told, NAME)
    assert trigger.look() == Standing(Phase.RUNNING, "0%")
    assert trigger.look() == Standing(Phase.RUNNING, "60%")
    assert trigger.look() == Standing(Phase.ENDED, "available")
    rds.add_response(LIST, {"DBSnapshots": [{**NAME, "Status": "creating"}]}, NAME)
    assert trigger.look() == Standing(Phase.RUNNING, "0%")
    assert trigger.close() == Left(Rest.GOES_ON)


def test_name_that_is_cut_at_a_dash_has_no_two_in_a_row(rds: Stubber, client: Any) -> None:
    """RDS would refuse it."""
    owner = f"{'a' * 47}-{'b' * 10}"
    trigger = SnapshotTrigger(RdsApi(RdsLocation(owner), lambda: client))
    rds.add_response(LIST, {"DBSnapshots": []})
    rds.add_response(LIST, {"DBSnapshots": []})
    rds.add_response("create_db_snapshot", {})
    assert trigger.begin(WANTED).name == f"snapshot presync-{'a' * 47}-a1b2c3"


def test_snapshot_that_is_being_taken_is_taken_up(rds: Stubber, trigger: SnapshotTrigger) -> None:
    """A second one would wait for it, and cost."""
    listed = [
        {"DBSnapshotIdentifier": "old", "Status": "available"},
        {"DBSnapshotIdentifier": "nightly", "Status": "creating"},
    ]
    rds.add_response(LIST, {"DBSnapshots": listed})
    assert trigger.begin(WANTED) == Begun("snapshot nightly", is_adopted=True)


def test_snapshot_of_rds_itself_is_followed_by_its_type(
    rds: Stubber, trigger: SnapshotTrigger
) -> None:
    """RDS tells of one that it takes by itself only when it is asked for that type."""
    name = {"DBSnapshotIdentifier": "rds:shop-2026-11-29"}
    listed = {**name, "SnapshotType": "automated", "Status": "creating"}
    rds.add_response(LIST, {"DBSnapshots": [listed]}, ALL)
    assert trigger.begin(WANTED) == Begun("snapshot rds:shop-2026-11-29", is_adopted=True)
    told = {**listed, "Status": "available"}
    rds.add_response(LIST, {"DBSnapshots": [told]}, {**name, "SnapshotType": "automated"})
    assert trigger.look().phase is Phase.ENDED


def test_snapshot_of_aws_backup_is_taken_up(rds: Stubber, trigger: SnapshotTrigger) -> None:
    """It is listed for those only who ask for that type, and the gate counts it."""
    name = {"DBSnapshotIdentifier": "awsbackup:job-7"}
    listed = {**name, "SnapshotType": "awsbackup", "Status": "creating"}
    rds.add_response(LIST, {"DBSnapshots": []}, ALL)
    rds.add_response(LIST, {"DBSnapshots": [listed]}, OF_AWS_BACKUP)
    assert trigger.begin(WANTED) == Begun("snapshot awsbackup:job-7", is_adopted=True)
    rds.add_response(LIST, {"DBSnapshots": [listed]}, {**name, "SnapshotType": "awsbackup"})
    assert trigger.look().phase is Phase.RUNNING


def test_snapshot_that_rds_does_not_know_is_told(rds: Stubber, trigger: SnapshotTrigger) -> None:
    """Whoever waits looks again: a new one may not be known everywhere yet."""
    _begin(rds, trigger)
    rds.add_client_error(LIST, "DBSnapshotNotFound", "no")
    with pytest.raises(BackupSourceMissing, match=r"^RDS has no such snapshot of .* \(any more\)$"):
        trigger.look()


@pytest.mark.parametrize(
    ("listed", "told"),
    [([], "it was deleted"), ([{**NAME, "Status": "failed"}], "failed")],
)
def test_snapshot_that_does_not_come_has_failed(
    rds: Stubber, trigger: SnapshotTrigger, listed: list[dict[str, str]], told: str
) -> None:
    """Every status but available is the end of it."""
    _begin(rds, trigger)
    rds.add_response(LIST, {"DBSnapshots": listed})
    assert trigger.look() == Standing(Phase.FAILED, told)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("SnapshotQuotaExceeded", "RDS refuses CreateDBSnapshot for RDS instance shop"),
        ("InvalidDBInstanceState", "RDS refuses CreateDBSnapshot for RDS instance shop"),
        ("AccessDenied", "rds:CreateDBSnapshot on RDS instance shop is denied"),
    ],
)
def test_snapshot_that_is_refused_is_told(
    rds: Stubber, trigger: SnapshotTrigger, code: str, told: str
) -> None:
    """There is nothing to wait for then."""
    _list_none(rds)
    rds.add_client_error("create_db_snapshot", code, "no")
    rds.add_client_error(LIST, "DBSnapshotNotFound", "no")
    with pytest.raises(BackupUnknown, match=told):
        trigger.begin(WANTED)


def test_snapshot_whose_answer_was_lost_has_begun(rds: Stubber, trigger: SnapshotTrigger) -> None:
    """boto3 asked once more, and RDS has one of that name: it is ours, as the run is in it."""
    _list_none(rds)
    rds.add_client_error("create_db_snapshot", "DBSnapshotAlreadyExists", "exists")
    rds.add_response(LIST, {"DBSnapshots": [{**NAME, "Status": "creating"}]}, NAME)
    assert trigger.begin(WANTED) == Begun("snapshot presync-shop-a1b2c3", is_adopted=False)


def test_snapshot_of_a_cluster_has_operations_of_its_own(client: Any) -> None:
    """And a name that is cut where RDS would refuse it.

    The owner beside the name of a snapshot is a combination that RDS refuses.
    """
    name = "a" * 60
    trigger = SnapshotTrigger(RdsApi(RdsLocation(name, RdsKind.CLUSTER), lambda: client))
    owner = {"DBClusterIdentifier": name}
    snapshot = {"DBClusterSnapshotIdentifier": f"presync-{'a' * 48}-a1b2c3"}
    tags = {"Tags": [{"Key": "presync/run-id", "Value": "a1b2c3"}]}
    with Stubber(client) as stub:
        for _ in range(2):
            stub.add_response("describe_db_cluster_snapshots", {"DBClusterSnapshots": []})
        stub.add_response("create_db_cluster_snapshot", {}, {**owner, **snapshot, **tags})
        stub.add_response(
            "describe_db_cluster_snapshots",
            {"DBClusterSnapshots": [{**snapshot, "Status": "available"}]},
            snapshot,
        )
        assert trigger.begin(WANTED).name == f"snapshot presync-{'a' * 48}-a1b2c3"
        assert trigger.look().phase is Phase.ENDED
