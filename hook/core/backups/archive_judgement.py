"""Decides whether WAL leads from the chosen backup to now, and how much is not archived yet."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from hook.core.backups.archive import ArchiveEvidence, ServerWal
from hook.core.backups.other_writer import judge_writer
from hook.core.backups.wal import Run, Segment, find_holes, format_lsn, parse_segment
from hook.core.backups.wal_lag import Lag, Waiting, judge_lag
from hook.core.outcome import Finding, Status, failed, passed, unknown, warned
from hook.core.text import counted
from hook.errors import ExitCode

_TOLD_HOLES = 2
_JUST_FINISHED = 1
_ARCHIVER = "pg_stat_archiver, the server's log"
_TOLD_IN_FACTS = 100


class Hole(NamedTuple):
    """Segments of one timeline that are not in the archive."""

    timeline: int
    run: Run

    def describe(self, size: int) -> str:
        """Return the names, of the first and the last segment if there are more."""
        first = Segment(self.timeline, self.run.first).name(size)
        if self.run.length == 1:
            return first
        last = Segment(self.timeline, self.run.last).name(size)
        return f"{first} to {last} ({counted(self.run.length, 'segment')})"


class ArchiveJudgement(NamedTuple):
    """What was made of the archive behind a backup.

    Attributes:
        findings: About the way from the backup to now, and about the lag when there is one.
        way: What tells whether WAL leads from the backup to now.
        last: The segment that a replay reads last, none when there is none, or nobody knows.
        holes: What is missing, none when that was not looked for.
        missing: How many segments that are.
        lag: None when there is no way, or nobody knows.
    """

    findings: tuple[Finding, ...]
    way: Finding
    last: str | None = None
    holes: tuple[str, ...] | None = None
    missing: int = 0
    lag: Lag | None = None

    @property
    def whole_to(self) -> str | None:
        """Return the segment up to which all was seen to be there, none when that is not so."""
        return self.last if self.holes == () else None


def judge_archive(
    evidence: ArchiveEvidence, server: ServerWal, max_lag: timedelta, identifier: str
) -> ArchiveJudgement:
    """Judge the archive between a backup and the server's position.

    Args:
        evidence: What the catalog found, looked for after *server* was asked.
        server: Where the server stood.
        max_lag: How old the oldest WAL may be that is not archived.
        identifier: Of the server's cluster.
    """
    warnings = tuple(
        warned("wal-metadata", f"{evidence.source}: {text}", "Find out what became of it.")
        for text in evidence.warnings
    )
    broken = _judge_way(evidence, identifier)
    if broken is None and server.reached is not None:
        broken = judge_writer(evidence, server.timeline, server.reached)
    if broken is not None:
        return ArchiveJudgement((*warnings, broken), broken)
    holes, waiting = _look(evidence, server)
    if holes:
        size = server.segment_size
        way = _hole(evidence, holes, size)
        return ArchiveJudgement(
            (*warnings, way),
            way,
            _name(evidence, holes[0].run.first - 1),
            tuple(hole.describe(size) for hole in holes),
            sum(hole.run.length for hole in holes),
        )
    judgement = _judge_end(evidence, waiting, judge_lag(waiting, server, max_lag))
    return judgement._replace(findings=(*warnings, *judgement.findings))


def _judge_end(evidence: ArchiveEvidence, waiting: Waiting, lag: Lag) -> ArchiveJudgement:
    """Judge where the archive ends; without a proof of what lies before, never as good."""
    whole, last = _whole(evidence, waiting), _name(evidence, waiting.first - 1)
    findings = (whole, lag.finding)
    if evidence.is_proven:
        return ArchiveJudgement(findings, whole, last, (), 0, lag)
    bad = tuple(finding for finding in findings if finding.status is Status.FAILED)
    unproven = _unproven(evidence, waiting)
    way = whole if whole.status is Status.FAILED else unproven
    return ArchiveJudgement(bad or (unproven,), way, last, lag=lag)


def _name(evidence: ArchiveEvidence, number: int) -> str | None:
    """Return the name of segment *number* on the timeline that it is read from."""
    for stretch, _ in evidence.covered:
        if stretch.first <= number <= stretch.last:
            return Segment(stretch.timeline, number).name(evidence.recovery.segment_size)
    return None


def _judge_way(evidence: ArchiveEvidence, identifier: str) -> Finding | None:
    """Return what stands against the archive as a whole, none when nothing does."""
    start, end = evidence.recovery.start, evidence.recovery.end
    if evidence.system_identifier not in {None, identifier}:
        return failed(
            ExitCode.NO_WAY_BACK,
            "wal-cluster",
            f"the archive in {evidence.source} is of cluster {evidence.system_identifier},"
            f" the database is in {identifier}",
            "Name the repository and stanza of this cluster.",
        )
    if evidence.missing_history:
        return failed(
            ExitCode.NO_WAY_BACK,
            "wal-timeline",
            f"{evidence.missing_history} is not in {evidence.source}, so no restore finds the way"
            f" from timeline {start.timeline} to {end.timeline}",
            "Take a backup of the cluster as it is now.",
        )
    if not evidence.covered:
        return failed(
            ExitCode.NO_WAY_BACK,
            "wal-timeline",
            f"no way leads from the backup on timeline {start.timeline} at"
            f" {format_lsn(evidence.recovery.consistent)} to timeline {end.timeline} of the server",
            "Take a backup of the cluster as it is now.",
        )
    if evidence.duplicates:
        return failed(
            ExitCode.NO_WAY_BACK,
            "wal-duplicate",
            f"{evidence.duplicates[0]} is in {evidence.source} twice with different content",
            "See whether a second server archives there too, and take a new backup.",
            duplicates=list(evidence.duplicates),
        )
    return None


def _look(evidence: ArchiveEvidence, server: ServerWal) -> tuple[tuple[Hole, ...], Waiting]:
    """Return what is missing although it should be there, and what is on its way.

    What the server itself has not reported as archived may still be on its way, also
    behind newer segments: an asynchronous archiver sends several at once. It is so no longer
    when the server has nothing waiting to be archived: WAL of a time without archive_mode.
    """
    *earlier, last = evidence.covered
    holes = [
        Hole(covered.stretch.timeline, run)
        for covered in earlier
        for run in find_holes(covered.present, covered.stretch.first, covered.stretch.last)
    ]
    first, finished = last.stretch.first, server.current.number - 1
    newest = max((run.last for run in last.present), default=first - 1)
    reported = _reported(server)
    done = max(newest if reported is None else reported, _not_waiting(server))
    until = min(done, finished)
    holes += [Hole(last.stretch.timeline, run) for run in find_holes(last.present, first, until)]
    missing = find_holes(last.present, first, finished)
    begin = missing[0].first if missing else max(first, finished + 1)
    size = max(0, server.position - begin * server.segment_size)
    return tuple(holes), Waiting(begin, max(0, finished - begin + 1), size)


def _reported(server: ServerWal) -> int | None:
    """Return the segment that the server archived last on its timeline, none if not told.

    Also a backup history file or a timeline history file may be told as the last one.
    """
    name = server.archiver.last_archived
    segment = None if name is None else parse_segment(name, server.segment_size)
    if segment is None or segment.timeline != server.timeline:
        return None
    return segment.number


def _not_waiting(server: ServerWal) -> int:
    """Return the newest segment that is not waiting to be archived, as far as that can be seen.

    Archived in order, the newest are those that wait. The last one may have been finished a
    moment ago and not be among them yet.
    """
    queue, finished = server.archiver.queue, server.current.number - 1
    return 0 if queue is None else finished - queue - _JUST_FINISHED


def _hole(evidence: ArchiveEvidence, holes: tuple[Hole, ...], size: int) -> Finding:
    count = sum(hole.run.length for hole in holes)
    is_needed = holes[0].run.first * size < evidence.recovery.consistent
    effect = "the backup itself cannot be restored" if is_needed else "a restore ends before it"
    told = ", ".join(hole.describe(size) for hole in holes[:_TOLD_HOLES])
    rest = f" and {counted(len(holes) - _TOLD_HOLES, 'hole')} more" * (len(holes) > _TOLD_HOLES)
    verb = "is" if count == 1 else "are"
    return failed(
        ExitCode.NO_WAY_BACK,
        "wal-archive",
        f"WAL is missing: {told}{rest} {verb} not in {evidence.source}; {effect}",
        "Take a new backup, and find out what removed the WAL or why it never came.",
        missing=count,
        holes=[hole.describe(size) for hole in holes[:_TOLD_IN_FACTS]],
    )


def _whole(evidence: ArchiveEvidence, waiting: Waiting) -> Finding:
    recovery = evidence.recovery
    size = recovery.segment_size
    start = recovery.start.name(size)
    newest = _name(evidence, waiting.first - 1)
    # The first one is needed wherever the backup ends: its checkpoint is in there.
    if waiting.first * size < recovery.consistent or newest is None:
        return failed(
            ExitCode.NO_WAY_BACK,
            "wal-archive",
            f"{evidence.source} ends before {format_lsn(recovery.consistent)},"
            " which the backup needs to become consistent",
            f"See that archiving works ({_ARCHIVER}), then take a new backup.",
        )
    count = waiting.first - recovery.start.number
    return passed(
        "wal-archive",
        f"{counted(count, 'segment')} without a hole, {start} to {newest}",
        source=evidence.source,
        first=start,
        last=newest,
        segments=count,
    )


def _unproven(evidence: ArchiveEvidence, waiting: Waiting) -> Finding:
    newest = _name(evidence, waiting.first - 1)
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        "wal-archive",
        f"{evidence.source}, tells where the WAL begins and ends"
        f" ({newest}), and not whether there is a hole between",
        "Name the repository itself in PRESYNC_BACKUP_SOURCE, or set PRESYNC_ARCHIVE_POLICY to"
        " warn if that is enough.",
    )
