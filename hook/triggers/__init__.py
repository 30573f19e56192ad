"""What the run asks of a way to make a backup, whichever it is."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hook.core.backups.backup_made import Rest

if TYPE_CHECKING:
    from hook.core.outcome import Finding


class Phase(Enum):
    """How far a backup that is being made has come, by the word of who makes it."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"


class Standing(NamedTuple):
    """A phase, and what there is to say of it in one line."""

    phase: Phase
    detail: str = ""


class Wanted(NamedTuple):
    """The backup that is wanted.

    Attributes:
        run_id: Of the run that wants it; part of the names of what is made.
        size: Of the database in bytes, none where the role may not see it.
    """

    run_id: str
    size: int | None


class Begun(NamedTuple):
    """A backup that is being made: its name, and whether somebody else had begun it."""

    name: str
    is_adopted: bool


class Left(NamedTuple):
    """What there is of the backup once its trigger is closed.

    Attributes:
        findings: What is to be told of it besides.
    """

    rest: Rest
    findings: tuple[Finding, ...] = ()


class Trigger(Protocol):
    """One way to make a backup, used at most once. `begin` and `look` may take seconds.

    They are called in threads, so whatever must not be left half-done is `close`'s.
    """

    @property
    def poll(self) -> timedelta:
        """Return how long to wait between two looks."""

    def describe(self) -> str:
        """Return what makes the backup, for messages; never a secret."""

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a backup that is being made already, or begin one.

        Raises:
            BackupSourceMissing: What the settings name is not there, or not able to.
            BackupUnknown: It could not be asked, or did not let us.
        """

    def look(self) -> Standing:
        """Return how far the backup is.

        Raises:
            BackupUnknown: It could not be asked.
        """

    def close(self) -> Left:
        """Leave nothing half-done, and return what is left; what others make is left to go on.

        Never raises.
        """
