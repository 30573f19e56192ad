"""Replaces placeholders in scripts, purely as text, as Flyway does.

A placeholder is replaced wherever it stands, in comments, strings and COPY data
too, unless another ``$`` stands in front of it. Names are compared without regard to case, and
an inserted value is not searched again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from hook.core.text import one_line

RESERVED = "flyway"


class PlaceholderSyntax(NamedTuple):
    """How a placeholder is written. *separator* stands in the names of built-in ones."""

    prefix: str = "${"
    suffix: str = "}"
    separator: str = ":"


class UnresolvedPlaceholders(ValueError):
    """A script has placeholders without value. Each problem names its line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep the *problems*."""
        super().__init__("; ".join(problems))
        self.problems = problems


class RunFacts(NamedTuple):
    """What the built-in placeholders stand for.

    Attributes:
        timestamp: Start of the run, ``yyyy-MM-dd HH:mm:ss``, local time.
        environment: Id of the environment that a TOML file selects.
    """

    default_schema: str
    user: str
    database: str
    timestamp: str
    working_directory: str
    table: str
    environment: str


def builtin_placeholders(facts: RunFacts, syntax: PlaceholderSyntax) -> dict[str, str]:
    """Return the built-in placeholders that do not depend on the script."""
    values = {
        "defaultschema": facts.default_schema,
        "user": facts.user,
        "database": facts.database,
        "timestamp": facts.timestamp,
        "workingdirectory": facts.working_directory,
        "table": facts.table,
        "environment": facts.environment,
    }
    return {builtin_name(name, syntax): value for name, value in values.items()}


def builtin_name(name: str, syntax: PlaceholderSyntax) -> str:
    """Return the full name of the built-in placeholder *name*, in lower case."""
    return f"{RESERVED}{syntax.separator}{name}".lower()


def replace_placeholders(
    text: bytes, values: Mapping[str, str], syntax: PlaceholderSyntax
) -> bytes:
    """Return *text* with every placeholder replaced.

    Args:
        text: The script, UTF-8.
        values: By name, the names in lower case.
        syntax: How placeholders are written.

    Raises:
        UnresolvedPlaceholders: Names without value, or one that does not end.
    """
    prefix = syntax.prefix.encode()
    # One byte is found in a hundredth of the time that two take.
    if prefix[:1] not in text or prefix not in text:
        return text
    source, replaced = memoryview(text), io.BytesIO()
    problems: dict[str, str] = {}
    kept_from = 0
    for start, end, name in _placeholders(text, syntax):
        value = values.get(name.lower())
        if value is None:
            problems.setdefault(name.lower(), _problem(text, start, name, syntax))
            continue
        replaced.write(source[kept_from:start])
        replaced.write(value.encode())
        kept_from = end
    if problems:
        raise UnresolvedPlaceholders(tuple(problems.values()))
    replaced.write(source[kept_from:])
    return replaced.getvalue()


def _placeholders(text: bytes, syntax: PlaceholderSyntax) -> Iterator[tuple[int, int, str]]:
    """Yield where placeholders start and end, and their names, as Flyway finds them.

    Flyway does not look again at a character that breaks off the prefix, so that the
    ``$`` in front of ``${x}`` makes it plain text.
    """
    prefix, suffix = _prefix_pattern(syntax.prefix.encode()), syntax.suffix.encode()
    position = 0
    while found := prefix.search(text, position):
        start, position = found.span()
        if found.lastgroup is None:
            continue
        stop = text.find(suffix, position)
        if stop < 0:
            line = _line(text, start)
            raise UnresolvedPlaceholders((f"line {line}: {syntax.prefix} without {syntax.suffix}",))
        name = text[position:stop].decode()
        position = stop + len(suffix)
        yield start, position, name


@cache
def _prefix_pattern(prefix: bytes) -> re.Pattern[bytes]:
    """Return what matches *prefix* as a group, or as much of it as is broken off."""
    broken = (
        b"%s(?!%s)." % (re.escape(prefix[:length]), re.escape(prefix[length : length + 1]))
        for length in range(1, len(prefix))
    )
    whole = b"(?P<whole>%s)" % re.escape(prefix)
    return re.compile(b"|".join((whole, *broken)), re.DOTALL)


def _problem(text: bytes, start: int, name: str, syntax: PlaceholderSyntax) -> str:
    # As it is written: with a blank in it, it is another name than without.
    shown = one_line(name)[:60]
    return f"line {_line(text, start)}: no value for {syntax.prefix}{shown}{syntax.suffix}"


def _line(text: bytes, position: int) -> int:
    return max(text.count(b"\n", 0, position), text.count(b"\r", 0, position)) + 1
