"""Unpacks small files, however a backup system or the server's archiver packed them."""

from __future__ import annotations

import bz2
import lzma
import zlib
from enum import Enum
from typing import Protocol

ZSTD_WINDOW = 2**27
# Each library has its own way to say that the data is damaged.
DAMAGE = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError)
_LZMA_MEMORY = 2**26


class Packing(Enum):
    """How a file is packed; the value is what it begins with, empty when nothing tells."""

    NONE = b""
    GZIP = b"\x1f\x8b"
    BZIP2 = b"BZh"
    XZ = b"\xfd7zXZ\x00"
    LZ4 = b"\x04\x22\x4d\x18"
    ZSTD = b"\x28\xb5\x2f\xfd"


class Stream(Protocol):
    """What decompressors have in common."""

    @property
    def eof(self) -> bool:
        """Tell whether the end was reached."""

    @property
    def unused_data(self) -> bytes:
        """Return what came behind the end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return more of the content, empty once nothing more is in *data*."""


def detect_packing(data: bytes) -> Packing:
    """Return how *data* is packed, by its first bytes."""
    packed = (item for item in Packing if item.value and data.startswith(item.value))
    return next(packed, Packing.NONE)


def unpack(data: bytes, packing: Packing, limit: int) -> bytes:
    """Return the content of *data*.

    Args:
        data: A whole file.
        packing: How it is packed; XZ also reads the older format of ``.lzma``.
        limit: Of the content, in bytes.

    Raises:
        ValueError: It is damaged, cut off or packed in another way, or holds too much.
    """
    if packing is Packing.NONE:
        return data
    if packing is Packing.ZSTD:
        return _unpack_zstd(data, limit)
    try:
        stream = open_stream(packing, _LZMA_MEMORY)
        content = stream.decompress(data, limit)
    except DAMAGE as error:
        raise ValueError(str(error) or "damaged") from error
    if not stream.eof:
        raise ValueError(f"cut off, or longer than {limit} bytes")
    return content


def open_stream(packing: Packing, lzma_memory: int) -> Stream:
    """Return what unpacks *packing*, of those that are unpacked piece by piece.

    Args:
        packing: GZIP, BZIP2, XZ or LZ4.
        lzma_memory: Bytes that XZ may take.
    """
    if packing is Packing.GZIP:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    if packing is Packing.BZIP2:
        return bz2.BZ2Decompressor()
    if packing is Packing.XZ:
        return lzma.LZMADecompressor(memlimit=lzma_memory)
    from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415 - rarely needed

    stream: Stream = LZ4FrameDecompressor()
    return stream


def _unpack_zstd(data: bytes, limit: int) -> bytes:
    import zstandard  # noqa: PLC0415 - rarely needed

    try:
        told = zstandard.frame_content_size(data)
        if told > limit:
            raise ValueError(f"longer than {limit} bytes")
        unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        return unpacker.decompress(data, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
