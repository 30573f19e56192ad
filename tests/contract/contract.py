"""What the gates promise of every backup system, whichever it is."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from hook.core.outcome import Status
from hook.errors import ExitCode

Verdict = tuple[ExitCode, Status]

PASSED: Verdict = (ExitCode.OK, Status.PASSED)
PASSED_OVER: Verdict = (ExitCode.OK, Status.WARNED)
REFUSED: Verdict = (ExitCode.NO_WAY_BACK, Status.FAILED)
UNKNOWN: Verdict = (ExitCode.UNKNOWN_BACKUP, Status.UNKNOWN)


class Meaningless(NamedTuple):
    """Why a line of the contract says nothing of a system."""

    reason: str


class _State(Enum):
    """A state, and the verdicts that are true of it."""

    def __init__(self, state: str, verdicts: tuple[Verdict, ...]) -> None:
        """Keep the *verdicts* that are true of *state*."""
        self.state = state
        self.verdicts = verdicts


class Line(_State):
    """A state of the backups."""

    GOOD = "a usable backup, young enough", (PASSED,)
    NOTHING_THERE = "nothing under the name that the settings give", (REFUSED,)
    NO_BACKUP = "the name is known, and there is no backup", (REFUSED,)
    STALE = "the newest usable backup is too old", (REFUSED,)
    FUTURE = "a backup that ended in the future does not count", (REFUSED, PASSED_OVER)
    NEWEST_UNUSABLE = "the newest cannot be used, the one before counts", (PASSED_OVER,)
    DAMAGED = "a backup with damaged pages does not count", (REFUSED, PASSED_OVER)
    UNFINISHED = "a backup that has not ended does not count", (REFUSED, PASSED)
    BASE_GONE = "a backup does not count without those it rests on", (REFUSED, PASSED_OVER)
    DATA_GONE = "a backup does not count without its data", (REFUSED, PASSED_OVER)
    OTHER_SERVER = "backups of another server, fresh and whole", (REFUSED,)
    WHOSE = "nothing tells whose backups they are", (REFUSED, UNKNOWN)
    UNREADABLE = "what tells of the backups cannot be read", (REFUSED, UNKNOWN)


class ArchiveLine(_State):
    """A state of the WAL behind a backup."""

    WHOLE = "the WAL leads from the backup to now", (PASSED,)
    HOLE = "a segment on the way is not there", (REFUSED,)
    EMPTY = "a segment on the way has no content", (REFUSED, PASSED_OVER)
    NO_ARCHIVE = "no WAL is kept at all", (REFUSED, UNKNOWN)
    BEHIND = "what is kept ends too long before now", (REFUSED,)
