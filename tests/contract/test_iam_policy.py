"""The printed policy is enough for the gates, and every statement of it is needed."""

from __future__ import annotations

import json
import shutil
from typing import Any

import boto3
import pytest
from moto import mock_aws

from hook.catalogs.pgbackrest import PgBackRestCatalog
from hook.catalogs.walg import WalGCatalog
from hook.core.backups.wal import Recovery, Segment, parse_segment
from hook.demo.repository import STANZA
from hook.errors import BackupSourceMissing, BackupUnknown
from tests.contract.conftest import Place
from tests.testbed.backup_gate import fresh_repository
from tests.testbed.iam_authority import Authority, policy_statements, watched_store
from tests.testbed.walg_repository import SAMPLES as WALG_SAMPLES
from tests.testbed.walg_repository import fresh_prefix

SEGMENT = 2**24
Statements = list[dict[str, Any]]


def _read_repository(place: Place, authority: Authority, stanza: str = STANZA) -> None:
    """Do what both gates do to a repository, its timeline history included."""
    catalog = PgBackRestCatalog(watched_store(place.url, place.settings, authority), stanza)
    catalog.read_evidence()
    first, last = (
        parse_segment(name, SEGMENT)
        for name in ("000000010000000000000020", "000000020000000000000025")
    )
    assert first is not None
    assert last is not None
    for end in (first._replace(number=first.number + 3), last):
        catalog.read_archive(Recovery(first, first.number * SEGMENT, end, SEGMENT))


@pytest.fixture
def repository(s3_place: Place) -> Statements:
    """Put a repository into the bucket and return the statements of its policy."""
    fresh_repository(s3_place.root)
    source = f"pgbackrest:{s3_place.url}"
    return policy_statements(PRESYNC_BACKUP_SOURCE=source, PRESYNC_BACKUP_STANZA=STANZA)


def test_policy_of_a_bucket_is_enough_and_not_too_much(
    s3_place: Place, repository: Statements
) -> None:
    """Both gates work, a wrong stanza is told as such, and no pattern is without use."""
    authority = Authority(repository)
    _read_repository(s3_place, authority)
    with pytest.raises(BackupUnknown, match=r"s3:GetObject on arn:aws:s3:::\S+ is denied"):
        _read_repository(s3_place, authority, "other")
    for path in s3_place.root.glob("backup/*/backup.info*"):
        path.unlink()
    with pytest.raises(BackupSourceMissing, match=r"has no backup\.info"):
        _read_repository(s3_place, authority)
    shutil.rmtree(s3_place.root / "backup" / STANZA)
    with pytest.raises(BackupSourceMissing, match="there is no pgBackRest stanza"):
        _read_repository(s3_place, authority)
    assert authority.patterns() - authority.used == set()


@pytest.mark.parametrize(
    ("sid", "named"),
    [
        ("ListBackups", r"s3:ListBucket on arn:aws:s3:::bucket-\w+ for s3://"),
        ("ReadMetadata", r"s3:GetObject on arn:aws:s3:::bucket-\w+/repo/backup/\S+"),
    ],
)
def test_every_statement_for_a_bucket_is_needed(
    s3_place: Place, repository: Statements, sid: str, named: str
) -> None:
    """Without it the gate cannot tell, and names the action that is missing."""
    left = [item for item in repository if item["Sid"] != sid]
    assert len(left) == len(repository) - 1
    with pytest.raises(BackupUnknown, match=rf"^{named}.* is denied") as caught:
        _read_repository(s3_place, Authority(left))
    assert "presync config --iam-policy" in caught.value.hint


def test_manifest_is_a_right_of_its_own(s3_place: Place, repository: Statements) -> None:
    """Without it nobody can tell whether the data behind a manifest is there."""
    left = [
        {**item, "Resource": [one for one in item["Resource"] if "backup.manifest" not in one]}
        for item in repository
    ]
    assert left != repository
    told = r"s3:GetObject on arn:aws:s3:::\S+/backup\.manifest is denied"
    with pytest.raises(BackupUnknown, match=told):
        _read_repository(s3_place, Authority(left))


def test_policy_of_walg_is_enough_and_not_too_much(s3_place: Place) -> None:
    """Sentinels, lists, WAL and timeline history are read, and nothing is allowed beside."""
    prefix = fresh_prefix(s3_place.root)
    (prefix.wal / "00000002.history.lz4").write_bytes(
        (WALG_SAMPLES / "00000002.history.lz4").read_bytes()
    )
    authority = Authority(policy_statements(PRESYNC_BACKUP_SOURCE=f"walg:{s3_place.url}"))
    catalog = WalGCatalog(watched_store(s3_place.url, s3_place.settings, authority))
    assert catalog.read_evidence().backups
    across = Recovery(Segment(1, 0x8), 0x8000100, Segment(2, 0xE), SEGMENT)
    assert not catalog.read_archive(across).missing_history
    shutil.rmtree(prefix.backups)
    with pytest.raises(BackupSourceMissing):
        catalog.read_evidence()
    assert authority.patterns() - authority.used == set()


def test_policy_is_one_that_iam_accepts(s3_place: Place, repository: Statements) -> None:
    """A policy is checked for its grammar, which moto knows."""
    del s3_place
    with mock_aws():
        iam = boto3.client("iam", region_name="eu-central-1")
        document = json.dumps({"Version": "2012-10-17", "Statement": repository})
        made = iam.create_policy(PolicyName="p", PolicyDocument=document)
        assert made["Policy"]["IsAttachable"]
