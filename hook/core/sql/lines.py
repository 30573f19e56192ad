"""The lines of a script, as an editor counts them."""

from __future__ import annotations


def line_of(sql: bytes, offset: int) -> int:
    """Return the 1-based line of the byte at *offset*."""
    return sql.count(line_end(sql), 0, offset) + 1


def line_end(sql: bytes) -> bytes:
    """Return what ends a line: a newline, or a carriage return where there is no newline."""
    return b"\n" if b"\n" in sql else b"\r"
