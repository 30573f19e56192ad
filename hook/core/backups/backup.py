"""Backups as every backup system can tell of them, and the evidence a catalog gathers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import NamedTuple

from hook.core.backups.dump_form import DumpForm
from hook.core.backups.origin import Origin
from hook.core.backups.restore_commands import RestoreSource


class BackupType(StrEnum):
    """How much of the cluster a backup copied."""

    FULL = "full"
    DIFFERENTIAL = "diff"
    INCREMENTAL = "incr"
    DUMP = "dump"


class Presence(Enum):
    """What the storage holds of a backup that the metadata lists.

    Whole is what is complete with all that it reads of the backups it rests on, whatever
    else these lack.
    """

    WHOLE = "whole"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    ARCHIVED = "archived"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup, in the words all backup systems share.

    Attributes:
        label: Its name in the backup system.
        stopped_at: When it ended, none when the metadata does not say.
        error: Whether the system found damaged pages; none when it does not say, which
            is not the same as false.
        damaged_base: Label of one that it rests on and that has them, empty where it has its own.
        prior: The backup this one builds on.
        references: Every backup whose files a restore of this one reads.
        system_identifier: Of the cluster it was taken from.
        database: Name of the only database in it, none for a copy of the whole cluster.
        wal_start: First WAL segment that a restore needs, none for an offline backup.
        wal_stop: Last WAL segment that a restore needs to become consistent.
        lsn_stop: Where a restore becomes consistent.
        presence: What was seen of it in the storage.
        written_at: When the storage received what its system writes last, none when that is not
            known. A copy of the place renews it.
        lack: What it lacks of it, naming an object; empty when that is the completion mark.
        problems: What makes it unusable in the terms of its own system.
        remark: What has to be told with its age.
        form: Of a dump, what restores it, none where nothing that is known does.
        size: Of a dump, its bytes as they are stored.
        repo: Number that its system has for the repository that it is in, where there are several.
    """

    label: str
    type: BackupType
    started_at: datetime | None
    stopped_at: datetime | None
    error: bool | None
    damaged_base: str = ""
    prior: str | None = None
    references: tuple[str, ...] = ()
    system_identifier: str | None = None
    database: str | None = None
    wal_start: str | None = None
    wal_stop: str | None = None
    lsn_stop: str | None = None
    presence: Presence = Presence.UNSEEN
    written_at: datetime | None = None
    lack: str = ""
    problems: tuple[str, ...] = ()
    remark: str = ""
    form: DumpForm | None = None
    size: int | None = None
    repo: int | None = None

    @property
    def counts_from(self) -> datetime | None:
        """Return the moment that its age counts from, none when it is not known.

        A copy of the cluster leads back to its end at the earliest, and what still runs
        protects nothing yet. A dump shows the database as it was when the dump began.
        """
        return self.started_at if self.type is BackupType.DUMP else self.stopped_at

    @property
    def after_writing(self) -> timedelta:
        """Return how much later its age counts from than it was there; above zero, a clock errs."""
        if self.counts_from is None or self.written_at is None:
            return timedelta(0)
        return max(self.counts_from - self.written_at, timedelta(0))

    @property
    def timeline(self) -> int | None:
        """Return the timeline that it was begun on, none when it does not tell."""
        return None if self.wal_start is None else int(self.wal_start[:8], 16)

    @property
    def chain(self) -> tuple[str, ...]:
        """Return the labels a restore needs, its own first."""
        prior = () if self.prior is None else (self.prior,)
        return tuple(dict.fromkeys((self.label, *self.references, *prior)))


class RestoreWindow(NamedTuple):
    """What a managed service says that a restore can reach, to the second.

    Attributes:
        retention_days: How long it keeps automated backups, 0 when it takes none; none when
            it does not say.
        latest: End of the window, none when there is none.
        earliest: Its beginning, none when the service does not say.
    """

    retention_days: int | None
    latest: datetime | None
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a catalog knows of the backups.

    Attributes:
        source: System and place, for messages.
        completion_mark: The object whose presence proves that a backup is complete.
        backup_command: How to take one more backup, for hints.
        full_backup_command: How to take one that rests on none before it.
        origin: Whose backups these are.
        warnings: What was wrong with the metadata and did not stop the reading.
        clock: The storage's own time when it answered, none when it has none.
        window: Only of services that restore by time and keep the WAL to themselves.
        restored_from: As restore commands name it, where only what was read tells the system.
    """

    source: str
    backups: tuple[Backup, ...]
    completion_mark: str
    backup_command: str
    full_backup_command: str
    origin: Origin
    warnings: tuple[str, ...] = ()
    clock: datetime | None = None
    window: RestoreWindow | None = None
    restored_from: RestoreSource | None = None


def newest_first(backups: Iterable[Backup]) -> list[Backup]:
    """Return *backups* by age, the newest first; one that never ended by when it began.

    One that tells neither is as old as what the storage has of it.
    """
    dated = [(item.counts_from or item.started_at or item.written_at, item) for item in backups]
    known = [(moment, backup) for moment, backup in dated if moment is not None]
    known.sort(key=lambda item: (item[0], item[1].label), reverse=True)
    return [backup for _, backup in known] + [backup for moment, backup in dated if moment is None]
