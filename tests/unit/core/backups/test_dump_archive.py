"""The head of recorded archives, and every way in which one can be cut."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.dump_archive import (
    MAGIC,
    DumpCut,
    DumpDamaged,
    Offset,
    lacks_data,
    parse_dump_head,
)
from hook.core.backups.dump_blocks import block_begins, block_end, last_block, walk_blocks
from tests.testbed.dump_place import SAMPLES

CUSTOM = (SAMPLES / "custom.dump").read_bytes()
PIPED = (SAMPLES / "piped.dump").read_bytes()
NEWER = (SAMPLES / "custom-18.dump").read_bytes()
DIRECTORY = (SAMPLES / "directory/toc.dat").read_bytes()


class Bytes:
    """A `Source` of bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        found = self._data[self._at : self._at + size]
        self._at += len(found)
        return found

    def skip(self, size: int) -> None:
        """Pass over some."""
        self._at += size


def test_parse_reads_the_head_of_a_custom_archive() -> None:
    """Whose it is, when it began, and where its data lies."""
    head = parse_dump_head(CUSTOM)
    assert (head.is_custom, head.database) == (True, "shop")
    assert head.created_at is not None
    assert head.created_at.tzinfo is None
    kinds = [(entry.kind, entry.place) for entry in head.data]
    assert kinds == [
        ("TABLE DATA", Offset.SET),
        ("TABLE DATA", Offset.SET),
        ("BLOBS", Offset.SET),
    ]
    assert head.end == min(entry.offset for entry in head.data)


def test_parse_reads_the_newest_version() -> None:
    """PostgreSQL 17 and 18 tell one number more of each entry."""
    head = parse_dump_head(NEWER)
    assert (head.database, head.created_at) == ("shop", datetime(2026, 11, 21, 19, 24, 47))  # noqa: DTZ001 - the zone is not told
    assert [entry.place for entry in head.data] == [Offset.SET, Offset.SET]


def test_parse_reads_the_files_of_a_directory() -> None:
    """Instead of places it tells names."""
    head = parse_dump_head(DIRECTORY)
    assert not head.is_custom
    assert [entry.file for entry in head.data] == ["3346.dat", "3347.dat", "blobs.toc"]


@pytest.mark.parametrize("data", [CUSTOM, PIPED, NEWER, DIRECTORY])
def test_parse_asks_for_more_of_a_head_that_is_cut(data: bytes) -> None:
    """Wherever it was cut, also between two entries."""
    end = parse_dump_head(data).end
    for length in range(end):
        with pytest.raises(DumpCut):
            parse_dump_head(data[:length])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"hello world", "is no archive of pg_dump"),
        (MAGIC + bytes([1, 11, 0, 4, 8, 1]), "is of archive version 1.11, which is not known"),
        (MAGIC + bytes([1, 17, 0, 4, 8, 1]), "is of archive version 1.17, which is not known"),
        (MAGIC + bytes([1, 14, 0, 4, 8, 5]), "has a damaged header"),
        (MAGIC + bytes([1, 14, 0, 99, 8, 1]), "has a damaged header"),
    ],
)
def test_parse_refuses_what_it_does_not_know(data: bytes, problem: str) -> None:
    """By the words of the refusal."""
    with pytest.raises(DumpDamaged, match=problem):
        parse_dump_head(data + bytes(100))


def test_parse_refuses_a_damaged_table_of_contents() -> None:
    """A number of entries below zero, or a place of a kind that does not exist."""
    count = CUSTOM.index(b"1)\x00") + 2
    count = CUSTOM.index(b"1)\x00", count) + 2  # behind the second version
    with pytest.raises(DumpDamaged, match="damaged table of contents"):
        parse_dump_head(CUSTOM[:count] + b"\x01" + CUSTOM[count + 1 :])
    state = parse_dump_head(CUSTOM).end - 9
    with pytest.raises(DumpDamaged, match="damaged table of contents"):
        parse_dump_head(CUSTOM[:state] + b"\x09" + CUSTOM[state + 1 :])


def test_parse_takes_no_nonsense_for_a_time() -> None:
    """The time is of use only where it can be one."""
    month = 16 + 4 * 5 + 1
    head = parse_dump_head(CUSTOM[:month] + b"\x63" + CUSTOM[month + 1 :])
    assert head.created_at is None


@given(st.binary(max_size=200))
def test_parse_of_any_bytes_raises_its_own_errors(data: bytes) -> None:
    """Nobody vouches for what lies in a bucket."""
    with pytest.raises((DumpCut, DumpDamaged)):
        parse_dump_head(data)
    with pytest.raises((DumpCut, DumpDamaged)):
        parse_dump_head(CUSTOM[:40] + data)


def test_schema_only_dump_lacks_data() -> None:
    """Tables that are defined and not filled; a database without tables lacks nothing."""
    schema = parse_dump_head((SAMPLES / "schema.dump").read_bytes())
    assert lacks_data(schema) == "defines 2 tables and holds the data of none"
    assert lacks_data(schema._replace(entries=())) == ""
    assert lacks_data(parse_dump_head(CUSTOM)) == ""


def test_last_block_is_told_only_where_all_are() -> None:
    """A pipe cannot be gone back in, and a killed pg_dump never comes to it."""
    custom = parse_dump_head(CUSTOM)
    last = last_block(custom)
    assert last is not None
    assert CUSTOM[last.offset :].startswith(block_begins(custom, last))
    assert CUSTOM.endswith(block_end(custom, CUSTOM[last.offset :]))
    assert last_block(parse_dump_head(PIPED)) is None


@pytest.mark.parametrize("data", [CUSTOM, PIPED, NEWER])
def test_walk_finds_the_block_of_each_entry(data: bytes) -> None:
    """Tables and large objects, up to the very end."""
    head = parse_dump_head(data)
    assert walk_blocks(Bytes(data[head.end :]), head) == {item.dump_id for item in head.data}


def test_walk_notices_every_cut() -> None:
    """Either it ends within a block, or a block is missing."""
    head = parse_dump_head(PIPED)
    wanted = {item.dump_id for item in head.data}
    for length in range(len(PIPED) - head.end):
        try:
            found = walk_blocks(Bytes(PIPED[head.end :][:length]), head)
        except DumpCut:
            continue
        assert found < wanted


@pytest.mark.parametrize("data", [b"\x07" + bytes(20), b"\x01\x00\x01\x00\x00\x00\x01" + bytes(9)])
def test_walk_refuses_what_is_no_block(data: bytes) -> None:
    """A kind that does not exist, a length below zero."""
    with pytest.raises(DumpDamaged, match="damaged data block"):
        walk_blocks(Bytes(data), parse_dump_head(PIPED))
