"""Text for a terminal of a certain width. Anywhere else a line has any length."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from hook.render.table import display_width

# Below that there is a word in each line; the terminal's own way is no worse then.
NARROWEST = 24
# What is copied from the screen stays in one line: commands, statements, waivers, names.
_PIECES = re.compile(
    r"""
    [^\s`]*`[^`]*`\S*
    | "--\ presync:[^"]*"\S*
    | (?:ALTER|CREATE|DROP|GRANT|SELECT)\ [^;]*;\S*
    | GRANT\ .*?\ TO\ (?:"(?:[^"]|"")*"|\S)\S*
    | \S+
    """,
    re.VERBOSE,
)


class Layout(NamedTuple):
    """How long lines may be.

    Attributes:
        width: Of the terminal, none where nobody breaks lines: `grep` wants them whole.
        redact: Takes secrets out of a text. Broken in two, one would not be found later.
    """

    width: int | None = None
    redact: Callable[[str], str] = str

    def lines(self, text: str, indent: int) -> list[str]:
        """Return *text*, which is one line, in lines that will stand at column *indent*."""
        if self.width is None:
            return [text]
        room = max(self.width - indent, NARROWEST)
        lines = [""]
        for piece in _PIECES.findall(self.redact(text)):
            longer = f"{lines[-1]} {piece}" if lines[-1] else piece
            if lines[-1] and display_width(longer) > room:
                lines.append(piece)
            else:
                lines[-1] = longer
        return lines
