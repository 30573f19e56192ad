"""Reads the head of an archive that pg_dump wrote: whose it is, and where its data lies.

The format is that of ``src/bin/pg_dump/pg_backup_archiver.c`` (``ReadHead``, ``ReadToc``) and
``pg_backup_custom.c``, archive versions 1.12 (PostgreSQL 9.0) to 1.16 (17 and 18). That all of
it is there ``pg_restore --list`` does not tell: it reads no further than this head.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"PGDMP"
OLDEST, NEWEST = (1, 12), (1, 16)
_TABLE_AM = (1, 14)
_COMPRESSION_BYTE = (1, 15)
_RELKIND = (1, 16)
_ENTRY_LIMIT = 10_000_000
_CUSTOM = 1
_TAR = 3
_WIDEST = 8


class DumpCut(ValueError):
    """The head goes on behind the bytes that were given."""


class DumpDamaged(ValueError):
    """The bytes are no archive of a known version."""


class Offset(IntEnum):
    """What an entry of a custom-format archive says of the place of its data."""

    NOT_SET = 1
    SET = 2
    NO_DATA = 3


class DumpEntry(NamedTuple):
    """One entry of the table of contents.

    Attributes:
        has_data: Whether data belongs to it, somewhere behind the table of contents.
        offset: In a custom-format archive, where its data begins.
        file: In the other formats, the file with its data.
    """

    dump_id: int
    kind: str
    has_data: bool
    place: Offset = Offset.NO_DATA
    offset: int = 0
    file: str = ""


class DumpHead(NamedTuple):
    """The header and the table of contents.

    Attributes:
        is_custom: Whether the data follows in the same file.
        created_at: When pg_dump began, in the local time of its host, none when it is no time.
        end: How long the head is.
        integer: Bytes of an integer, besides its sign.
    """

    is_custom: bool
    created_at: datetime | None
    database: str
    entries: tuple[DumpEntry, ...]
    end: int
    integer: int

    @property
    def data(self) -> tuple[DumpEntry, ...]:
        """Return the entries that have data."""
        return tuple(entry for entry in self.entries if entry.has_data)


class _Reader:
    """Takes integers and strings from *data*, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.at = 0
        self.version = NEWEST
        self.integer_size = 4
        self.offset_size = 8
        self.is_custom = True

    def take(self, size: int) -> memoryview:
        end = self.at + size
        if end > len(self._data):
            raise DumpCut("the head goes on")
        found = self._data[self.at : end]
        self.at = end
        return found

    def byte(self) -> int:
        return self.take(1)[0]

    def integer(self) -> int:
        raw = self.take(1 + self.integer_size)
        value = int.from_bytes(raw[1:], "little")
        return -value if raw[0] else value

    def text(self) -> str | None:
        size = self.integer()
        return None if size < 0 else bytes(self.take(size)).decode("utf-8", "replace")

    def skip_text(self) -> bool:
        """Pass over a string, and tell whether there was one."""
        size = self.integer()
        self.take(max(0, size))
        return size >= 0

    def skip_texts(self, count: int) -> None:
        for _ in range(count):
            self.skip_text()


def parse_dump_head(data: bytes) -> DumpHead:
    """Return what the archive that begins with *data* says of itself.

    Raises:
        DumpCut: More bytes are needed; where there are none, the archive was cut.
        DumpDamaged: It is no archive, or one that is not known.
    """
    reader = _Reader(data)
    if bytes(reader.take(len(MAGIC))) != MAGIC:
        raise DumpDamaged("is no archive of pg_dump")
    version = reader.version = (reader.byte(), reader.byte())
    reader.byte()
    reader.integer_size, reader.offset_size = reader.byte(), reader.byte()
    format_ = reader.byte()
    if not OLDEST <= version <= NEWEST:
        raise DumpDamaged(f"is of archive version {version[0]}.{version[1]}, which is not known")
    sizes = (reader.integer_size, reader.offset_size)
    if format_ not in {_CUSTOM, _TAR} or not all(0 < size <= _WIDEST for size in sizes):
        raise DumpDamaged("has a damaged header")
    if version >= _COMPRESSION_BYTE:
        reader.byte()
    else:
        reader.integer()
    created_at = _read_time(reader)
    database = reader.text() or ""
    reader.skip_text()
    reader.skip_text()
    count = reader.integer()
    if not 0 <= count <= _ENTRY_LIMIT:
        raise DumpDamaged("has a damaged table of contents")
    reader.is_custom = format_ == _CUSTOM
    entries = tuple(_read_entry(reader) for _ in range(count))
    return DumpHead(reader.is_custom, created_at, database, entries, reader.at, reader.integer_size)


def _read_time(reader: _Reader) -> datetime | None:
    second, minute, hour, day, month, year, _is_dst = (reader.integer() for _ in range(7))
    try:
        return datetime(year + 1900, month + 1, day, hour, minute, min(second, 59))  # noqa: DTZ001 - the zone is not told
    except (ValueError, OverflowError):
        return None


def _read_entry(reader: _Reader) -> DumpEntry:
    dump_id = reader.integer()
    has_data = reader.integer() != 0
    reader.skip_texts(3)  # catalog's identifier, object's identifier, tag
    kind = reader.text() or ""
    reader.integer()  # section
    # definition, drop, copy, schema, tablespace, and how the table is stored
    reader.skip_texts(5 + (reader.version >= _TABLE_AM))
    if reader.version >= _RELKIND:
        reader.integer()
    reader.skip_texts(2)  # owner, with oids
    while reader.skip_text():  # dependencies
        pass
    if not reader.is_custom:
        return DumpEntry(dump_id, kind, has_data, file=reader.text() or "")
    state = reader.byte()
    offset = int.from_bytes(reader.take(reader.offset_size), "little")
    if state not in set(Offset):
        raise DumpDamaged("has a damaged table of contents")
    return DumpEntry(dump_id, kind, has_data, Offset(state), offset)


def lacks_data(head: DumpHead) -> str:
    """Return what to say of a dump that defines tables and fills none, else nothing."""
    tables = sum(entry.kind == "TABLE" for entry in head.entries)
    if not tables or any(entry.kind == "TABLE DATA" for entry in head.entries):
        return ""
    return f"defines {tables} tables and holds the data of none"
