"""Unpacks small files, however a backup system or the server's archiver packed them."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol

_LZMA_MEMORY = 2**26
_ZSTD_WINDOW = 2**27


class Packing(Enum):
    """How a file is packed; the value is what it begins with, empty when nothing tells."""

    NONE = b""
    GZIP = b"\x1f\x8b"
    BZIP2 = b"BZh"
    XZ = b"\xfd7zXZ\x00"
    LZ4 = b"\x04\x22\x4d\x18"
    ZSTD = b"\x28\xb5\x2f\xfd"


class _Stream(Protocol):
    """What decompressors have in common."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


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
        stream = _STREAMS[packing]()
        content = stream.decompress(data, limit)
    # Each library has its own way to say that the data is damaged.
    except (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(str(error) or "damaged") from error
    if not stream.eof:
        raise ValueError(f"cut off, or longer than {limit} bytes")
    return content


def _unpack_zstd(data: bytes, limit: int) -> bytes:
    import zstandard  # noqa: PLC0415 - rarely needed

    try:
        told = zstandard.frame_content_size(data)
        if told > limit:
            raise ValueError(f"longer than {limit} bytes")
        unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        return unpacker.decompress(data, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _lz4_stream() -> _Stream:
    from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415 - rarely needed

    stream: _Stream = LZ4FrameDecompressor()
    return stream


_STREAMS: Mapping[Packing, Callable[[], _Stream]] = {
    Packing.GZIP: lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16),
    Packing.BZIP2: bz2.BZ2Decompressor,
    Packing.XZ: lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY),
    Packing.LZ4: _lz4_stream,
}
