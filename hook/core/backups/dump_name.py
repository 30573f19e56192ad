"""What the names and sizes of dumps tell: when each began, and whether one is too small."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

_STAMP = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})[T_-]?(\d{2})[:.-]?(\d{2})[:.-]?(\d{2})(?:Z|[+]00:?00)(?!\d)"
)
# UTC is at most this far ahead of the local time of any host.
_WESTERNMOST = timedelta(hours=12)
_COMPARED = 5
_LEAST_SHARE = 0.5


def parse_start(name: str) -> datetime | None:
    """Return the moment in *name*, none when there is none whose zone is told."""
    for found in reversed(list(_STAMP.finditer(name))):
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            continue
    return None


def series_of(name: str) -> str:
    """Return what the names of the dumps of one schedule have in common."""
    return re.sub(r"\d+", "#", name)


def names_database(path: str, database: str) -> bool:
    """Tell whether *database* stands in *path* as a word of its own."""
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(database)}(?![A-Za-z0-9])", path) is not None


def latest_start(named: datetime | None, modified: datetime, told: datetime | None) -> datetime:
    """Return the moment after which a dump cannot have begun.

    Args:
        named: From its name.
        modified: When the storage received it, or a copy of it.
        told: From its header, in the local time of a host whose zone is not known.
    """
    begun = modified if named is None else named
    return begun if told is None else min(begun, told.replace(tzinfo=UTC) + _WESTERNMOST)


def judge_size(size: int, older: Sequence[int]) -> str:
    """Return what to say of a dump of *size* bytes beside the *older* ones, newest first."""
    if size == 0:
        return "is empty"
    usual = median(older[:_COMPARED]) if older else 0
    if size >= usual * _LEAST_SHARE:
        return ""
    return f"has {size} bytes, less than half of what the dumps before it have (median {usual:.0f})"


def is_companion(name: str) -> bool:
    """Tell whether *name* is of what lies beside dumps and is none."""
    suffixes = (".sha256", ".sha1", ".md5", ".sha512", ".log", ".txt", ".json", ".sig", ".asc")
    return name.lower().endswith(suffixes)


def told_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* once each, in order."""
    return tuple(dict.fromkeys(names))
