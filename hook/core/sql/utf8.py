"""Characters of UTF-8 text, counted without decoding all of it."""

from __future__ import annotations

import re
from itertools import islice

_CONTINUATION = bytes(range(0x80, 0xC0))
_FIRST_BYTE = re.compile(rb"[^\x80-\xbf]")
_BLOCK = 65_536


def offset_behind(text: bytes, characters: int) -> int:
    """Return the offset behind the first *characters* of *text*, at most its length."""
    for start in range(0, len(text), _BLOCK):
        block = text[start : start + _BLOCK]
        count = len(block.translate(None, _CONTINUATION))
        if count > characters:
            first_bytes = _FIRST_BYTE.finditer(block)
            return start + next(islice(first_bytes, characters, None)).start()
        characters -= count
    return len(text)
