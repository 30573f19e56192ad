"""A run in front of a database of RDS: moto stands in for the API, PostgreSQL is real.

moto knows no restore window (it tells the time of creation, also for a retention of 0), so
what is judged of one is told by `tests/unit/core/test_restore_window.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from hook.core.outcome import Policy
from hook.errors import ExitCode
from hook.settings import ArchiveSettings
from hook.settings.backup_source import parse_backup_source
from hook.settings.backup_trigger import SnapshotTrigger
from tests.testbed.database import Database
from tests.testbed.gate import Gate, deciding
from tests.testbed.run_context import RUN_ID, target_of

RELEASE = {"V1__a.sql": "CREATE TABLE a (id int)"}


@pytest.fixture
def rds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of an account without a database."""
    for name, value in (
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret-of-aws"),
        ("AWS_REGION", "eu-central-1"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield boto3.client("rds", region_name="eu-central-1")


@pytest.fixture
def instance(rds: Any) -> str:
    """Return the endpoint of the instance ``shop``, which has an automated snapshot."""
    made = rds.create_db_instance(
        DBInstanceIdentifier="shop",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="canary-of-the-master",
        BackupRetentionPeriod=7,
    )
    address: str = made["DBInstance"]["Endpoint"]["Address"]
    return address


@pytest.fixture
def asking(gate: Gate) -> Gate:
    """Return the gate, which asks RDS for the instance ``shop``."""
    _ask_for(gate, "rds:shop")
    archive = ArchiveSettings(Policy.ENFORCE, timedelta(minutes=15))
    gate.settings = gate.settings._replace(archive=archive)
    return gate


def _ask_for(gate: Gate, source: str) -> None:
    backup = gate.settings.backup._replace(source=parse_backup_source(source))
    gate.settings = gate.settings._replace(backup=backup)


def _reach(gate: Gate, database: Database, host: str) -> None:
    """Let the run connect to *database* under the name *host*."""
    target = target_of(database, host=host, hostaddr="127.0.0.1")
    settings = gate.settings.database._replace(target=target)
    gate.settings = gate.settings._replace(database=settings)


def test_run_passes_behind_snapshot_and_window(
    asking: Gate, database: Database, instance: str
) -> None:
    """Snapshot and window are those of the server that is migrated, by its endpoint."""
    _reach(asking, database, instance)
    report = asking.run(RELEASE)
    assert report.exit_code is ExitCode.OK, report.verdict
    found = {item.rule: item for result in report.results for item in result.findings}
    assert found["backup-age"].facts["source"] == "RDS instance shop"
    assert found["restore-window"].facts["retention_days"] == 7
    assert report.marker is not None
    (way,) = report.marker.restore
    assert "--source-db-instance-identifier shop --target-db-instance-identifier" in way.command


def test_snapshot_alone_is_enough_where_somebody_said_so(
    asking: Gate, database: Database, rds: Any, instance: str
) -> None:
    """Without automated backups nothing leads to now, and what was written since is lost."""
    rds.modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=0)
    rds.create_db_snapshot(DBInstanceIdentifier="shop", DBSnapshotIdentifier="by-hand")
    _reach(asking, database, instance)
    refused = asking.run(RELEASE)
    assert refused.exit_code is ExitCode.NO_WAY_BACK
    assert "takes no automated backups (retention 0)" in refused.verdict
    archive = ArchiveSettings(Policy.WARN, timedelta(minutes=15))
    asking.settings = asking.settings._replace(archive=archive)
    report = asking.run()
    assert report.exit_code is ExitCode.OK, report.verdict


def test_run_does_not_take_another_server_for_this_one(
    asking: Gate, database: Database, instance: str
) -> None:
    """A fresh snapshot of another server is no way back for this one."""
    _reach(asking, database, f"other-{instance}")
    report = asking.run(RELEASE)
    assert report.exit_code is ExitCode.NO_WAY_BACK
    assert deciding(report).rule == "backup-cluster"
    assert asking.database.query("SELECT to_regclass('a')") == [(None,)]


def test_run_names_the_cluster_of_a_member(asking: Gate, database: Database, rds: Any) -> None:
    """Whoever names the instance that he connects to is told the name to use."""
    rds.create_db_cluster(
        DBClusterIdentifier="aur",
        Engine="aurora-postgresql",
        MasterUsername="u",
        MasterUserPassword="canary-of-the-master",
    )
    rds.create_db_instance(
        DBInstanceIdentifier="shop",
        Engine="aurora-postgresql",
        DBInstanceClass="db.t4g.medium",
        DBClusterIdentifier="aur",
    )
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier="aur")["DBClusters"]
    _reach(asking, database, cluster["Endpoint"])
    assert deciding(asking.run(RELEASE)).hint == "Set PRESYNC_BACKUP_SOURCE to rds:cluster/aur."
    rds.create_db_cluster_snapshot(DBClusterIdentifier="aur", DBClusterSnapshotIdentifier="by-hand")
    _ask_for(asking, "rds:cluster/aur")
    report = asking.run()
    assert report.exit_code is ExitCode.OK, report.verdict


@pytest.mark.usefixtures("rds")
def test_run_without_such_an_instance_is_refused(asking: Gate) -> None:
    """The region was asked, and has none."""
    report = asking.run(RELEASE)
    assert report.exit_code is ExitCode.NO_WAY_BACK
    assert "there is no RDS instance shop in eu-central-1" in report.verdict


def test_run_takes_a_snapshot_when_there_is_none(
    asking: Gate, database: Database, rds: Any, instance: str
) -> None:
    """The snapshot is asked for once, waited for, and then found in the list of RDS."""
    for snapshot in rds.describe_db_snapshots()["DBSnapshots"]:
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])
    _reach(asking, database, instance)
    backup = asking.settings.backup._replace(trigger=SnapshotTrigger())
    asking.settings = asking.settings._replace(backup=backup)
    report = asking.run(RELEASE)
    assert report.exit_code is ExitCode.OK, report.verdict
    (snapshot,) = rds.describe_db_snapshots()["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"] == f"presync-shop-{RUN_ID}"
    made = [item for result in report.results for item in result.findings]
    assert f"snapshot presync-shop-{RUN_ID}" in {item.facts.get("backup") for item in made}
