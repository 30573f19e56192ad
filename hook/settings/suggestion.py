"""What was probably meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

_PREFIXES = ("PRESYNC_", "FLYWAY_")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for the one of *known* most like *name*, or nothing.

    The prefix of a variable does not count: it would make any two short names alike.
    """
    # Imported when something is wrong already.
    from difflib import get_close_matches  # noqa: PLC0415 - see above

    prefix, _ = _cut(name)
    # Of two that are equally like it the last one stays, which has the same prefix.
    ordered = sorted(known, key=lambda item: _cut(item)[0] == prefix)
    by_rest = {_cut(item)[1]: item for item in ordered}
    matches = get_close_matches(_cut(name)[1], by_rest, n=1, cutoff=0.7)
    return f"; did you mean {by_rest[matches[0]]}?" if matches else ""


def _cut(name: str) -> tuple[str, str]:
    """Return the prefix of *name*, and the rest."""
    prefix = next((item for item in _PREFIXES if name.startswith(item)), "")
    return prefix, name.removeprefix(prefix)
