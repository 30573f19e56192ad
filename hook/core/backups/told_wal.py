"""What somebody tells of a WAL archive that nobody looked into, as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.backup_document import ToldRun
from hook.core.backups.pgbackrest_list import ArchiveRange
from hook.core.backups.wal import Run, Segment, Stretch, join, parse_segment
from hook.errors import BackupUnknown

_TIMELINE = 8  # digits of it, at the beginning of a name


def cover_from_runs(wanted: ArchiveEvidence, runs: Sequence[ToldRun] | None) -> ArchiveEvidence:
    """Return *wanted* with what *runs*, which are told to be whole, hold of it.

    Raises:
        BackupUnknown: Nothing is told of the WAL, or the recovery crosses timelines.
    """
    if runs is None:
        raise BackupUnknown(
            f"{wanted.source} tells nothing of the WAL",
            "Let it print the list wal, or set PRESYNC_ARCHIVE_POLICY to warn or off if the"
            " backups are enough.",
        )
    stretch = _stretch(wanted)
    size = wanted.recovery.segment_size
    present = [
        Run(max(first.number, stretch.first), min(last.number, stretch.last))
        for first, last in ((_segment(run.first, size), _segment(run.last, size)) for run in runs)
        if first.timeline == last.timeline == stretch.timeline
    ]
    return wanted._replace(covered=(Covered(stretch, _merge(present)),))


def cover_from_range(wanted: ArchiveEvidence, archives: Sequence[ArchiveRange]) -> ArchiveEvidence:
    """Return *wanted* with the largest part of it that any of *archives* may hold.

    Only the ends are told, so a hole can be seen at the ends only.
    """
    stretch = _stretch(wanted)
    size = wanted.recovery.segment_size
    present = [
        _within(stretch, _segment(item.first, size), _segment(item.last, size)) for item in archives
    ]
    largest = max(present, key=lambda run: run.length, default=Run(0, -1))
    covered = Covered(stretch, _merge([largest]))
    return wanted._replace(covered=(covered,), is_proven=False)


def is_told(name: str, ranges: Iterable[ToldRun | ArchiveRange]) -> bool:
    """Tell whether the segment *name* lies in one of *ranges*, by what is told of them.

    The names of one timeline sort as they were written.
    """
    return any(
        item.first <= name <= item.last and item.last[:_TIMELINE] == name[:_TIMELINE]
        for item in ranges
    )


def _merge(runs: Iterable[Run]) -> tuple[Run, ...]:
    return join(sorted(run for run in runs if run.length > 0))


def _within(stretch: Stretch, first: Segment, last: Segment) -> Run:
    """Return what of *stretch* lies between *first* and *last*, which may be of other timelines."""
    begin = stretch.first if first.timeline < stretch.timeline else first.number
    end = stretch.last if last.timeline > stretch.timeline else last.number
    is_behind = last.timeline < stretch.timeline or first.timeline > stretch.timeline
    return Run(0, -1) if is_behind else Run(max(begin, stretch.first), min(end, stretch.last))


def _stretch(wanted: ArchiveEvidence) -> Stretch:
    start, end = wanted.recovery.start, wanted.recovery.end
    if start.timeline != end.timeline:
        raise BackupUnknown(
            f"{wanted.source} does not tell how timeline {start.timeline} of the backup led to"
            f" timeline {end.timeline} of the server",
            "Take a backup of the cluster as it is now.",
        )
    return Stretch(end.timeline, start.number, max(start.number, end.number))


def _segment(name: str, size: int) -> Segment:
    segment = parse_segment(name, size)
    if segment is None:
        raise BackupUnknown(
            f"{name} is no segment of a server whose segments have {size // 2**20} MiB",
            "See whether the command asks for this server.",
        )
    return segment
