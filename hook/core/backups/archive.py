"""What is known of a WAL archive and of the server that fills it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.backups.wal import Recovery, Run, Segment, Stretch


class Covered(NamedTuple):
    """A stretch that a recovery reads, and what of it the archive holds."""

    stretch: Stretch
    present: tuple[Run, ...]


class ArchiveEvidence(NamedTuple):
    """What a catalog found in the archive between a backup and the server's position.

    Attributes:
        source: System and place, for messages.
        recovery: What was looked for.
        system_identifier: Of the cluster that archives there, none when only the backups
            beside it tell.
        covered: In the order of the recovery, empty when no way leads from the backup to
            the server's timeline.
        missing_history: The timeline history file that is needed and not there.
        duplicates: Names of segments that are there twice, which no restore accepts.
        warnings: What was wrong with the metadata and did not stop the reading.
        is_proven: Whether each segment in *covered* was seen, and not the ends only.
    """

    source: str
    recovery: Recovery
    system_identifier: str | None
    covered: tuple[Covered, ...] = ()
    missing_history: str = ""
    duplicates: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_proven: bool = True


class Archiver(NamedTuple):
    """What the server says of its archiving.

    Attributes:
        mode: ``archive_mode``.
        wal_level: ``minimal`` writes nothing that could be archived.
        has_destination: Whether a command or a library is set.
        last_archived: File that was archived last, none since the statistics were reset.
        last_failed: File that failed last, none likewise.
        failures: Failed attempts since then.
        queue: Finished segments that wait, none when the role may not see.
        waiting_since: When the oldest of them was finished, none when there is none or
            the role may not see.
    """

    mode: str
    wal_level: str
    has_destination: bool
    last_archived: str | None = None
    last_archived_at: datetime | None = None
    last_failed: str | None = None
    last_failed_at: datetime | None = None
    failures: int = 0
    statistics_since: datetime | None = None
    queue: int | None = None
    waiting_since: datetime | None = None

    @property
    def is_off(self) -> bool:
        """Tell whether nothing is archived by the server's own settings."""
        return self.mode == "off" or self.wal_level == "minimal" or not self.has_destination

    @property
    def is_failing(self) -> bool:
        """Tell whether the last attempt failed. Older failures are history, not state."""
        if self.last_failed_at is None:
            return False
        return self.last_archived_at is None or self.last_failed_at > self.last_archived_at


class Checkpoint(NamedTuple):
    """The last checkpoint.

    Attributes:
        redo: Position at which it began.
        is_last_change: Whether no transaction has changed anything since.
        every: How often the server makes one, if anything was changed.
    """

    redo: int
    is_last_change: bool
    every: timedelta


class ServerWal(NamedTuple):
    """Where the server stands in its log.

    Attributes:
        timeline: That it writes on.
        position: End of what it has written.
        time: Its clock, when it said so.
        checkpoint: The last one, none when the role may not see it.
        reached: Where it stood after the archive was looked through, none when nobody had to ask.
    """

    segment_size: int
    timeline: int
    position: int
    time: datetime
    archiver: Archiver
    checkpoint: Checkpoint | None = None
    reached: int | None = None

    @property
    def current(self) -> Segment:
        """Return the segment that is being written; all before it are finished."""
        return Segment(self.timeline, self.position // self.segment_size)
