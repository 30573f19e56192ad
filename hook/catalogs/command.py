"""Asks a command of the user's own for the backups, and takes it at its word.

It prints either the document of `hook.core.backups.backup_document`, or what pgBackRest prints with
``info --output=json``; which of them is seen by the shape. Nothing is looked at but that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hook.catalogs.bounded_command import run_bounded_command
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Evidence
from hook.core.backups.backup_document import ToldBackups, load_json, parse_document
from hook.core.backups.origin import Origin
from hook.core.backups.overdue import READING_TIMEOUT
from hook.core.backups.pgbackrest_list import StanzaInfo, parse_pgbackrest_list
from hook.core.backups.restore_commands import RestoreSource
from hook.core.backups.told_wal import cover_from_range, cover_from_runs, is_told
from hook.core.backups.wal import Recovery
from hook.errors import BackupUnknown

_PART_OF_THE_TIME = 5 / 6


def shortened(timeout: timedelta) -> timedelta:
    """Return less than the gates wait, so that it is the command that is blamed."""
    return timeout * _PART_OF_THE_TIME


TIMEOUT = shortened(READING_TIMEOUT)


@dataclass(frozen=True, slots=True)
class CommandCatalog:
    """A `WalCatalog` over what a command prints, which is run for each question.

    Attributes:
        arguments: Program and arguments; no shell reads them.
        stanza: That counts when the command is pgBackRest, none for the only one.
    """

    arguments: tuple[str, ...]
    stanza: str | None = None
    timeout: timedelta = TIMEOUT

    def describe(self) -> str:
        """Return the program without its arguments, which may hold a secret."""
        return f"the command {self.arguments[0]}"

    def read_evidence(self) -> Evidence:
        """Run the command, and return what it tells of the backups."""
        told = self._ask()
        if isinstance(told, StanzaInfo):
            return Evidence(
                source=self._describe_stanza(told),
                backups=told.backups,
                completion_mark="the backup",
                backup_command=f"pgbackrest --stanza={told.name} backup",
                full_backup_command=f"pgbackrest --stanza={told.name} --type=full backup",
                origin=Origin(told.system_identifier),
                warnings=told.warnings,
                restored_from=RestoreSource("pgbackrest", told.name),
            )
        way = f"with the system that {self.describe()} asks"
        return Evidence(
            source=self.describe(),
            backups=told.backups,
            completion_mark="the backup",
            backup_command=way,
            full_backup_command=way,
            origin=told.origin,
            window=told.window,
        )

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Run the command, and return what it tells of the WAL that *recovery* reads.

        Raises:
            BackupUnknown: It tells nothing of the WAL, or not enough.
        """
        told = self._ask()
        if isinstance(told, StanzaInfo):
            source = self._describe_stanza(told)
            wanted = ArchiveEvidence(source, recovery, told.system_identifier)
            return cover_from_range(wanted, told.archives)
        wanted = ArchiveEvidence(self.describe(), recovery, told.origin.system_identifier)
        return cover_from_runs(wanted, told.runs)

    def has_segment(self, name: str) -> bool | None:
        """Run the command, and see whether it tells of the segment *name* by now.

        pgBackRest tells of the first and the last one that it has listed, and of no other.

        Raises:
            BackupUnknown: It tells nothing of the WAL.
        """
        told = self._ask()
        if isinstance(told, StanzaInfo):
            is_end = any(name in item for item in told.archives)
            return is_end or (None if is_told(name, told.archives) else False)
        if told.runs is None:
            raise BackupUnknown(
                f"{self.describe()} tells nothing of the WAL",
                "Let it print the list wal, or set PRESYNC_MARKER_POLICY to warn or off.",
            )
        return is_told(name, told.runs)

    def _ask(self) -> StanzaInfo | ToldBackups:
        printed = run_bounded_command(self.arguments, self.timeout)
        try:
            value = load_json(printed)
            if isinstance(value, list):
                return parse_pgbackrest_list(value, self.stanza)
            return parse_document(value)
        except BackupUnknown as error:
            # The message is all that a verdict has, and names a place within the document.
            raise BackupUnknown(f"{self.describe()}: {error.message}", error.hint) from error

    def _describe_stanza(self, told: StanzaInfo) -> str:
        return f"pgBackRest stanza {told.name}, as {self.describe()} tells"
