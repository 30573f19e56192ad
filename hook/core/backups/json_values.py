"""Values that somebody else wrote as JSON: what they have to be, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_LAST_SECOND = 253402300799  # 9999-12-31, the last that a datetime holds


def number_of(value: object) -> int | None:
    """Return *value* if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant_of(value: object) -> datetime | None:
    """Return the moment that *value*, seconds since 1970, stands for."""
    seconds = number_of(value)
    if seconds is None or not 0 < seconds <= _LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return *value* if it is an object, else one without anything in it."""
    return value if isinstance(value, Mapping) else {}


def mappings_of(value: object) -> list[Mapping[str, Any]]:
    """Return the objects in *value* if it is a list, else none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def matching(pattern: re.Pattern[str], value: object) -> str | None:
    """Return *value* if it is text that *pattern* describes as a whole."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
