"""What the gates ask of a backup system, whichever it is."""

from __future__ import annotations

from typing import Protocol

from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Evidence
from hook.core.backups.wal import Recovery


class BackupCatalog(Protocol):
    """The list of backups that one backup system keeps."""

    def describe(self) -> str:
        """Return system and place, for messages; never a secret."""

    def read_evidence(self) -> Evidence:
        """Read what the system knows of its backups.

        Raises:
            BackupSourceMissing: The storage answered; what the settings name is not there.
            BackupUnknown: It could not be read, which says nothing about the backups.
        """


class WalCatalog(BackupCatalog, Protocol):
    """A catalog of a system that also keeps the WAL, so that a restore can go on to now."""

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Look for the WAL that *recovery* reads.

        Raises:
            BackupSourceMissing: The storage answered, and there is no archive.
            BackupUnknown: It could not be read.
        """

    def has_segment(self, name: str) -> bool | None:
        """Tell whether the one WAL segment *name* is there and can be read; asked repeatedly.

        None means that what is told leaves it open: there is WAL before it and behind it.

        Raises:
            BackupSourceMissing: The storage answered, and there is no archive.
            BackupUnknown: It could not be asked.
        """
