"""Tables, in the form that Flyway draws them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from unicodedata import category, east_asian_width

from hook.core.text import one_line

# Marks on the character before them, and what only tells how others are drawn.
_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Cf"})


def render_table(headers: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    """Return a bordered table, cells left-aligned; *empty* is the one cell without rows."""
    if not rows:
        headers, rows = [empty], []
    cells = [[one_line(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(display_width(row[index]) for row in cells) for index in range(len(headers))]
    border = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    head, *body = ("|" + "|".join(map(_cell, row, widths)) + "|" for row in cells)
    lines = chain([border, head, border], body, [border] if body else [])
    return "\n".join(lines)


def _cell(text: str, width: int) -> str:
    return f" {padded(text, width)} "


def padded(text: str, width: int) -> str:
    """Return *text* with blanks up to *width* columns of a terminal."""
    return text + " " * (width - display_width(text))


def display_width(text: str) -> int:
    """Return the columns of *text* on a terminal.

    East Asian characters take two, an accent that is a character of its own takes none: some
    file systems spell every name like that.
    """
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if category(char) in _WITHOUT_WIDTH:
        return 0
    return 2 if east_asian_width(char) in {"W", "F"} else 1
