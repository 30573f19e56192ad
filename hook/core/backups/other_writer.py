"""Decides whether another server than ours has written what a repository holds.

A copy of a cluster, as a snapshot of its volumes gives, keeps system identifier and timeline, and
so does a cluster that was set back to one. What the original wrote since then is in the repository
and not on the copy: only where the server stands in its log tells the two apart.
"""

from __future__ import annotations

from hook.core.backups.archive import ArchiveEvidence, ServerWal
from hook.core.backups.backup import Backup
from hook.core.backups.wal import Segment, format_lsn, parse_lsn
from hook.core.outcome import Finding, failed
from hook.errors import ExitCode

RULE = "wal-cluster"
_TIMELINE_DIGITS = 8


def may_be_of_another(evidence: ArchiveEvidence, server: ServerWal) -> bool:
    """Tell whether there is more than *server* had written before the archive was looked through.

    It may have written that meanwhile.
    """
    return judge_writer(evidence, server.timeline, server.position) is not None


def judge_writer(evidence: ArchiveEvidence, timeline: int, reached: int) -> Finding | None:
    """Return what proves that another server archives there, none when nothing does.

    Args:
        evidence: What the catalog found.
        timeline: That the server writes on.
        reached: Where it stood after the archive was looked through.
    """
    recovery = evidence.recovery
    if recovery.start.timeline == timeline and recovery.consistent > reached:
        what = f"the backup in {evidence.source} ends at {format_lsn(recovery.consistent)}"
        return _another(what, reached)
    newest = _newest(evidence, timeline)
    # What a server still writes it has not archived.
    if newest is None or newest.number < reached // recovery.segment_size:
        return None
    name = newest.name(recovery.segment_size)
    return _another(f"{evidence.source} has WAL from {name} on", reached)


def judge_base(backup: Backup, source: str, timeline: int, lsn: str) -> Finding | None:
    """Return what proves that *backup* is of another server than that which stands at *lsn*."""
    start, stop = backup.wal_start, backup.lsn_stop
    if start is None or stop is None or int(start[:_TIMELINE_DIGITS], 16) != timeline:
        return None
    if parse_lsn(stop) <= parse_lsn(lsn):
        return None
    return _another(f"backup {backup.label} in {source} ends at {stop}", parse_lsn(lsn))


def judge_early(segment: str, source: str, lsn: str) -> Finding:
    """Return what it means that *segment*, which the server still writes, is archived."""
    return _another(f"{source} has WAL from {segment} on", parse_lsn(lsn))


def _newest(evidence: ArchiveEvidence, timeline: int) -> Segment | None:
    """Return the newest segment that was found on *timeline*, none when there is none."""
    numbers = (
        run.last
        for stretch, present in evidence.covered
        for run in present
        if stretch.timeline == timeline
    )
    newest = max(numbers, default=None)
    return None if newest is None else Segment(timeline, newest)


def _another(what: str, reached: int) -> Finding:
    return failed(
        ExitCode.NO_WAY_BACK,
        RULE,
        f"{what}, and this server is at {format_lsn(reached)}: another server archives there, of"
        " which this one is a copy or an earlier state",
        "Name the repository of this very server; a copy of a cluster needs a stanza and a backup"
        " of its own.",
    )
