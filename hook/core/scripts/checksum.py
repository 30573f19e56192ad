"""The checksum by which a script is recognised as the one that was applied.

CRC-32 over the UTF-8 bytes of all lines without their terminators, as a signed
32-bit number: Flyway's. Terminators are CR, LF and CRLF, nothing else, so hashing
the lines one by one equals hashing the text with every CR and LF taken out. One
byte order mark at the very start does not count.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from hook.core.scripts.encoding import BYTE_ORDER_MARK, decode_chunks

_TERMINATORS = b"\r\n"
_SIGN_BIT = 1 << 31
_CHUNK = 1 << 20


def checksum(data: bytes, encoding: str = "utf-8") -> int:
    """Return the checksum of a file's content, a signed 32-bit integer.

    Raises:
        UnicodeDecodeError: *data* is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    chunks = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    return checksum_of_texts(decode_chunks(chunks, encoding))


def checksum_of_texts(texts: Iterable[str]) -> int:
    """Return the checksum of a text that comes in pieces, cut anywhere."""
    running = RunningChecksum()
    for text in texts:
        running.add(text)
    return running.value


class RunningChecksum:
    """The checksum of a text read piece by piece."""

    __slots__ = ("_at_start", "_crc")

    def __init__(self) -> None:
        """Start with the empty text."""
        self._crc = 0
        self._at_start = True

    def add(self, text: str) -> None:
        """Go on with the next piece."""
        if self._at_start and text:
            text = text.removeprefix(BYTE_ORDER_MARK)
            self._at_start = False
        self._crc = zlib.crc32(text.encode().translate(None, _TERMINATORS), self._crc)

    @property
    def value(self) -> int:
        """Return the checksum of what was added so far."""
        return self._crc - (_SIGN_BIT << 1) if self._crc & _SIGN_BIT else self._crc
