"""Versions of migrations: how they are read, ordered and shown.

The rules are Flyway's, so that both tools agree on the order of a release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

# Flyway cuts at a dot in front of an ASCII digit, so only the first part may carry a sign or
# start with a digit of another script. Java reads digits of 16 bits, whatever their script.
_VERSION = re.compile(r"[+-]?\d+(?:\.[0-9]\d*)*")
_LAST_READ = "\uffff"
# Flyway takes them for versions wherever it reads one, records them, and cannot read them back.
_WORDS = frozenset({"latest", "current", "next"})


class InvalidVersion(ValueError):
    """A text that is no version.

    Attributes:
        is_word: It is a word of the setting ``target``.
    """

    def __init__(self, text: str) -> None:
        """Keep the *text*."""
        self.text = text
        self.is_word = text.lower() in _WORDS
        word = ", but a word of FLYWAY_TARGET" if self.is_word else ""
        super().__init__(f"{text!r} is not a version{word}")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version: numbers compared one by one, missing ones counting as zero.

    Attributes:
        parts: The numbers without trailing zeros, so that 1 equals 1.0 and 001.
        text: The version as it is shown and stored, leading zeros kept.
    """

    parts: tuple[int, ...]
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version that *text* names; an underscore stands for a dot.

        Raises:
            InvalidVersion: *text* is not a dotted list of numbers.
        """
        shown = text.replace("_", ".")
        # A release may have thousands: nearly all are ASCII, and most one number.
        if shown.isascii() and shown.isdigit():
            return cls((int(shown),), shown)
        is_read = shown.isascii() or max(shown) <= _LAST_READ
        if not is_read or not _VERSION.fullmatch(shown):
            raise InvalidVersion(text)
        parts = [int(part) for part in shown.split(".")]
        while len(parts) > 1 and parts[-1] == 0:
            parts.pop()
        return cls(tuple(parts), shown)

    def __str__(self) -> str:
        return self.text


def newest_version(*texts: str | None) -> str | None:
    """Return the highest of the versions *texts*, none when there is none among them."""
    newest = highest(Version.parse(text) for text in texts if text is not None)
    return newest.text or None


EMPTY = Version((), "")
"""Orders before every version: the level of a schema without migrations."""


def highest(versions: Iterable[Version | None]) -> Version:
    """Return the highest of *versions*, `EMPTY` when there is none among them."""
    # Tuples are compared without a call of Python's, and there may be thousands.
    return max(filter(None, versions), key=attrgetter("parts"), default=EMPTY)
