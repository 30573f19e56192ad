"""Settings whose value is a word, a switch, a moment or a list of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

_Member = TypeVar("_Member", bound=Enum)

GATES = ("backup", "archive", "blockers", "marker")
NO_LEDGER = ""
# NAMEDATALEN - 1: the server cuts what is longer.
_NAME_BYTES = 63
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_SYSTEM_IDENTIFIER = re.compile(r"[0-9]{1,20}", re.ASCII)
_HIGHEST_INT = 2**31 - 1
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_A_MOMENT = "2026-12-01T18:00:00+01:00 or 2026-12-01T17:00:00Z"


class EngineName(Enum):
    """Which convention files and history follow."""

    FLYWAY = "flyway"


def choice_of(kind: type[_Member]) -> Callable[[str], _Member]:
    """Return a parser of the words that are the values of *kind*."""

    def parse(text: str) -> _Member:
        for member in kind:
            if member.value == text.strip().lower():
                return member
        raise ValueError(f"{text!r} is not {either(member.value for member in kind)}")

    return parse


def parse_switch(text: str) -> bool:
    """Return whether *text* switches something on.

    Raises:
        ValueError: It is neither true nor false; Flyway would take it for false.
    """
    word = text.strip().lower()
    if word not in {"true", "false"}:
        raise ValueError(f"{text!r} is not true or false")
    return word == "true"


def parse_system_identifier(text: str) -> str:
    """Return the system identifier of a cluster, as ``pg_controldata`` prints it.

    Raises:
        ValueError: It is none.
    """
    number = text.strip()
    if not _SYSTEM_IDENTIFIER.fullmatch(number):
        raise ValueError(f"{text!r} is not a system identifier such as 7386284571234567890")
    return number


def parse_ledger_name(text: str) -> str:
    """Return the name of a table, `NO_LEDGER` for ``off``.

    Raises:
        ValueError: The server would cut the name.
    """
    name = text.strip()
    if name.lower() == "off":
        return NO_LEDGER
    if len(name.encode()) > _NAME_BYTES:
        raise ValueError(f"{name!r} is longer than the {_NAME_BYTES} bytes of a name")
    return name


def whole_number(lowest: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from *lowest* to the highest that Java's int holds."""

    def parse(text: str) -> int:
        word = text.strip()
        # int() alone would take "1_000" and digits of other scripts.
        if not _WHOLE_NUMBER.fullmatch(word) or not lowest <= int(word) <= _HIGHEST_INT:
            raise ValueError(f"{text!r} is not a whole number from {lowest} to {_HIGHEST_INT}")
        return int(word)

    return parse


def parse_list(text: str) -> tuple[str, ...]:
    """Return the items of *text*, separated by commas, without blanks around them.

    Raises:
        ValueError: There is none.
    """
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if not items:
        raise ValueError(f"{text!r} is an empty list")
    return items


def parse_gates(text: str) -> tuple[str, ...]:
    """Return the gates that *text* names, separated by commas, each once.

    Raises:
        ValueError: One of them is no gate.
    """
    names = tuple(dict.fromkeys(name.lower() for name in parse_list(text)))
    for name in names:
        if name not in GATES:
            raise ValueError(f"{name!r} is no gate; the gates are {', '.join(GATES)}")
    return names


def parse_moment(text: str) -> datetime:
    """Return the moment, in UTC, that *text* names as RFC 3339 has it, with an offset.

    Raises:
        ValueError: It names none; without an offset nobody knows which.
    """
    written = text.strip().upper()
    try:
        if _MOMENT.fullmatch(written):
            return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is no time with an offset, such as {_A_MOMENT}")


def either(words: Iterable[str]) -> str:
    """Return *words* as a choice in a sentence: ``a, b or c``."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
