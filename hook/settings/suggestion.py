"""What was probably meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for the one of *known* most like *name*, or nothing."""
    # Imported when something is wrong already.
    from difflib import get_close_matches  # noqa: PLC0415 - see above

    matches = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {matches[0]}?" if matches else ""
