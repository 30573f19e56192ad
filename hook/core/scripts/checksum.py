"""The checksum by which a script is recognised as the one that was applied.

CRC-32 over the UTF-8 bytes of all lines without their terminators, as a signed
32-bit number: Flyway's. Terminators are CR, LF and CRLF, nothing else, so hashing
the lines one by one equals hashing the text with every CR and LF taken out. One
byte order mark at the very start does not count.
"""

from __future__ import annotations

import zlib

from hook.core.scripts.encoding import utf8_chunks

_SIGN_BIT = 1 << 31
_CHUNK = 1 << 20


def checksum(data: bytes, encoding: str = "utf-8") -> int:
    """Return the checksum of a file's content, a signed 32-bit integer.

    Raises:
        UnicodeDecodeError: *data* is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    running = RunningChecksum()
    chunks = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    for piece in utf8_chunks(chunks, encoding):
        running.add(piece)
    return running.value


class RunningChecksum:
    """The checksum of a text read piece by piece."""

    __slots__ = ("_crc",)

    def __init__(self) -> None:
        """Start with the empty text."""
        self._crc = 0

    def add(self, piece: bytes) -> None:
        """Go on with the next *piece*, as `utf8_chunks` yields it."""
        text = piece.replace(b"\n", b"")
        # To look whether there is any takes no time beside a look for all.
        if b"\r" in text:
            text = text.replace(b"\r", b"")
        self._crc = zlib.crc32(text, self._crc)

    @property
    def value(self) -> int:
        """Return the checksum of what was added so far."""
        return self._crc - (_SIGN_BIT << 1) if self._crc & _SIGN_BIT else self._crc
