"""Names and positions in the write-ahead log, and what a recovery reads of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.wal import (
    Fork,
    Recovery,
    Run,
    Segment,
    Stretch,
    find_holes,
    format_lsn,
    join,
    merge,
    names_between,
    parse_lsn,
    parse_segment,
    parse_timeline_history,
    plan_recovery,
)

MIB = 2**20
SIZE = 16 * MIB
SIZES = st.sampled_from([2**power * MIB for power in range(11)])
NUMBERS = st.integers(0, 2**24)
SETS = st.sets(st.integers(0, 200))


@pytest.mark.parametrize(
    ("segment", "size", "name"),
    [
        (Segment(1, 1), SIZE, "000000010000000000000001"),
        (Segment(1, 255), SIZE, "0000000100000000000000FF"),
        (Segment(1, 256), SIZE, "000000010000000100000000"),
        (Segment(0x1A, 255), MIB, "0000001A00000000000000FF"),
        (Segment(1, 4096), MIB, "000000010000000100000000"),
        (Segment(1, 4), 1024 * MIB, "000000010000000100000000"),
    ],
)
def test_name_depends_on_the_size_of_segments(segment: Segment, size: int, name: str) -> None:
    """A log of 4 GiB has 256 segments of the usual size, 4096 of the smallest, 4 of the largest."""
    assert segment.name(size) == name
    assert parse_segment(name, size) == segment


@given(st.integers(1, 2**32 - 1), NUMBERS, SIZES)
def test_name_and_segment_are_each_others_inverse(timeline: int, number: int, size: int) -> None:
    """Whatever the size, no two segments share a name, and names sort as segments do."""
    segment, following = Segment(timeline, number), Segment(timeline, number + 1)
    assert parse_segment(segment.name(size), size) == segment
    assert segment.name(size) < following.name(size)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("000000010000000000000028.00000028.backup", 0x28),
        ("000000010000000000000028.partial", 0x28),
        ("00000002.history", None),
        ("000000010000000000000100", None),
        ("00000001000000000000002", None),
        ("", None),
    ],
)
def test_what_the_archiver_names_is_told_by_its_segment(name: str, number: int | None) -> None:
    """Backup history files and partial segments stand for theirs; no name is made up."""
    assert parse_segment(name, SIZE) == (None if number is None else Segment(1, number))


@given(st.integers(0, 2**64 - 1))
def test_position_survives_its_text(lsn: int) -> None:
    """As the server writes it, whatever it is."""
    assert parse_lsn(format_lsn(lsn)) == lsn


@pytest.mark.parametrize("text", ["", "0", "0/", "/0", "x/1", "0/1/2"])
def test_what_is_no_position_is_refused(text: str) -> None:
    """Never read as some other position."""
    with pytest.raises(ValueError):  # noqa: PT011 - int() has its own words
        parse_lsn(text)


@given(SETS)
def test_merged_runs_hold_the_same_numbers(numbers: set[int]) -> None:
    """In order, without touching, and nothing lost or added."""
    runs = merge(numbers)
    assert {number for run in runs for number in range(run.first, run.last + 1)} == numbers
    assert all(left.last + 1 < right.first for left, right in pairwise(runs))
    assert sum(run.length for run in runs) == len(numbers)


@given(SETS, st.integers(0, 200), st.integers(0, 200))
def test_holes_are_what_is_not_there(numbers: set[int], first: int, last: int) -> None:
    """Each number of the range is either in a run or in a hole."""
    holes = find_holes(merge(numbers), first, last)
    missing = {number for hole in holes for number in range(hole.first, hole.last + 1)}
    assert missing == set(range(first, last + 1)) - numbers


HISTORY = """\
1\t0/5000000\tno recovery target specified

2\t0/9000060\tbefore 2026-01-01 00:00:00+00
# a comment
"""
FORKS = (Fork(1, 0x5000000), Fork(2, 0x9000060))


def test_timeline_history_tells_the_forks() -> None:
    """Reasons, empty lines and comments are nothing to it."""
    assert parse_timeline_history(HISTORY) == FORKS


@pytest.mark.parametrize("text", ["1", "x\t0/5\treason", "1\t5\treason"])
def test_damaged_timeline_history_is_refused(text: str) -> None:
    """Half a history is not a shorter one."""
    with pytest.raises(ValueError):  # noqa: PT011 - int() has its own words
        parse_timeline_history(text)


def recovery(timeline: int, first: int, end: Segment, consistent: int = 0) -> Recovery:
    """Return a recovery from the segment *first*, consistent at its beginning if not told."""
    return Recovery(Segment(timeline, first), consistent or first * SIZE, end, SIZE)


@pytest.mark.parametrize(
    ("wanted", "stretches"),
    [
        (recovery(1, 2, Segment(1, 9)), [Stretch(1, 2, 9)]),
        (
            recovery(1, 2, Segment(3, 12)),
            [Stretch(1, 2, 4), Stretch(2, 5, 8), Stretch(3, 9, 12)],
        ),
        (recovery(2, 6, Segment(3, 12)), [Stretch(2, 6, 8), Stretch(3, 9, 12)]),
        (recovery(2, 9, Segment(3, 12), 0x9000050), [Stretch(3, 9, 12)]),
        (recovery(2, 8, Segment(3, 12), 0x9000060), [Stretch(2, 8, 8), Stretch(3, 9, 12)]),
        (recovery(3, 11, Segment(3, 12)), [Stretch(3, 11, 12)]),
    ],
)
def test_recovery_follows_the_timelines(wanted: Recovery, stretches: list[Stretch]) -> None:
    """The segment of a fork is read from the timeline that was forked off."""
    assert plan_recovery(wanted, FORKS) == tuple(stretches)


@pytest.mark.parametrize(
    "wanted",
    [
        recovery(1, 6, Segment(3, 12)),
        recovery(2, 9, Segment(3, 12), 0x9000100),
        recovery(4, 9, Segment(3, 12)),
        recovery(1, 2, Segment(2, 12)),
    ],
    ids=["after-the-fork", "ends-after-the-fork", "newer-timeline", "other-history"],
)
def test_no_way_leads_from_a_backup_on_another_branch(wanted: Recovery) -> None:
    """What was written on the old timeline after the fork is not the server's past."""
    forks = FORKS if wanted.end.timeline == 3 else (Fork(5, 1),)
    assert plan_recovery(wanted, forks) is None


def test_no_way_leads_over_a_fork_of_a_later_timeline() -> None:
    """The server went from timeline 1 to 3, and the backup is of 2, as consistent as it may be."""
    forks = (Fork(1, 0x5000000), Fork(3, 0x9000060))
    assert plan_recovery(recovery(2, 6, Segment(4, 12)), forks) is None


def test_logs_of_a_stretch_are_the_folders_it_passes_through() -> None:
    """Nothing else has to be listed, however long the archive is."""
    assert list(Stretch(1, 255, 512).logs(SIZE)) == [
        "0000000100000000",
        "0000000100000001",
        "0000000100000002",
    ]
    assert Run(255, 512).length == 258


@pytest.mark.parametrize(
    ("behind", "between"),
    [
        ("0000000100000000000000FD", ["0000000200000000000000FE", "0000000200000000000000FF"]),
        ("0000000200000000000000FF", []),
        ("000000020000000100000000", []),
        ("000000020000000100000001", []),
        ("000000010000000000000BAD", []),
        (None, []),
    ],
    ids=["log-before", "next", "same", "newer", "no-name", "unknown"],
)
def test_names_between_are_of_the_later_timeline(behind: str | None, between: list[str]) -> None:
    """It goes on where the number of the other one ends."""
    assert list(names_between(behind, "000000020000000100000000", SIZE)) == between


def test_nothing_is_between_what_has_no_number() -> None:
    """So large a segment has no such name."""
    assert not list(names_between("000000010000000000000001", "0000000100000000000000FF", 2**30))


@given(SETS, st.integers(1, 5))
def test_joined_runs_are_those_of_all_numbers(numbers: set[int], size: int) -> None:
    """However they were cut, as the folders of an archive cut them."""
    pieces = [Run(number, number) for number in sorted(numbers)]
    coarse = [run for at in range(0, len(pieces), size) for run in join(pieces[at : at + size])]
    assert join(coarse) == merge(numbers)
