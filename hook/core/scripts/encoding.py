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
# What Java calls encodings, and what Python calls the same.
_CODECS = {
    "ibm00858": "cp858",
    "ms_kanji": "shift_jis",
    "windows-31j": "cp932",
    "x-macroman": "mac-roman",
    "x-windows-874": "cp874",
    "x-windows-949": "cp949",
    "x-windows-950": "cp950",
}
# To Java the names of Python are those of IBM's code pages, in which other letters have the
# same bytes: a wave dash, the backslash.
_MICROSOFT = {
    "cp874": "x-windows-874",
    "cp932": "windows-31j",
    "cp949": "x-windows-949",
    "cp950": "x-windows-950",
}
_OTHER_IN_JAVA = _MICROSOFT | {
    "932": "windows-31j",
    "949": "x-windows-949",
    "950": "x-windows-950",
    "ms936": "GBK",
}
# Java reads a line's end, or letters of the alphabet, where Python reads something else.
_READ_OTHERWISE = frozenset(
    {
        "cp037", "cp273", "cp424", "cp500", "cp856", "cp875", "cp1006", "cp1026", "cp1140",
        "mac-cyrillic", "mac-greek", "mac-iceland", "mac-turkish", "shift_jis_2004",
    }
)  # fmt: skip
# Single letters that Java reads otherwise; it is Java's that are in the checksums.
_DASH = {0x2015: 0x2014}
_LOW_LINE = {0x2574: 0xFF3F}
_LETTERS = {
    "big5": _LOW_LINE,
    "big5hkscs": _LOW_LINE,
    "euc_jp": _DASH,
    "gbk": {0x2295: 0x2641},
    "iso2022_jp": _DASH,
    "iso2022_jp_2": _DASH,
    "shift_jis": _DASH,
}
# Without a byte order mark Java reads these as big-endian, Python as the machine does.
_WITHOUT_MARK = {"utf-16": (_UTF_16_MARKS, "utf-16-be"), "utf-32": (_UTF_32_MARKS, "utf-32-be")}


class UnknownEncoding(ValueError):
    """A name that is no text encoding, or that of one which only Java can read."""

    def __init__(self, name: str, instead: str = "") -> None:
        """Keep the *name*; *instead* is what it means elsewhere, but not to Java."""
        other = f": Java means another one by it; write {instead} if that is meant"
        super().__init__(f"{name!r} is not a known encoding{other if instead else ''}")
        self.name = name


@lru_cache(maxsize=16)
def canonical_encoding(name: str) -> str:
    """Return the one name of the encoding *name*, for example ``iso8859-1``.

    It is Python's, unless that means something else to Java.

    Raises:
        UnknownEncoding: No text encoding has that name, or Java reads it otherwise.
    """
    word = name.strip().lower()
    if word in _OTHER_IN_JAVA:
        raise UnknownEncoding(name, _OTHER_IN_JAVA[word])
    try:
        codec = _CODECS.get(word, name)
        b"x".decode(codec, "ignore")  # refuses what is no text encoding, such as "hex"
        codec = codecs.lookup(codec).name
    except (LookupError, ValueError) as error:
        raise UnknownEncoding(name) from error
    if codec in _READ_OTHERWISE:
        raise UnknownEncoding(name)
    return _MICROSOFT.get(codec, codec)


def decode_chunks(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of *chunks*, which may be cut inside a character.

    Raises:
        UnicodeDecodeError: A byte is not text in *encoding*.
        UnknownEncoding: No such encoding.
    """
    name = canonical_encoding(encoding)
    codec, letters = _CODECS.get(name, name), _LETTERS.get(name, {})
    decoder: codecs.IncrementalDecoder | None = None
    for chunk in chunks:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(_codec_for(codec, chunk))()
        text = decoder.decode(chunk)
        yield text.translate(letters) if letters else text
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
