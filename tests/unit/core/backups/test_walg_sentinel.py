"""Sentinels of WAL-G, as recorded and in every damaged form."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hook.core.backups.walg_sentinel import (
    Damaged,
    FilesMetadata,
    parse_backup_name,
    parse_files_metadata,
    parse_sentinel,
    parse_times,
)
from tests.testbed.walg_repository import DELTA, ERRORED, FULL, NEWEST, SAMPLES, SYSTEM_IDENTIFIER

BACKUPS = SAMPLES / "small-repo/basebackups_005"


def _sentinel(**values: object) -> bytes:
    return json.dumps({"LSN": 1, "FinishLSN": 2, **values}).encode()


def test_sentinel_of_a_delta_is_read() -> None:
    """It names the backup before it and the first one, and positions are plain numbers."""
    sentinel = parse_sentinel((BACKUPS / f"{NEWEST}_backup_stop_sentinel.json").read_bytes())
    assert sentinel.delta_from == (DELTA, FULL)
    assert sentinel.lsn_stop == "0/8000100"
    assert sentinel.system_identifier == SYSTEM_IDENTIFIER
    assert sentinel.stopped_at == datetime(2026, 11, 29, 13, 54, 40, 141439, UTC)
    assert sentinel.has_files_metadata
    assert sentinel.has_control_part


def test_sentinel_of_a_full_backup_names_no_other() -> None:
    """A full backup rests on itself."""
    sentinel = parse_sentinel((BACKUPS / f"{FULL}_backup_stop_sentinel.json").read_bytes())
    assert sentinel.delta_from == ()


def test_old_sentinel_holds_the_list_of_files() -> None:
    """Before version 2 there is no time in it, and no other file beside it."""
    files = {"/a": {"MTime": "x", "CorruptBlocks": {"CorruptBlocksCount": 2}}, "/b": {"MTime": ""}}
    sentinel = parse_sentinel(_sentinel(Files=files, TarFileSets={"part_1.tar.lz4": ["/a"]}))
    assert sentinel.stopped_at is None
    assert not sentinel.has_files_metadata
    assert not sentinel.has_control_part
    assert sentinel.files == FilesMetadata(frozenset({"part_1.tar.lz4"}), damaged=1)


def test_time_that_was_never_set_is_none() -> None:
    """Go writes the first of January of the year 1, and zones are followed."""
    zero = parse_sentinel(_sentinel(FinishTime="0001-01-01T00:00:00Z"))
    zoned = parse_sentinel(_sentinel(FinishTime="2026-11-29T21:54:40+08:00"))
    naive = parse_sentinel(_sentinel(FinishTime="2026-11-29T21:54:40"))
    assert zero.stopped_at is naive.stopped_at is None
    assert zoned.stopped_at == datetime(2026, 11, 29, 13, 54, 40, tzinfo=UTC)


def test_empty_object_says_nothing() -> None:
    """What is not there is not known, and no reason to fail."""
    sentinel = parse_sentinel(b"{}")
    assert (sentinel.lsn_stop, sentinel.system_identifier, sentinel.stopped_at) == (None,) * 3


def test_times_are_also_in_the_metadata() -> None:
    """A small file of its own, for old sentinels."""
    started, stopped = parse_times((BACKUPS / FULL / "metadata.json").read_bytes())
    assert started is not None
    assert stopped is not None
    assert started < stopped


def test_damaged_pages_and_archives_are_in_the_list_of_files() -> None:
    """Of a file nothing else is kept."""
    errored = parse_files_metadata((BACKUPS / ERRORED / "files_metadata.json").read_bytes())
    parts = frozenset({"part_001.tar.lz4", "backup_label.tar.lz4"})
    assert errored == FilesMetadata(parts, damaged=1)
    good = parse_files_metadata((BACKUPS / FULL / "files_metadata.json").read_bytes())
    assert good == FilesMetadata(parts, damaged=0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON (truncated?)"),
        (b"\xff\xfe\xff", "not JSON (truncated?)"),
        (b"[" * 100_000, "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"MTime": ""}', "not a JSON object"),
        (_sentinel(Version="2"), "Version is '2'"),
        (_sentinel(SystemIdentifier="7"), "SystemIdentifier is '7'"),
        (_sentinel(FinishLSN=-1), "FinishLSN is -1"),
        (_sentinel(FinishLSN=True), "FinishLSN is True"),
        (_sentinel(FinishLSN=2**64), "FinishLSN is 18446744073709551616"),
        (_sentinel(FinishTime="yesterday"), "FinishTime is 'yesterday'"),
        (_sentinel(FinishTime="9999-12-31T23:00:00-14:00"), "FinishTime is '9999-12-31"),
        (_sentinel(DeltaFrom=7), "7 is not the name of a backup"),
        (_sentinel(DeltaFrom="../base"), "'../base' is not the name of a backup"),
        (_sentinel(Files=[1]), "its list of files is none"),
        (_sentinel(TarFileSets="x"), "its list of files is none"),
    ],
)
def test_damaged_sentinel_says_how(data: bytes, reason: str) -> None:
    """Nothing is read by half."""
    with pytest.raises(Damaged) as caught:
        parse_sentinel(data)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        (FULL, "000000010000000000000004"),
        (DELTA, "000000010000000000000006"),
        (f"{FULL}_00000028", "000000010000000000000004"),
        ("stream_20261129T000000Z", None),
        ("base_", None),
        (f"{FULL}/..", None),
        (f"{FULL}\n", None),
    ],
)
def test_name_of_a_backup_tells_where_it_begins(name: str, segment: str | None) -> None:
    """Names become parts of object names, so nothing else is one."""
    assert parse_backup_name(name) == segment
