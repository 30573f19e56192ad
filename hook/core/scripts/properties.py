r"""Reads files in the format of Java properties.

Keys end at an unescaped ``=``, ``:`` or white space; ``#`` and ``!`` start comment
lines; a backslash at the end of a line joins the next one. Source: Javadoc of
``java.util.Properties.load``, and Flyway's ``ConfigUtils`` for what it makes of the lines before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_KEY_AND_VALUE = re.compile(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.|$)", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_BLANK = " \t\f"
# What Java's String.trim() cuts.
_TRIMMED = "".join(map(chr, range(33)))
_PREFIX = "flyway."


def parse_properties(text: str) -> dict[str, str]:
    """Return the properties in *text*; of a key given twice the last value counts."""
    return {key: value for _, key, value in numbered_properties(text)}


def literal_lines(text: str) -> list[str]:
    """Return the lines of *text* so that backslashes mean themselves, as in files of Flyway's.

    Only at the end of a line that the next one continues is one an escape. Lines are trimmed.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    followers = [*lines[1:], ""]
    return [_literal(*pair) for pair in zip(lines, followers, strict=True)]


def _literal(line: str, follower: str) -> str:
    trimmed = line.strip(_TRIMMED)
    doubled = trimmed.replace("\\", "\\\\")
    is_property = follower.strip(_TRIMMED).startswith(_PREFIX) and "=" in follower
    if trimmed.endswith("\\") and follower and not is_property:
        return doubled[:-1]
    return doubled


def numbered_properties(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, key and value of each property in *text*, also of a key given twice."""
    for number, line in _logical_lines(text):
        # Any line matches: both groups may be empty.
        match = cast("re.Match[str]", _KEY_AND_VALUE.fullmatch(line))
        yield number, _unescaped(match[1]), _unescaped(match[2])


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    joined = ""
    first = 0
    is_joining = False
    for number, raw in enumerate(_LINE_BREAK.split(text), 1):
        line = raw.lstrip(_BLANK)
        if not is_joining and (not line or line[0] in "#!"):
            continue
        first = first if is_joining else number
        trailing = len(line) - len(line.rstrip("\\"))
        is_joining = trailing % 2 == 1
        joined += line[:-1] if is_joining else line
        if not is_joining:
            yield first, joined
            joined = ""
    if joined:
        yield first, joined


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    escaped = match[1]
    if len(escaped) > 1:
        return chr(int(escaped[1:], 16))
    return _CONTROLS.get(escaped, escaped)
