"""Bytes of a script to text, strictly, by the names that Java gives to encodings.

A byte that the encoding does not know is an error and never a replacement
character: the checksum and the statements would silently differ.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from functools import lru_cache

BYTE_ORDER_MARK = "\ufeff"
_UTF_8 = "utf-8"
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# What Java calls code pages that Python knows by their number only.
_JAVA_NAMES = {
    "ibm00858": "cp858",
    "windows-31j": "cp932",
    "x-macroman": "mac-roman",
    "x-windows-874": "cp874",
    "x-windows-949": "cp949",
    "x-windows-950": "cp950",
}
# Without a byte order mark Java reads these as big-endian, Python as the machine does.
_WITHOUT_MARK = {"utf-16": (_UTF_16_MARKS, "utf-16-be"), "utf-32": (_UTF_32_MARKS, "utf-32-be")}


class UnknownEncoding(ValueError):
    """A name that is no text encoding."""

    def __init__(self, name: str) -> None:
        """Keep the *name*."""
        super().__init__(f"{name!r} is not a known encoding")
        self.name = name


@lru_cache(maxsize=16)
def canonical_encoding(name: str) -> str:
    """Return Python's name of the encoding *name*, for example ``iso8859-1``.

    Raises:
        UnknownEncoding: No text encoding has that name.
    """
    try:
        codec = _JAVA_NAMES.get(name.lower(), name)
        b"x".decode(codec, "ignore")  # refuses what is no text encoding, such as "hex"
        return codecs.lookup(codec).name
    except (LookupError, ValueError) as error:
        raise UnknownEncoding(name) from error


def decode_chunks(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of *chunks*, which may be cut inside a character.

    Raises:
        UnicodeDecodeError: A byte is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    codec = canonical_encoding(encoding)
    decoder: codecs.IncrementalDecoder | None = None
    for chunk in chunks:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(_codec_for(codec, chunk))()
        yield decoder.decode(chunk)
    if decoder is not None:
        yield decoder.decode(b"", final=True)


def utf8_chunks(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the text of *chunks* in UTF-8, without a byte order mark at its start.

    *chunks* may be cut inside a character, what is yielded is not.

    Raises:
        UnicodeDecodeError: A byte is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    if canonical_encoding(encoding) == _UTF_8:
        pieces = _whole_characters(chunks)
    else:
        pieces = (text.encode() for text in decode_chunks(chunks, encoding))
    mark = BYTE_ORDER_MARK.encode()
    for piece in pieces:
        yield piece.removeprefix(mark)
        # The first piece with a character in it is the start.
        mark = b"" if piece else mark


def _whole_characters(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks*, UTF-8, cut between characters; what is ASCII need not be decoded."""
    decoder: codecs.IncrementalDecoder | None = None
    torn = b""
    for chunk in chunks:
        if not torn and chunk.isascii():
            yield chunk
            continue
        decoder = decoder or codecs.getincrementaldecoder(_UTF_8)()
        decoder.decode(chunk)
        whole, torn = torn + chunk, decoder.getstate()[0]
        yield whole[: len(whole) - len(torn)]
    if decoder is not None:
        decoder.decode(b"", final=True)


def decode_script(chunks: Iterable[bytes], encoding: str) -> bytes:
    """Return the text of *chunks* in UTF-8, without a byte order mark at its start.

    Raises:
        UnicodeDecodeError: A byte is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    text = io.BytesIO()
    text.writelines(utf8_chunks(chunks, encoding))
    return text.getvalue()


def _codec_for(codec: str, start: bytes) -> str:
    marks, without_mark = _WITHOUT_MARK.get(codec, ((), codec))
    return codec if start.startswith(marks) else without_mark
