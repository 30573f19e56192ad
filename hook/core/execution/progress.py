"""How far a run has changed the database."""

from __future__ import annotations

from enum import Enum


class Progress(Enum):
    """What may be said of the database when a run ends early.

    Attributes:
        UNTOUCHED: Nothing was begun.
        ROLLED_BACK: What was begun last was rolled back; what came before it stays.
        COMMITTED: Everything that was begun is committed.
        UNKNOWN: Something is left half-way, or nobody knows.
    """

    UNTOUCHED = "untouched"
    ROLLED_BACK = "rolled back"
    COMMITTED = "committed"
    UNKNOWN = "unknown"


def merged(progress: Progress, other: Progress) -> Progress:
    """Return what may be said after *progress* of the migrations and *other* of callbacks."""
    if Progress.UNKNOWN in {progress, other}:
        return Progress.UNKNOWN
    return other if progress is Progress.UNTOUCHED else progress
