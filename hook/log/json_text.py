"""Values as JSON text that is one line for every reader."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hook.log import Redact

# JSON escapes C0 only; log collectors and `str.splitlines` break lines at others too.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
_ENCODER = json.JSONEncoder(ensure_ascii=False)
# So many elements of a list are encoded at once.
_SLICE = 100
_PLAIN = frozenset({str, bool, int, float, type(None)})
_ESCAPES = {number: f"\\u{number:04x}" for number in _CONTROLS}


def utc_timestamp(moment: datetime) -> str:
    """Return *moment* as RFC 3339 in UTC with milliseconds and ``Z``."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def json_ready(value: object) -> object:
    """Return *value* made of JSON's own types; a duration becomes milliseconds."""
    if type(value) in _PLAIN:  # nearly always, and told at a fraction of the time
        return value
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_ready(item) for item in value]
    return _scalar(value)


def are_ready(values: Iterable[object]) -> bool:
    """Tell whether *values* are of JSON's own types, and hold no other values."""
    return _PLAIN.issuperset(map(type, values))


def _scalar(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return utc_timestamp(value)
    return round(value.total_seconds() * 1000) if isinstance(value, timedelta) else str(value)


def to_json(value: object) -> str:
    """Return the JSON-ready *value* as one line, other languages readable."""
    return single_line(_ENCODER.encode(value))


def redacted_json(value: object, redact: Redact) -> str:
    """Return *value* as `to_json` does, without the secrets that *redact* knows."""
    text = _encoded(value)
    if not redact.is_clean(text):
        text = _encoded(redact.value(value))
    return single_line(text)


def _encoded(value: object) -> str:
    """Return *value* as JSON text; a long list in slices.

    Until it has all of what it is given, the encoder keeps each word of it as an object.
    """
    if type(value) is list and len(value) > _SLICE:
        slices = (value[start : start + _SLICE] for start in range(0, len(value), _SLICE))
        return f"[{', '.join(_ENCODER.encode(part)[1:-1] for part in slices)}]"
    if type(value) is dict and list in map(type, value.values()):
        items = (f"{_ENCODER.encode(key)}: {_encoded(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    return _ENCODER.encode(value)


def single_line(text: str) -> str:
    """Return *text* with control characters escaped as JSON does, and valid as UTF-8."""
    if text.isprintable():  # nearly always, and told at a fraction of the time
        return text
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()
