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
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
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
        b"x".decode(name, "ignore")  # refuses what is no text encoding, such as "hex"
        return codecs.lookup(name).name
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


def decode_script(chunks: Iterable[bytes], encoding: str) -> bytes:
    """Return the text of *chunks* in UTF-8, without a byte order mark at its start.

    Raises:
        UnicodeDecodeError: A byte is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    text = io.BytesIO()
    for piece in decode_chunks(chunks, encoding):
        text.write((piece if text.tell() else piece.removeprefix(BYTE_ORDER_MARK)).encode())
    return text.getvalue()


def _codec_for(codec: str, start: bytes) -> str:
    marks, without_mark = _WITHOUT_MARK.get(codec, ((), codec))
    return codec if start.startswith(marks) else without_mark
