"""What a script's bytes say of it, found in one pass with little memory."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from hook.core.scripts.checksum import RunningChecksum
from hook.core.scripts.encoding import BYTE_ORDER_MARK, utf8_chunks

_NUL = b"\0"
_COMMENT = b"--"
_OTHER_UNICODE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableScript(ValueError):
    """A file that cannot be the text of a script; says the line and why."""


class ScriptFacts(NamedTuple):
    """A script without its text.

    Attributes:
        checksum: As in the schema history, see `hook.core.scripts.checksum`.
        content_hash: SHA-256 of the bytes, hex.
        is_blank: The file holds nothing but white space.
    """

    checksum: int
    content_hash: str
    is_blank: bool


def scan_script(chunks: Iterable[bytes], encoding: str) -> ScriptFacts:
    """Return the facts of the script whose bytes come in *chunks*.

    Raises:
        UnreadableScript: A byte does not belong to *encoding*, or is NUL.
        UnknownEncoding: No such encoding.
    """
    digest = hashlib.sha256()
    crc = RunningChecksum()
    lines = _LineCount()
    is_blank = True
    try:
        for text in utf8_chunks(hashed(chunks, digest.update), encoding):
            _refuse_nul(text, lines)
            lines.add(text)
            crc.add(text)
            is_blank = is_blank and _is_blank(text)
    except UnicodeDecodeError as error:
        raise UnreadableScript(_describe(error, lines, encoding)) from error
    return ScriptFacts(crc.value, digest.hexdigest(), is_blank)


def _is_blank(text: bytes) -> bool:
    if text[:1].isalnum() or text.startswith(_COMMENT):  # as nearly all scripts begin
        return False
    return not text.decode().lstrip(BYTE_ORDER_MARK).strip()


def hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    """Yield *chunks* after *update* has seen them."""
    for chunk in chunks:
        update(chunk)
        yield chunk


def _refuse_nul(text: bytes, lines: _LineCount) -> None:
    # PostgreSQL's protocol ends a statement at the first NUL.
    position = text.find(_NUL)
    if position >= 0:
        lines.add(text[:position])
        raise UnreadableScript(f"line {lines.current} holds a NUL byte: not a text file")


def _describe(error: UnicodeDecodeError, lines: _LineCount, encoding: str) -> str:
    before, rest = error.object[: error.start], error.object[error.start :]
    if not before and rest.startswith(_OTHER_UNICODE_MARKS):
        return f"starts with the byte order mark of utf-16 but is read as {encoding}"
    _refuse_nul(before, lines)
    lines.add(before)
    return f"line {lines.current}: byte 0x{rest[0]:02x} is not {encoding}"


class _LineCount:
    """Counts lines in a text with terminators of one kind, whichever it is."""

    __slots__ = ("_carriage_returns", "_line_feeds")

    def __init__(self) -> None:
        self._line_feeds = 0
        self._carriage_returns = 0

    def add(self, text: bytes) -> None:
        self._line_feeds += text.count(b"\n")
        self._carriage_returns += text.count(b"\r") if b"\r" in text else 0

    @property
    def current(self) -> int:
        """Return the 1-based number of the line that the next character is on."""
        return max(self._line_feeds, self._carriage_returns) + 1
