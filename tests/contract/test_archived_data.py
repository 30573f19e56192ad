"""Data of a backup that a lifecycle rule moved into another storage class, in S3 as moto plays it.

The other tests ask a server that keeps no storage classes.
"""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode
from hook.settings.backup_source import S3Settings
from tests.contract.conftest import Place
from tests.testbed.backup_gate import fresh_repository, run_gate
from tests.testbed.pgbackrest_repository import FULL, INCREMENTAL

BUCKET = "backups"
STANZA = "repo/backup/app"


def _verdict(place: Place, **classes: str) -> tuple[Finding, ...]:
    """Return what the gate finds of the recorded repository, some objects of it moved."""
    fresh_repository(place.root)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        for path in place.root.rglob("*"):
            if path.is_file():
                key = f"repo/{path.relative_to(place.root)}"
                kind = classes.get(key.removeprefix(f"{STANZA}/"), "STANDARD")
                client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes(), StorageClass=kind)
        return run_gate(f"s3://{BUCKET}/repo", S3Settings())


@pytest.fixture
def place(directory_place: Place, credentials: None) -> Place:  # noqa: ARG001 - sets them
    """Return a place for the files that are put into the bucket."""
    return directory_place


@pytest.mark.parametrize("kind", ["GLACIER", "DEEP_ARCHIVE"])
def test_full_backup_whose_bundle_was_archived_leaves_nothing(place: Place, kind: str) -> None:
    """Both manifests are there and can be read, and no restore ends before somebody thaws."""
    findings = _verdict(place, **{f"{FULL}/bundle/1": kind})
    decided = deciding_finding(findings)
    assert decided is not None
    assert (decided.code, decided.status) == (ExitCode.NO_WAY_BACK, Status.FAILED)
    for label in (INCREMENTAL, FULL):
        told = f"{label} bundle/1 of {FULL} lies in an archive storage class"
        assert told in decided.message


def test_newest_backup_whose_file_was_archived_is_passed_over(place: Place) -> None:
    """The one before it counts, and why it had to is told."""
    name = "pg_data/backup_label.zst"
    warned, passed = _verdict(place, **{f"{INCREMENTAL}/{name}": "DEEP_ARCHIVE"})
    assert warned.status is Status.WARNED
    assert f"{name} of {INCREMENTAL} lies in an archive storage class" in warned.message
    assert f"newest usable backup {FULL} (full)" in passed.message


@pytest.mark.parametrize("kind", ["STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING"])
def test_data_that_can_be_read_at_once_counts(place: Place, kind: str) -> None:
    """Cheaper is not archived."""
    (passed,) = _verdict(place, **{f"{FULL}/bundle/1": kind, f"{INCREMENTAL}/bundle/1": kind})
    assert passed.status is Status.PASSED


def test_archived_manifest_is_not_asked_for(place: Place) -> None:
    """S3 would refuse to send it."""
    warned, passed = _verdict(place, **{f"{INCREMENTAL}/backup.manifest": "GLACIER"})
    assert f"backup.manifest of {INCREMENTAL} lies in an archive storage class" in warned.message
    assert f"newest usable backup {FULL} (full)" in passed.message
