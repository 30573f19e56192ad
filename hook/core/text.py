"""Text from elsewhere made safe to print: one line, no control characters, bounded."""

from __future__ import annotations

from collections.abc import Sequence

_LISTED = 4
# Besides C0, DEL and C1: line separators that log collectors and `str.splitlines` obey.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
_VISIBLE = {number: f"\\u{number:04x}" for number in _CONTROLS} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): " ",
}


def one_line(text: str) -> str:
    """Return *text* on one line, its control characters visible.

    A server's message may hold newlines, and terminal escapes that a hostile
    server put there.
    """
    if text.isprintable():  # nearly always, and told at a fraction of the time
        return text
    return text.translate(_VISIBLE)


def counted(number: int, noun: str) -> str:
    """Return ``1 script``, ``2 scripts``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return *names* for a sentence, the middle ones left out when there are many."""
    return ", ".join(names) if len(names) <= _LISTED else f"{names[0]} … {names[-1]}"


def clip(text: str, length: int) -> str:
    """Return *text* cut to at most *length* characters, the cut shown by ``…``."""
    if len(text) <= length:
        return text
    return text[: length - 1].rstrip() + "…" if length > 0 else ""


def clip_bytes(text: str, size: int) -> bytes:
    """Return *text* as UTF-8 of at most *size* bytes, never half a character."""
    data = text.encode("utf-8", "replace")
    if len(data) <= size:
        return data
    mark = "…".encode()
    return data[: size - len(mark)].decode("utf-8", "ignore").encode() + mark
