"""Unpacks a plain dump to its end, and keeps no more of it than its two ends."""

from __future__ import annotations

from collections.abc import Callable

from hook.catalogs.unpacking import (
    DAMAGE,
    ZSTD_WINDOW,
    Packing,
    Stream,
    detect_packing,
    open_stream,
)

_WINDOW = 4 * 2**20
_UNPACKED_LIMIT = 4 * 2**30
_LZMA_MEMORY = 2**28
# Four bytes of Zstandard can stand for 128 KiB, and the library returns all that it was given.
_ZSTD_PIECE = 512


def find_unpacker(first: bytes) -> Callable[[], Stream] | None:
    """Return what makes the stream that unpacks a file which begins with *first*."""
    packing = detect_packing(first)
    if packing is Packing.NONE:
        return None
    return _ZstdStream if packing is Packing.ZSTD else lambda: open_stream(packing, _LZMA_MEMORY)


def unpack_ends(
    read: Callable[[int], bytes], stream: Stream, head: int, tail: int
) -> tuple[bytes, bytes]:
    """Return the first *head* or more and the last *tail* bytes of the text in *stream*.

    Args:
        read: Returns so many of the packed bytes, fewer at their end.
        stream: Of `find_unpacker`.
        head: How much of the beginning is wanted.
        tail: How much of the end.

    Raises:
        ValueError: The stream is damaged, ends early, goes on behind its end, or is out of
            all proportion.
    """
    first, last, length = b"", b"", 0
    while not stream.eof:
        data = _next_input(stream, read)
        text = _unpack(stream, data)
        first = first if len(first) >= head else first + text[:head]
        last = (last + text)[-tail:]
        length += len(text)
        if length > _UNPACKED_LIMIT or not (data or text or stream.eof):
            raise ValueError("cut off, or too long")
    if stream.unused_data or read(1):
        raise ValueError("goes on behind its end")
    return first, last


def _unpack(stream: Stream, data: bytes) -> bytes:
    try:
        return stream.decompress(data, _WINDOW)
    except DAMAGE as error:
        raise ValueError("damaged") from error


def _next_input(stream: Stream, read: Callable[[int], bytes]) -> bytes:
    """Return what the stream has not taken yet, or more once it has taken all."""
    if pending := getattr(stream, "unconsumed_tail", b""):
        return bytes(pending)
    return read(_WINDOW) if getattr(stream, "needs_input", True) else b""


class _ZstdStream:
    """Zstandard as the other libraries are: what comes out at once is bounded."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - rarely needed

        self._failure = zstandard.ZstdError
        self._stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        self._data = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data + bytes(self._data)

    @property
    def needs_input(self) -> bool:
        return not self._data

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        if data:
            self._data = memoryview(data)
        text = b""
        while self._data and not (text or self.eof):
            text = self._take()
        return text

    def _take(self) -> bytes:
        piece, self._data = self._data[:_ZSTD_PIECE], self._data[_ZSTD_PIECE:]
        try:
            return self._stream.decompress(piece)
        except self._failure as error:
            raise ValueError("damaged") from error
