"""Decides whether WAL leads from the chosen backup to now, and how much is not archived yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.archive import ArchiveEvidence, ServerWal
from hook.core.outcome import Finding, Status, failed, passed, unknown, warned
from hook.core.span import describe_span
from hook.core.text import counted
from hook.core.wal import Run, Segment, find_holes, format_lsn, parse_segment
from hook.errors import ExitCode

# Beginning of a segment and what the server writes without anybody's doing fit in here;
# a row and its commit do not.
IDLE_BYTES = 128
# A segment that has just been finished is no queue.
_UNSEEN_QUEUE = 1
_TOLD_HOLES = 2
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


class _Waiting(NamedTuple):
    """What is not in the archive yet: *finished* segments, and *size* bytes in all."""

    first: int
    finished: int
    size: int


def judge_archive(
    evidence: ArchiveEvidence, server: ServerWal, max_lag: timedelta, identifier: str
) -> tuple[Finding, ...]:
    """Judge the archive between a backup and the server's position.

    Args:
        evidence: What the catalog found, looked for after *server* was asked.
        server: Where the server stood.
        max_lag: How old the oldest WAL may be that is not archived.
        identifier: Of the server's cluster.

    Returns:
        A finding about the way from the backup to now, and one about the lag when there
        is a way.
    """
    warnings = tuple(
        warned("wal-metadata", f"{evidence.source}: {text}", "Find out what became of it.")
        for text in evidence.warnings
    )
    broken = _judge_way(evidence, identifier)
    if broken is not None:
        return (*warnings, broken)
    holes, waiting = _look(evidence, server)
    if holes:
        return (*warnings, _hole(evidence, holes, server.segment_size))
    return (*warnings, *_judge_end(evidence, waiting, server, max_lag))


def _judge_end(
    evidence: ArchiveEvidence, waiting: _Waiting, server: ServerWal, max_lag: timedelta
) -> tuple[Finding, ...]:
    """Judge where the archive ends; without a proof of what lies before, never as good."""
    findings = (_whole(evidence, waiting), _judge_lag(waiting, server, max_lag))
    if evidence.is_proven:
        return findings
    bad = tuple(finding for finding in findings if finding.status is Status.FAILED)
    return bad or (_unproven(evidence, waiting),)


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


def _look(evidence: ArchiveEvidence, server: ServerWal) -> tuple[tuple[Hole, ...], _Waiting]:
    """Return what is missing although it should be there, and what is on its way.

    What the server itself has not reported as archived may still be on its way, also
    behind newer segments: an asynchronous archiver sends several at once.
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
    until = min(newest if reported is None else reported, finished)
    holes += [Hole(last.stretch.timeline, run) for run in find_holes(last.present, first, until)]
    missing = find_holes(last.present, first, finished)
    begin = missing[0].first if missing else max(first, finished + 1)
    size = max(0, server.position - begin * server.segment_size)
    return tuple(holes), _Waiting(begin, max(0, finished - begin + 1), size)


def _reported(server: ServerWal) -> int | None:
    """Return the segment that the server archived last on its timeline, none if not told.

    Also a backup history file or a timeline history file may be told as the last one.
    """
    name = server.archiver.last_archived
    segment = None if name is None else parse_segment(name, server.segment_size)
    if segment is None or segment.timeline != server.timeline:
        return None
    return segment.number


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


def _whole(evidence: ArchiveEvidence, waiting: _Waiting) -> Finding:
    recovery = evidence.recovery
    size = recovery.segment_size
    start = recovery.start.name(size)
    newest = Segment(recovery.end.timeline, waiting.first - 1)
    if waiting.first * size < recovery.consistent:
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
        f"{counted(count, 'segment')} without a hole, {start} to {newest.name(size)}",
        source=evidence.source,
        first=start,
        last=newest.name(size),
        segments=count,
    )


def _unproven(evidence: ArchiveEvidence, waiting: _Waiting) -> Finding:
    recovery = evidence.recovery
    newest = Segment(recovery.end.timeline, waiting.first - 1)
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        "wal-archive",
        f"{evidence.source}, tells where the WAL begins and ends"
        f" ({newest.name(recovery.segment_size)}), and not whether there is a hole between",
        "Name the repository itself in PRESYNC_BACKUP_SOURCE, or set PRESYNC_ARCHIVE_POLICY to"
        " warn if that is enough.",
    )


def _judge_lag(waiting: _Waiting, server: ServerWal, max_lag: timedelta) -> Finding:
    facts: dict[str, object] = {"waiting": waiting.finished, "waiting_bytes": waiting.size}
    begin = waiting.first * server.segment_size
    if waiting.size == 0 or _is_idle(begin, waiting, server):
        return passed("wal-lag", "all that was changed is archived", **facts)
    what = f"{_bytes(waiting.size)} of WAL not archived"
    if waiting.finished > _UNSEEN_QUEUE and server.archiver.queue is None:
        return unknown(
            ExitCode.UNKNOWN_BACKUP,
            "wal-lag",
            f"{counted(waiting.finished, 'finished segment')} not archived yet, and since when"
            " cannot be seen without pg_monitor",
            "Grant pg_monitor to the migrating role.",
            **facts,
        )
    since = _waiting_since(begin, server)
    if since is None:
        return unknown(
            ExitCode.UNKNOWN_BACKUP,
            "wal-lag",
            f"{what}, and the server does not tell since when",
            f"Run SELECT pg_switch_wal(), and see that archiving works ({_ARCHIVER}).",
            **facts,
        )
    lag = max(server.time - since, timedelta(0))
    facts |= {"lag_ms": lag // timedelta(milliseconds=1)}
    message = f"{what} since {describe_span(lag)} (limit {describe_span(max_lag)})"
    if lag <= max_lag:
        return passed("wal-lag", message, **facts)
    return failed(
        ExitCode.NO_WAY_BACK,
        "wal-lag",
        message,
        "Let the archiver catch up; where little is written, set archive_timeout below"
        " PRESYNC_ARCHIVE_MAX_LAG or run SELECT pg_switch_wal().",
        **facts,
    )


def _is_idle(begin: int, waiting: _Waiting, server: ServerWal) -> bool:
    """Tell whether nothing was changed since *begin*, where the archive ends.

    An idle server goes on writing: the beginning of a segment, what transactions run, a
    checkpoint. That is never archived, however long one waits.
    """
    checkpoint = server.checkpoint
    is_last_change = checkpoint is not None and checkpoint.is_last_change
    until = checkpoint.redo if checkpoint and is_last_change else server.position
    return not waiting.finished and until - begin <= IDLE_BYTES


def _waiting_since(begin: int, server: ServerWal) -> datetime | None:
    """Return when the WAL from *begin* on was written at the earliest.

    That is when the WAL before it was archived, or when the oldest waiting segment was
    finished. A server that had been idle may have woken a moment ago: had it changed
    anything one checkpoint earlier, that one, which may take as long again, would have
    begun behind it.
    """
    archiver, checkpoint = server.archiver, server.checkpoint
    if archiver.waiting_since is None and checkpoint and checkpoint.redo - begin <= IDLE_BYTES:
        earliest = server.time - 2 * checkpoint.every
        return max(earliest, archiver.last_archived_at or earliest)
    told = [item for item in (archiver.waiting_since, archiver.last_archived_at) if item]
    return min(told, default=None)


def _bytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{max(1, size // 2**10)} KiB"
