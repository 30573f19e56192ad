"""The marker: where in the server's log a run began, and whether a restore can get there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from hook.core.backups.archive import Archiver
from hook.core.backups.archiver_judgement import judge_archiver, why_off
from hook.core.backups.restore_commands import RestoreCommand, RestorePoint
from hook.core.outcome import Finding, Status, failed, passed, unknown, warned
from hook.core.span import describe_span
from hook.core.sql.sql_text import quote_identifier
from hook.errors import ExitCode

# MAXFNAMELEN - 1: the server refuses longer names.
_NAME_BYTES = 63
_PREFIX = "presync-"
_MOMENT = "%Y%m%dT%H%M%SZ"
_FOREIGN = re.compile(r"[^a-z0-9_.]+")
_CREATE = "pg_create_restore_point(text)"
_SWITCH = "pg_switch_wal()"


class Marker(NamedTuple):
    """A position in front of everything that the run has changed.

    Attributes:
        name: Of the restore point, none when there is only the position.
        time: The server's clock at that position.
        segment: Name of the WAL file that holds it.
        is_archived: Whether that file was seen in the repository, or somebody tells that it is.
        told_by: Who tells it, none where it was seen.
        backup: Label of the backup that a restore begins with, none when it is not known.
        restore: How to get back there, none for a place that presync does not know.
    """

    name: str | None
    lsn: str
    time: datetime
    timeline: int
    segment: str
    system_identifier: str | None = None
    is_archived: bool = False
    told_by: str | None = None
    backup: str | None = None
    restore: tuple[RestoreCommand, ...] = ()

    @property
    def point(self) -> RestorePoint:
        """Return it as the target of a restore."""
        return RestorePoint(self.name, self.lsn, self.time, self.timeline, self.backup)

    def describe(self) -> str:
        """Return position, time, timeline and name for a reader."""
        named = f"restore point {self.name} at " if self.name else ""
        return f"{named}{self.lsn} on timeline {self.timeline}, {exact_time(self.time)}"


class MarkerRights(NamedTuple):
    """Which functions the role may execute. They belong to each database on its own."""

    may_create: bool
    may_switch: bool


class Sight(Enum):
    """What a catalog says of one segment, as `hook.catalogs.WalCatalog` returns it."""

    THERE = True
    ABSENT = False
    UNTOLD = None


class Repository(NamedTuple):
    """Where a marker's WAL is looked for.

    Attributes:
        is_told: A command tells what is there, and nothing is looked at.
    """

    source: str
    is_told: bool = False

    @property
    def teller(self) -> str | None:
        """Return whose word it is, none where it is looked into."""
        return self.source if self.is_told else None

    def has(self, wal: str) -> str:
        """Return the good news of *wal*, and whose word it is."""
        if self.is_told:
            return f"{wal} is archived, as {self.source} tells"
        return f"{wal} is in {self.source}"

    def lacks(self, wal: str) -> str:
        """Return that *wal* is not there, or not told of."""
        if self.is_told:
            return f"{self.source} does not tell of {wal}"
        return f"{wal} is not in {self.source}"


def marker_name(application: str, now: datetime, token: str) -> str:
    """Return a name for a restore point that no other has, *token* being random.

    Recovery stops at the first restore point of a name. Whatever may be odd in a shell or
    in a configuration file is left out.
    """
    tail = f"-{now.astimezone(UTC):{_MOMENT}}-{token}"
    room = _NAME_BYTES - len(_PREFIX) - len(tail)
    plain = _FOREIGN.sub("_", application.lower())[:room]
    return f"{_PREFIX}{plain or 'database'}{tail}"


def exact_time(moment: datetime) -> str:
    """Return *moment* to the microsecond with its offset from UTC, which no reader can miss."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def judge_archiving(archiver: Archiver) -> Finding | None:
    """Return why no marker can reach a repository, none when nothing is known against it."""
    if not archiver.is_off:
        return None
    return failed(
        ExitCode.NO_WAY_BACK,
        "marker-archiving",
        f"a marker cannot get into the repository: {why_off(archiver)}",
        "Set archive_mode, wal_level and archive_command as the backup system says.",
    )


def judge_rights(rights: MarkerRights, role: str, database: str) -> Finding:
    """Judge what *role* may do in *database* towards a marker."""
    wanted = ((_CREATE, rights.may_create), (_SWITCH, rights.may_switch))
    missing = [name for name, is_there in wanted if not is_there]
    if not missing:
        message = f"{role} may create a restore point and finish its WAL file"
        return passed("marker-rights", message)
    # pg_proc is a table of each database.
    grant = (
        f"Grant it in {database} itself: GRANT EXECUTE ON FUNCTION {', '.join(missing)}"
        f" TO {quote_identifier(role)};"
    )
    if rights.may_create:
        message = f"{role} may not finish the marker's WAL file, a run waits until others fill it"
        return warned("marker-rights", message, grant, missing=missing)
    return failed(
        ExitCode.NO_WAY_BACK,
        "marker-rights",
        f"{role} may not create a restore point in database {database}",
        f"{grant} PRESYNC_MARKER_POLICY=warn goes on without it.",
        missing=missing,
    )


def with_position(finding: Finding, position: Marker) -> Finding:
    """Return *finding*, which speaks against a marker, with all that is known instead of one."""
    message = f"{finding.message}; only the position is recorded: {position.describe()}"
    return replace(finding, message=message)


def judge_archived(marker: Marker, repository: Repository, waited: timedelta) -> Finding:
    """Return the good news that *marker* is in *repository*, and whether that was seen."""
    wal = f"its WAL {marker.segment}"
    return passed(
        "marker-archived",
        f"{marker.describe()}; {repository.has(wal)}",
        lsn=marker.lsn,
        segment=marker.segment,
        told_by=repository.teller,
        waited_ms=waited // timedelta(milliseconds=1),
    )


def judge_not_archived(
    marker: Marker, segment: str, repository: Repository, waited: timedelta, why: str
) -> Finding:
    """Return what it means that *segment* is not in *repository* after all that time.

    It is the marker's own, or one in front of it, which a restore to *marker* reads as well.
    """
    place = "its WAL" if segment == marker.segment else "in front of it, WAL"
    lack = repository.lacks(f"{place} {segment}")
    return failed(
        ExitCode.NO_WAY_BACK,
        "marker-archived",
        f"marker not archived: {lack} after {describe_span(waited)}; {why}",
        "See why archive_command takes so long or fails, in the server's log;"
        " PRESYNC_MARKER_WAIT says how long to wait.",
        lsn=marker.lsn,
        segment=segment,
    )


def judge_untold(marker: Marker, repository: Repository) -> Finding:
    """Return what it means that *repository* tells of WAL on both sides of the marker's only."""
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        "marker-archived",
        f"{repository.source} tells where the WAL begins and ends, with the marker's"
        f" {marker.segment} between, and not whether that is there",
        "Name the repository itself in PRESYNC_BACKUP_SOURCE, or set PRESYNC_MARKER_POLICY to warn"
        " if that is enough.",
        lsn=marker.lsn,
        segment=marker.segment,
    )


def judge_position(marker: Marker) -> Finding:
    """Return what is told of a mere position, where no repository is looked into."""
    message = f"no WAL archive is looked at, so no marker is made; the run begins at {marker.lsn}"
    return Finding(
        Status.SKIPPED,
        "marker-source",
        f"{message} on timeline {marker.timeline}, {exact_time(marker.time)}",
        facts={"lsn": marker.lsn, "segment": marker.segment},
    )


def why_not_archived(archiver: Archiver, rights: MarkerRights) -> str:
    """Return what the server says that explains why a WAL file is not archived yet."""
    if not rights.may_switch:
        return "the server goes on writing into it, as the role may not execute pg_switch_wal()"
    return judge_archiver(archiver).message
