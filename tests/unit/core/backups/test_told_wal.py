"""What is told of an archive and not seen: whole runs, or its two ends only."""

from __future__ import annotations

import pytest

from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.backup_document import ToldRun
from hook.core.backups.pgbackrest_list import ArchiveRange
from hook.core.backups.told_wal import cover_from_range, cover_from_runs, is_told
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.errors import BackupUnknown

SIZE = 16 * 2**20
WANTED = ArchiveEvidence(
    "the command x", Recovery(Segment(2, 3), 3 * SIZE, Segment(2, 10), SIZE), "42"
)
STRETCH = Stretch(2, 3, 10)
ACROSS = WANTED._replace(recovery=WANTED.recovery._replace(start=Segment(1, 3)))


def _name(number: int, timeline: int = 2) -> str:
    return Segment(timeline, number).name(SIZE)


@pytest.mark.parametrize(
    ("runs", "present"),
    [
        ([(1, 12)], (Run(3, 10),)),
        ([(8, 9), (1, 5)], (Run(3, 5), Run(8, 9))),
        ([(1, 5), (4, 7), (8, 8)], (Run(3, 8),)),
        ([(1, 2), (11, 12)], ()),
        ([(9, 4)], ()),
        ([], ()),
    ],
)
def test_runs_are_taken_as_they_are_told(
    runs: list[tuple[int, int]], present: tuple[Run, ...]
) -> None:
    """In any order; what lies outside of the recovery is left out."""
    told = [ToldRun(_name(first), _name(last)) for first, last in runs]
    found = cover_from_runs(WANTED, told)
    assert found.covered == (Covered(STRETCH, present),)
    assert found.is_proven


def test_runs_of_another_timeline_do_not_count() -> None:
    """Nor one that begins on one timeline and ends on another."""
    told = [ToldRun(_name(3, 1), _name(10, 1)), ToldRun(_name(3, 1), _name(10))]
    assert cover_from_runs(WANTED, told).covered == (Covered(STRETCH, ()),)


def test_nothing_told_of_the_wal_is_unknown() -> None:
    """Backups alone say nothing of a way to now."""
    with pytest.raises(BackupUnknown, match="the command x tells nothing of the WAL"):
        cover_from_runs(WANTED, None)


@pytest.mark.parametrize(
    ("first", "last", "present"),
    [
        (_name(1), _name(12), (Run(3, 10),)),
        (_name(5), _name(8), (Run(5, 8),)),
        (_name(1, 1), _name(8), (Run(3, 8),)),
        (_name(9, 1), _name(8), (Run(3, 8),)),
        (_name(5), _name(1, 3), (Run(5, 10),)),
        (_name(1, 1), _name(12, 1), ()),
        (_name(1, 3), _name(12, 3), ()),
        (_name(1), _name(2), ()),
    ],
)
def test_range_is_the_most_that_can_be_there(
    first: str, last: str, present: tuple[Run, ...]
) -> None:
    """What is between is never proven; what is outside is not there."""
    found = cover_from_range(WANTED, [ArchiveRange(first, last)])
    assert found.covered == (Covered(STRETCH, present),)
    assert not found.is_proven


def test_the_better_of_two_repositories_counts() -> None:
    """One of them is enough for a restore."""
    ranges = [ArchiveRange(_name(5), _name(6)), ArchiveRange(_name(1), _name(9))]
    assert cover_from_range(WANTED, ranges).covered == (Covered(STRETCH, (Run(3, 9),)),)
    assert cover_from_range(WANTED, []).covered == (Covered(STRETCH, ()),)


def test_way_between_timelines_is_not_told() -> None:
    """The history file lies in the archive, and nobody looks there."""
    reason = "does not tell how timeline 1 of the backup led to timeline 2 of the server"
    with pytest.raises(BackupUnknown, match=reason):
        cover_from_runs(ACROSS, [])
    with pytest.raises(BackupUnknown, match=reason):
        cover_from_range(ACROSS, [])


def test_segment_of_another_size_is_refused() -> None:
    """With 16 MiB there is no segment FFFFFFFF in a log."""
    with pytest.raises(BackupUnknown, match="whose segments have 16 MiB"):
        cover_from_runs(WANTED, [ToldRun("00000002000000000000FFFF", _name(9))])


@pytest.mark.parametrize(
    ("number", "timeline", "is_there"),
    [(3, 2, True), (10, 2, True), (7, 2, True), (2, 2, False), (11, 2, False), (7, 1, False)],
)
def test_one_segment_is_told_of_or_not(number: int, timeline: int, is_there: object) -> None:
    """Its ends count, and another timeline does not."""
    name = _name(number, timeline)
    assert is_told(name, [ToldRun(_name(90), _name(99)), ToldRun(_name(3), _name(10))]) is is_there
    assert is_told(name, [ArchiveRange(_name(3), _name(10))]) is is_there


def test_archive_over_two_timelines_is_told_of_to_its_end() -> None:
    """Its first segment may be of the timeline before."""
    across = [ArchiveRange(_name(3, 1), _name(10))]
    assert is_told(_name(7), across)
    assert not is_told(_name(11), across)
    assert not is_told(_name(7, 1), across)
