"""The IAM policy of each configuration, as it is printed."""

from __future__ import annotations

import json
import os

import boto3
import pytest

from hook.core.backups.iam import Region
from hook.errors import ConfigError
from hook.render.iam_policy import policy_notes, render_policy
from hook.settings import Settings
from hook.settings.backup_source import BackupSource, BackupSystem, S3Location
from hook.settings.backup_trigger import DumpTrigger
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
from tests.testbed.process import ROOT

GOLDEN = ROOT / "tests" / "golden" / "iam"
EUROPE = {"AWS_REGION": "eu-central-1"}
STANZA = {"PRESYNC_BACKUP_STANZA": "app"}
CASES: dict[str, dict[str, str]] = {
    "pgbackrest": {"PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://shop/pgbackrest", **STANZA},
    "pgbackrest-in-a-whole-bucket": {"PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://shop", **STANZA},
    "pgbackrest-in-china": {
        "PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://shop/odd*name",
        "AWS_DEFAULT_REGION": "cn-north-1",
        **STANZA,
    },
    "rds-instance": {"PRESYNC_BACKUP_SOURCE": "rds:shop", **EUROPE},
    "rds-cluster": {"PRESYNC_BACKUP_SOURCE": "rds:cluster/aur", "AWS_REGION": "us-gov-west-1"},
    "rds-in-any-region": {"PRESYNC_BACKUP_SOURCE": "rds:shop"},
    "rds-instance-with-snapshots": {
        "PRESYNC_BACKUP_SOURCE": "rds:shop",
        "PRESYNC_BACKUP_TRIGGER": "rds-snapshot",
        **EUROPE,
    },
    "rds-cluster-with-snapshots": {
        "PRESYNC_BACKUP_SOURCE": "rds:cluster/aur",
        "PRESYNC_BACKUP_TRIGGER": "rds-snapshot",
        **EUROPE,
    },
}


def _settings(environment: dict[str, str]) -> Settings:
    return load_settings(Inputs(environment=environment), Need.ANY_DATABASE)


def _assert_golden(name: str, policy: str) -> None:
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(f"{policy}\n", encoding="utf-8")
    assert f"{policy}\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_policy_is_that_of_the_configuration(name: str) -> None:
    """Bucket, prefix, stanza, instance and region are this configuration's own."""
    environment = CASES[name]
    _assert_golden(name, render_policy(_settings(environment), environment))


OFF = {"PRESYNC_ARCHIVE_POLICY": "off", "PRESYNC_MARKER_POLICY": "off"}


@pytest.mark.parametrize("system", ["pgbackrest", "walg", "barman"])
def test_policy_has_nothing_of_wal_that_nobody_looks_at(system: str) -> None:
    """A marker needs the segments, and only the archive gate the history of timelines."""
    source = {"PRESYNC_BACKUP_SOURCE": f"{system}:s3://shop/pg", **STANZA}
    marker_only = {"PRESYNC_ARCHIVE_POLICY": "off"}

    def policy(environment: dict[str, str]) -> str:
        return render_policy(_settings(source | environment), EUROPE)

    everything, marked, neither = policy({}), policy(marker_only), policy(OFF)
    assert ".history" in everything
    assert ".history" not in marked
    assert policy({"PRESYNC_MARKER_POLICY": "off"}) == everything
    if system == "barman":
        assert neither == marked  # a backup that waits for WAL needs to have it
    else:
        assert ("archive" in neither, "wal_005" in neither) == (False, False)
        assert ("archive" in marked) != ("wal_005" in marked)


@pytest.mark.parametrize(
    "environment",
    [
        {"PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://shop/pg", **STANZA},
        {"PRESYNC_BACKUP_SOURCE": "rds:shop", "PRESYNC_BACKUP_TRIGGER": "rds-snapshot"},
        {"PRESYNC_BACKUP_SOURCE": "dump:s3://shop/dumps"},
    ],
    ids=["pgbackrest", "rds", "dump"],
)
def test_backups_may_be_read_whatever_the_policies_are(environment: dict[str, str]) -> None:
    """In front of what destroys data they are asked for, and made if that is wanted."""
    quiet = render_policy(_settings(environment | OFF), EUROPE)
    silent = environment | OFF | {"PRESYNC_BACKUP_POLICY": "off"}
    assert render_policy(_settings(silent), EUROPE) == quiet


@pytest.mark.parametrize("system", [BackupSystem.WALG, BackupSystem.BARMAN, BackupSystem.DUMP])
def test_policy_of_a_system_names_what_it_keeps_where(system: BackupSystem) -> None:
    """Each system has a layout of its own."""
    settings = _settings(STANZA)
    source = BackupSource(system, S3Location("shop", "backups"))
    settings = settings._replace(backup=settings.backup._replace(source=source))
    _assert_golden(system.value, render_policy(settings, EUROPE))


def test_policy_of_dumps_that_are_made_allows_to_put_them() -> None:
    """And nothing may be deleted, or overwritten elsewhere."""
    settings = _settings(STANZA)
    backup = settings.backup._replace(
        source=BackupSource(BackupSystem.DUMP, S3Location("shop", "dumps")),
        trigger=DumpTrigger(S3Location("shop", "dumps/presync")),
    )
    _assert_golden("dump-that-is-made", render_policy(settings._replace(backup=backup), EUROPE))


@pytest.mark.parametrize(
    ("place", "resource"),
    [
        ("reports/last.json", "reports/last.json"),
        ("reports/odd*name?.json", "reports/odd${*}name${?}.json"),
        ("reports/$shop/", "reports/${$}shop/*.json"),
    ],
)
def test_policy_allows_to_put_the_report_and_nothing_else(place: str, resource: str) -> None:
    """One key or one folder, whatever else is in the bucket and in its name."""
    report = {"PRESYNC_REPORT": f"s3://shop/{place}"}
    document = json.loads(render_policy(_settings(report), {"AWS_REGION": "cn-north-1"}))
    statement = {
        "Sid": "WriteReport",
        "Effect": "Allow",
        "Action": ["s3:PutObject"],
        "Resource": [f"arn:aws-cn:s3:::shop/{resource}"],
    }
    assert document["Statement"] == [statement]
    both = json.loads(render_policy(_settings(CASES["pgbackrest"] | report), EUROPE))
    assert [item["Sid"] for item in both["Statement"]] == [
        "ListBackups",
        "ReadMetadata",
        "WriteReport",
    ]


def test_policy_of_a_job_needs_nothing_in_aws() -> None:
    """The rights to make a Job are given in Kubernetes."""
    plain = CASES["pgbackrest"]
    with_job = {**plain, "PRESYNC_BACKUP_TRIGGER": "job:ops/backup"}
    assert render_policy(_settings(with_job), {}) == render_policy(_settings(plain), {})


def test_policy_file_belongs_to_a_case() -> None:
    """No file is left over from a case that is gone."""
    systems = {"walg", "barman", "dump", "dump-that-is-made"}
    assert {path.stem for path in GOLDEN.iterdir()} == {*CASES, *systems}


@pytest.mark.parametrize("source", ["none", "pgbackrest:/repository", ""])
def test_policy_is_refused_where_nothing_is_in_aws(source: str) -> None:
    """IAM knows no empty policy, and a broad one would be wrong."""
    settings = _settings({"PRESYNC_BACKUP_SOURCE": source, **STANZA} if source else {})
    with pytest.raises(ConfigError, match="names nothing in AWS"):
        render_policy(settings, {})


def test_policy_of_a_stanza_needs_its_name() -> None:
    """Without it the policy would have to allow every stanza."""
    settings = _settings({"PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://shop"})
    with pytest.raises(ConfigError, match="PRESYNC_BACKUP_STANZA is not set"):
        render_policy(settings, {})


def test_policy_is_one_that_iam_reads() -> None:
    """JSON with the version of the language, and every statement with a name of its own."""
    policy = json.loads(render_policy(_settings(CASES["pgbackrest"]), EUROPE))
    names = [statement["Sid"] for statement in policy["Statement"]]
    assert policy["Version"] == "2012-10-17"
    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names)


def test_partition_of_each_region_is_that_which_boto3_knows() -> None:
    """A policy with the names of another part of AWS allows nothing."""
    session = boto3.Session()
    for partition in session.get_available_partitions():
        regions = session.get_available_regions("s3", partition)
        assert regions
        assert {Region(name).partition for name in regions} == {partition}


def test_key_of_kms_is_a_note() -> None:
    """Which key it is only the bucket knows; RDS needs none."""
    (note,) = policy_notes(_settings(CASES["pgbackrest"]))
    assert "kms:Decrypt" in note
    assert policy_notes(_settings(CASES["rds-instance"])) == ()
