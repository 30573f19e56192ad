"""Decodes LZ4 frames of a few kilobytes.

WAL-G compresses with LZ4 unless told otherwise, also the timeline history file, which is all
that is read of an archive. For its hundred bytes no compiled package is needed.
https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
"""

from __future__ import annotations

_MAGIC = b"\x04\x22\x4d\x18"
_VERSION_MASK, _VERSION = 0xC0, 0x40
_HAS_BLOCK_CHECKSUM, _HAS_SIZE, _HAS_DICTIONARY = 0x10, 0x08, 0x01
_IS_STORED = 0x80000000
_SHORTEST_MATCH = 4
_MORE = 15
_MORE_STILL = 255


def decode_lz4(data: bytes, limit: int) -> bytes:
    """Return the content of the frame *data*; its checksums are not verified.

    Raises:
        ValueError: It is no such frame, it is cut off, or it holds more than *limit* bytes.
    """
    try:
        return _decode_frame(data, limit)
    except IndexError:
        raise ValueError("cut off") from None


def _decode_frame(data: bytes, limit: int) -> bytes:
    flags = data[4]
    if data[:4] != _MAGIC or flags & _VERSION_MASK != _VERSION or flags & _HAS_DICTIONARY:
        raise ValueError("not an LZ4 frame that can be read")
    at = 7 + (8 if flags & _HAS_SIZE else 0)
    output = bytearray()
    while size := _unsigned(data, at, 4):
        end = at + 4 + (size & ~_IS_STORED)
        block = data[at + 4 : end]
        if end > len(data):
            raise ValueError("cut off")
        if size & _IS_STORED:
            output += block
        else:
            _decode_block(block, output, limit)
        if len(output) > limit:
            raise ValueError(f"longer than {limit} bytes")
        at = end + (4 if flags & _HAS_BLOCK_CHECKSUM else 0)
    return bytes(output)


def _decode_block(block: bytes, output: bytearray, limit: int) -> None:
    """Append what *block* stands for: literals, and copies of what came before."""
    at = 0
    while True:
        token = block[at]
        count, at = _count(block, at + 1, token >> 4)
        if at + count > len(block):
            raise ValueError("cut off")
        output += block[at : at + count]
        at += count
        if at == len(block):
            return
        distance = _unsigned(block, at, 2)
        length, at = _count(block, at + 2, token & _MORE)
        _copy(output, distance, length + _SHORTEST_MATCH, limit)


def _copy(output: bytearray, distance: int, length: int, limit: int) -> None:
    """Append *length* bytes from *distance* bytes back, which may overlap."""
    if not 0 < distance <= len(output):
        raise ValueError("a copy from before the beginning")
    if len(output) + length > limit:
        raise ValueError(f"longer than {limit} bytes")
    start = len(output) - distance
    for at in range(start, start + length):
        output.append(output[at])


def _count(block: bytes, at: int, first: int) -> tuple[int, int]:
    """Return the count whose beginning is *first*, and where what follows it begins."""
    count = first
    if first == _MORE:
        while True:
            more, at = block[at], at + 1
            count += more
            if more != _MORE_STILL:
                break
    return count, at


def _unsigned(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise ValueError("cut off")
    return int.from_bytes(data[at : at + width], "little")
