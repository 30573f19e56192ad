"""Follows the data blocks of a custom-format archive, as far as its bytes go.

A block is a byte for its kind, the number of its entry, and pieces, each behind its length;
length zero ends it. A block of large objects holds such sequences behind the identifier of
each object, and identifier zero ends it. Nothing follows the last block.
"""

from __future__ import annotations

from typing import Protocol

from hook.core.backups.dump_archive import DumpCut, DumpDamaged, DumpEntry, DumpHead, Offset

_DATA = 1
_LARGE_OBJECTS = 3


class Source(Protocol):
    """The bytes of an archive from some place on."""

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end."""

    def skip(self, size: int) -> None:
        """Pass over *size* bytes, which need not all be there."""


def last_block(head: DumpHead) -> DumpEntry | None:
    """Return the entry whose data comes last, none when the archive does not tell.

    pg_dump fills in the places at its very end, if it can go back in its output; a pipe
    cannot. Where all are told it came to its end, and only a copy can have been cut.
    """
    if any(entry.place is not Offset.SET for entry in head.data):
        return None
    return max(head.data, key=lambda entry: entry.offset, default=None)


def block_begins(head: DumpHead, entry: DumpEntry) -> tuple[bytes, ...]:
    """Return what the block of *entry* may begin with."""
    number = b"\x00" + entry.dump_id.to_bytes(head.integer, "little")
    return tuple(bytes([kind]) + number for kind in (_DATA, _LARGE_OBJECTS))


def block_end(head: DumpHead, begin: bytes) -> bytes:
    """Return what the block that begins with *begin* ends with: one zero or two."""
    return bytes((1 + head.integer) * (2 if begin[0] == _LARGE_OBJECTS else 1))


def walk_blocks(source: Source, head: DumpHead) -> frozenset[int]:
    """Return the numbers of the entries whose whole block is in *source*.

    Raises:
        DumpCut: It ends within a block.
        DumpDamaged: What should be a block is none.
    """
    found: set[int] = set()
    while kind := source.read(1):
        number = _integer(source, head.integer)
        if kind[0] == _DATA:
            _pass_pieces(source, head.integer)
        elif kind[0] == _LARGE_OBJECTS:
            while _integer(source, head.integer):
                _pass_pieces(source, head.integer)
        else:
            raise DumpDamaged("has a damaged data block")
        found.add(number)
    return frozenset(found)


def _pass_pieces(source: Source, size: int) -> None:
    while length := _integer(source, size):
        source.skip(length)


def _integer(source: Source, size: int) -> int:
    raw = source.read(1 + size)
    if len(raw) <= size:
        raise DumpCut("ends within a data block")
    if raw[0]:
        raise DumpDamaged("has a damaged data block")
    return int.from_bytes(raw[1:], "little")
