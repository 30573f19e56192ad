"""The printed policies for Barman and for dumps: enough for the gates, and each line needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hook.catalogs.barman import BarmanCatalog
from hook.catalogs.dump import DumpCatalog
from hook.core.backups.wal import Recovery, Segment
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.triggers.multipart import Upload
from tests.contract.conftest import Place
from tests.testbed.barman_server import FIRST, LAST, NEWEST, SERVER, fresh_server
from tests.testbed.dump_place import DumpPlace
from tests.testbed.iam_authority import Authority, policy_statements, watched_store

SIZE = 2**24
# Across timelines, so that the history is read too.
ACROSS = Recovery(Segment(1, FIRST), FIRST * SIZE + 312, Segment(2, LAST), SIZE)
Statements = list[dict[str, Any]]


@pytest.fixture
def of_barman(s3_place: Place) -> Statements:
    """Put a server into the bucket, promoted once, and return the statements of its policy."""
    server = fresh_server(s3_place.root)
    (server.folder / "wals" / "00000002.history").write_bytes(b"1\t0/33000000\tx\n")
    return policy_statements(
        PRESYNC_BACKUP_SOURCE=f"barman:{s3_place.url}", PRESYNC_BACKUP_STANZA=SERVER
    )


def _read_barman(place: Place, authority: Authority, server: str = SERVER) -> None:
    """Do what all gates do to a server."""
    catalog = BarmanCatalog(watched_store(place.url, place.settings, authority), server)
    assert catalog.read_evidence().backups
    assert not catalog.read_archive(ACROSS).missing_history
    assert catalog.has_segment(ACROSS.start.name(SIZE))


def test_policy_of_barman_is_enough_and_not_too_much(
    s3_place: Place, of_barman: Statements
) -> None:
    """In a bucket and as Barman itself lays it; a wrong name is told with those that are there."""
    authority = Authority(of_barman)
    _read_barman(s3_place, authority)
    server = fresh_server(s3_place.root / "moved")
    meta = s3_place.root / SERVER / "meta"
    meta.mkdir()
    server.info(NEWEST).rename(meta / f"{NEWEST}-backup.info")
    _read_barman(s3_place, authority)
    with pytest.raises(BackupUnknown, match=r"s3:ListBucket on arn:aws:s3:::\S+ for s3://\S+"):
        _read_barman(s3_place, authority, "other")
    shutil.rmtree(s3_place.root / SERVER)
    with pytest.raises(BackupSourceMissing, match="there is no Barman server shop"):
        _read_barman(s3_place, authority)
    assert authority.patterns() - authority.used == set()


@pytest.mark.parametrize(
    ("sid", "named"),
    [
        ("ListBackups", r"s3:ListBucket on arn:aws:s3:::bucket-\w+ for s3://"),
        ("ReadMetadata", r"s3:GetObject on arn:aws:s3:::bucket-\w+/repo/shop/base/\S+/backup.info"),
    ],
)
def test_every_statement_for_barman_is_needed(
    s3_place: Place, of_barman: Statements, sid: str, named: str
) -> None:
    """Without it the gate cannot tell, and names the action that is missing."""
    _assert_needed(of_barman, sid, named, lambda authority: _read_barman(s3_place, authority))


def _assert_needed(
    statements: Statements, sid: str, named: str, read: Callable[[Authority], object]
) -> None:
    left = [item for item in statements if item["Sid"] != sid]
    assert len(left) == len(statements) - 1
    with pytest.raises(BackupUnknown, match=rf"^{named}.* is denied") as caught:
        read(Authority(left))
    assert "presync config --iam-policy" in caught.value.hint


def test_timeline_history_of_barman_is_a_right_of_its_own(
    s3_place: Place, of_barman: Statements
) -> None:
    """Less than the whole statement is not enough either."""
    _assert_named_without(of_barman, "wals/", lambda authority: _read_barman(s3_place, authority))


def _assert_named_without(
    statements: Statements, part: str, read: Callable[[Authority], object]
) -> None:
    """Take the one resource with *part* out, and see that what is read is refused by name."""
    left = [
        {**item, "Resource": [one for one in item["Resource"] if part not in one]}
        for item in statements
    ]
    assert left != statements
    with pytest.raises(BackupUnknown, match=rf"s3:GetObject on arn:aws:s3:::\S*{part}\S* is den"):
        read(Authority(left))


@pytest.fixture
def of_dumps(s3_place: Place) -> Statements:
    """Put dumps into the bucket, and return the statements of the policy to read and make them."""
    place = DumpPlace(s3_place.root)
    place.add("shop-{}.dump", "custom.dump")
    place.add_directory("2026/crm-{}")
    return policy_statements(
        PRESYNC_BACKUP_SOURCE=f"dump:{s3_place.url}",
        PRESYNC_BACKUP_TRIGGER=f"dump:{s3_place.url}",
    )


def _read_dumps(place: Place, authority: Authority) -> None:
    assert DumpCatalog(watched_store(place.url, place.settings, authority)).read_evidence().backups


def _make_dump(place: Place, authority: Authority) -> None:
    """Upload a dump, and begin another one that is given up."""
    bucket = place.url.removeprefix("s3://").partition("/")[0]
    client = watched_store(place.url, place.settings, authority)._client
    with Upload(lambda: client, bucket, "repo/shop/20261129T140821Z.dump") as upload:
        upload.send(b"dump")
        upload.complete(4)
    with Upload(lambda: client, bucket, "repo/shop/20261129T140822Z.dump"):
        pass


def test_policy_of_dumps_is_enough_and_not_too_much(s3_place: Place, of_dumps: Statements) -> None:
    """All are looked into, one is made and another taken back; nothing is allowed beside."""
    authority = Authority(of_dumps)
    _read_dumps(s3_place, authority)
    _make_dump(s3_place, authority)
    assert authority.patterns() - authority.used == set()
    elsewhere = replace(s3_place, url=s3_place.url.replace("/repo", "/other"))
    with pytest.raises(BackupUnknown, match=r"^s3:ListBucket on \S+ for s3://\S+/other is denied"):
        _read_dumps(elsewhere, authority)


@pytest.mark.parametrize(
    ("sid", "named", "act"),
    [
        ("ListBackups", r"s3:ListBucket on arn:aws:s3:::bucket-\w+ for s3://", _read_dumps),
        ("ReadMetadata", r"s3:GetObject on arn:aws:s3:::bucket-\w+/repo/\S+", _read_dumps),
        ("WriteDumps", r"s3:PutObject on arn:aws:s3:::bucket-\w+/repo/shop/\S+\.dump", _make_dump),
    ],
)
def test_every_statement_for_dumps_is_needed(
    s3_place: Place,
    of_dumps: Statements,
    sid: str,
    named: str,
    act: Callable[[Place, Authority], None],
) -> None:
    """Without it a dump is neither seen nor made, and the action that is missing is named."""
    _assert_needed(of_dumps, sid, named, lambda authority: act(s3_place, authority))
