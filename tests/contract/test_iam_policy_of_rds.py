"""The printed policies for RDS: enough to ask for a server and to copy it, each line needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from hook.catalogs.rds import RdsApi, RdsCatalog
from hook.errors import BackupUnknown, HookError
from hook.settings.backup_source import RdsKind, RdsLocation
from hook.triggers import Phase, Wanted
from hook.triggers.rds import SnapshotTrigger
from tests.testbed.iam_authority import Authority, policy_statements

Statements = list[dict[str, Any]]
Open = Callable[[Authority], RdsCatalog]
REGION = "eu-central-1"
SOURCES = {RdsKind.INSTANCE: "rds:shop", RdsKind.CLUSTER: "rds:cluster/shop"}
EVERY_KIND = pytest.mark.parametrize("kind", RdsKind)


def _statements(kind: RdsKind, **more: str) -> Statements:
    return policy_statements(PRESYNC_BACKUP_SOURCE=SOURCES[kind], AWS_REGION=REGION, **more)


def _with_snapshots(kind: RdsKind) -> Statements:
    return _statements(kind, PRESYNC_BACKUP_TRIGGER="rds-snapshot")


def _create(client: Any, kind: RdsKind) -> None:
    login = {"MasterUsername": "u", "MasterUserPassword": "canary-of-the-master"}
    if kind is RdsKind.CLUSTER:
        client.create_db_cluster(DBClusterIdentifier="shop", Engine="aurora-postgresql", **login)
        # moto takes no snapshot of a cluster by itself.
        client.create_db_cluster_snapshot(
            DBClusterIdentifier="shop", DBClusterSnapshotIdentifier="daily"
        )
    else:
        client.create_db_instance(
            DBInstanceIdentifier="shop",
            Engine="postgres",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            **login,
        )


@pytest.fixture
def open_catalog(kind: RdsKind, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Return ``open(authority)``: the catalog of a server that moto has."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    with mock_aws():
        client = boto3.client("rds", region_name=REGION)
        _create(client, kind)

        def open_(authority: Authority) -> RdsCatalog:
            authority.watch(client)
            return RdsCatalog(RdsApi(RdsLocation("shop", kind), lambda: client))

        yield open_


@EVERY_KIND
def test_policy_of_rds_is_enough_and_not_too_much(kind: RdsKind, open_catalog: Open) -> None:
    """Everything that is asked is allowed, and all that is allowed is asked."""
    authority = Authority(_statements(kind))
    assert open_catalog(authority).read_evidence().backups
    assert authority.patterns() - authority.used == set()


@pytest.mark.parametrize(
    ("kind", "sid"),
    [(kind, item["Sid"]) for kind in RdsKind for item in _statements(kind)],
)
def test_every_statement_for_rds_is_needed(kind: RdsKind, open_catalog: Open, sid: str) -> None:
    """Without it the gate cannot tell, and names the action that is missing."""
    statements = _statements(kind)
    left = [item for item in statements if item["Sid"] != sid]
    (without,) = (item for item in statements if item["Sid"] == sid)
    (action,) = without["Action"]
    told = rf"^{action} on RDS {kind.value} shop is denied"
    with pytest.raises(HookError, match=told) as caught:
        open_catalog(Authority(left)).read_evidence()
    assert isinstance(caught.value, BackupUnknown)
    assert "presync config --iam-policy" in caught.value.hint


@EVERY_KIND
def test_policy_of_rds_is_enough_to_take_a_snapshot(kind: RdsKind, open_catalog: Open) -> None:
    """With its tag, and to see how far it is; nothing is allowed without use."""
    authority = Authority(_with_snapshots(kind))
    catalog = open_catalog(authority)
    trigger = SnapshotTrigger(catalog._api)
    trigger.begin(Wanted("r1", None))
    assert trigger.look().phase is Phase.ENDED
    catalog.read_evidence()
    assert authority.patterns() - authority.used == set()


@EVERY_KIND
@pytest.mark.parametrize("sid", ["TakeSnapshots", "TagSnapshots"])
def test_every_statement_for_a_snapshot_is_needed(
    kind: RdsKind, open_catalog: Open, sid: str
) -> None:
    """A snapshot without its tag would be one that nobody knows the origin of."""
    left = [item for item in _with_snapshots(kind) if item["Sid"] != sid]
    trigger = SnapshotTrigger(open_catalog(Authority(left))._api)
    operation = {RdsKind.CLUSTER: "CreateDBClusterSnapshot"}.get(kind, "CreateDBSnapshot")
    right = "AddTagsToResource" if sid == "TagSnapshots" else operation
    with pytest.raises(BackupUnknown, match=f"^rds:{right} on RDS {kind.value} shop is denied"):
        trigger.begin(Wanted("r1", None))


@EVERY_KIND
def test_policy_is_one_that_iam_accepts(kind: RdsKind) -> None:
    """A policy is checked for its grammar, which moto knows."""
    with mock_aws():
        iam = boto3.client("iam", region_name=REGION)
        for number, statements in enumerate((_statements(kind), _with_snapshots(kind))):
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            made = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document)
            assert made["Policy"]["IsAttachable"]
