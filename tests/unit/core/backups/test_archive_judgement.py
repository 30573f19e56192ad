"""Whether WAL leads from a backup to now, and how much of it is not archived."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.archive import ArchiveEvidence, Archiver, Checkpoint, Covered, ServerWal
from hook.core.backups.archive_judgement import ArchiveJudgement, judge_archive
from hook.core.backups.wal import Recovery, Run, Segment, Stretch, merge
from hook.core.backups.wal_lag import IDLE_BYTES
from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode
from tests.fakes import NOON

SIZE = 16 * 2**20
LIMIT = timedelta(minutes=15)
HEALTHY = Archiver(
    "on",
    "replica",
    has_destination=True,
    last_archived="000000010000000000000009",
    last_archived_at=NOON - timedelta(minutes=2),
    queue=0,
)


def name(number: int, timeline: int = 1) -> str:
    """Return the name of a segment."""
    return Segment(timeline, number).name(SIZE)


def server(at: float = 10.5, archiver: Archiver = HEALTHY) -> ServerWal:
    """Return a server that has written *at* segments of WAL."""
    return ServerWal(SIZE, 1, int(at * SIZE), NOON, archiver)


def evidence(present: tuple[Run, ...], of: ServerWal | None = None, **more: Any) -> ArchiveEvidence:
    """Return an archive that holds *present*, behind a backup that needs segments 3 and 4."""
    found = of or server()
    recovery = Recovery(Segment(1, 3), 4 * SIZE + 100, found.current, SIZE)
    covered = (Covered(Stretch(1, 3, found.current.number), present),)
    return ArchiveEvidence("the archive", recovery, "42", covered)._replace(**more)


def judged(
    present: tuple[Run, ...], of: ServerWal | None = None, **more: Any
) -> tuple[Finding, ...]:
    """Return the findings about an archive that holds *present*."""
    return judgement(present, of, **more).findings


def judgement(
    present: tuple[Run, ...], of: ServerWal | None = None, **more: Any
) -> ArchiveJudgement:
    """Return what is made of an archive that holds *present*."""
    found = of or server()
    return judge_archive(evidence(present, found, **more), found, LIMIT, "42")


def refusal(findings: tuple[Finding, ...]) -> Finding:
    """Return the finding that decides."""
    decisive = deciding_finding(findings)
    assert decisive is not None
    assert decisive.hint.endswith(".")
    return decisive


WHOLE = (Run(3, 9),)


def test_whole_archive_passes_with_its_ends_and_lag() -> None:
    """From the backup's first segment to the last finished one, half a segment is under way."""
    way, lag = judged(WHOLE)
    assert (way.status, way.rule) == (Status.PASSED, "wal-archive")
    assert way.message == f"7 segments without a hole, {name(3)} to {name(9)}"
    assert (lag.status, lag.rule) == (Status.PASSED, "wal-lag")
    assert lag.message == "8 MiB of WAL not archived since 2m (limit 15m)"


@pytest.mark.parametrize(
    ("present", "told"),
    [
        (
            (Run(3, 5), Run(7, 9)),
            f"WAL is missing: {name(6)} is not in the archive; a restore ends",
        ),
        ((Run(3, 4), Run(7, 9)), f"{name(5)} to {name(6)} (2 segments) are not in the archive; a"),
        ((Run(4, 9),), f"{name(3)} is not in the archive; the backup itself cannot be restored"),
        ((Run(3, 3), Run(5, 9)), f"{name(4)} is not in the archive; the backup itself"),
        ((Run(3, 7),), f"{name(8)} to {name(9)} (2 segments) are not in the archive; a restore"),
        ((), f"{name(3)} to {name(9)} (7 segments) are not in the archive; the backup itself"),
        (
            (Run(3, 4), Run(6, 6), Run(8, 8)),
            f"{name(5)}, {name(7)} and 1 hole more are not in the archive",
        ),
        ((Run(3, 4), Run(6, 6), Run(8, 9)), f"{name(5)}, {name(7)} are not in the archive; a r"),
    ],
)
def test_hole_is_named_with_what_it_means(present: tuple[Run, ...], told: str) -> None:
    """What the server has reported as archived has to be there."""
    (finding,) = judged(present)
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "wal-archive")
    assert told in finding.message


def test_gap_that_is_not_reported_as_archived_is_on_its_way() -> None:
    """An asynchronous archiver sends several segments at once, in any order."""
    archiver = HEALTHY._replace(last_archived=name(6), queue=3)
    way, lag = judged((Run(3, 6), Run(8, 9)), server(archiver=archiver))
    assert way.message == f"4 segments without a hole, {name(3)} to {name(6)}"
    assert (lag.status, lag.facts["waiting"]) == (Status.PASSED, 3)


@pytest.mark.parametrize("last", [None, "00000002.history", name(6, timeline=7)])
def test_gap_below_the_newest_segment_is_a_hole_when_the_server_tells_nothing(
    last: str | None,
) -> None:
    """After a reset of the statistics, or a promotion, the listing alone has to do."""
    found = server(archiver=HEALTHY._replace(last_archived=last, queue=None))
    assert (
        "000000010000000000000007 is not in"
        in refusal(judged((Run(3, 6), Run(8, 9)), found)).message
    )
    assert deciding_finding(judged((Run(3, 8),), found)) is None


def test_archive_that_ends_within_the_backup_is_refused() -> None:
    """Nothing is lost yet, and still nothing can be restored."""
    found = server(archiver=HEALTHY._replace(last_archived=None, queue=6))
    finding = refusal(judged((Run(3, 3),), found))
    assert "ends before 0/4000064, which the backup needs" in finding.message
    unseen = server(archiver=HEALTHY._replace(last_archived=None, queue=None))
    assert "ends before 0/4000064" in refusal(judged((), unseen)).message


def test_archive_of_another_cluster_is_refused() -> None:
    """Names of segments are the same everywhere."""
    (finding,) = judged(WHOLE, system_identifier="43")
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "wal-cluster")


def test_missing_history_and_missing_way_are_refused() -> None:
    """A restore finds another timeline only through its history."""
    (finding,) = judged((), covered=(), missing_history="00000002.history")
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "wal-timeline")
    assert "00000002.history is not in the archive" in finding.message
    (finding,) = judged((), covered=())
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "wal-timeline")
    assert "no way leads from the backup on timeline 1 at 0/4000064" in finding.message


def test_segment_that_is_there_twice_is_refused() -> None:
    """No restore accepts it: one of them is of another server."""
    (finding,) = judged(WHOLE, duplicates=(name(5),))
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "wal-duplicate")


def test_hole_on_an_earlier_timeline_is_a_hole() -> None:
    """Whatever the server says: it speaks of its own timeline only."""
    found = ServerWal(SIZE, 2, int(10.5 * SIZE), NOON, HEALTHY._replace(last_archived=name(9, 2)))
    covered = (
        Covered(Stretch(1, 3, 6), (Run(3, 4), Run(6, 6))),
        Covered(Stretch(2, 7, 10), (Run(7, 9),)),
    )
    (finding,) = judged((), found, covered=covered)
    assert f"{name(5)} is not in" in finding.message


def test_damaged_first_copy_of_the_metadata_is_told() -> None:
    """It did not stop the reading, and somebody should look."""
    warning, *_ = judged(WHOLE, warnings=("archive.info is missing",))
    assert (warning.status, warning.rule) == (Status.WARNED, "wal-metadata")


@pytest.mark.parametrize(
    ("minutes", "code"), [(14, ExitCode.OK), (15, ExitCode.OK), (16, ExitCode.NO_WAY_BACK)]
)
def test_lag_counts_from_the_last_archived_segment(minutes: int, code: ExitCode) -> None:
    """What has been written since would be lost."""
    archiver = HEALTHY._replace(last_archived_at=NOON - timedelta(minutes=minutes))
    *_, lag = judged(WHOLE, server(archiver=archiver))
    assert lag.code is code
    assert lag.facts["lag_ms"] == minutes * 60_000


def test_lag_counts_from_the_oldest_segment_that_waits() -> None:
    """An archiver that is behind archives all the time."""
    archiver = HEALTHY._replace(
        last_archived=name(5), queue=4, waiting_since=NOON - timedelta(hours=2)
    )
    finding = refusal(judged((Run(3, 5),), server(archiver=archiver)))
    assert finding.message == "72 MiB of WAL not archived since 2h (limit 15m)"


def test_queue_that_cannot_be_seen_is_unknown() -> None:
    """One segment has just been finished; of two nobody can tell how long they wait."""
    archiver = HEALTHY._replace(last_archived=name(7), queue=None)
    finding = refusal(judged((Run(3, 7),), server(archiver=archiver)))
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert "2 finished segments not archived yet" in finding.message
    one = HEALTHY._replace(last_archived=name(8), queue=None)
    assert deciding_finding(judged((Run(3, 8),), server(archiver=one))) is None


def test_lag_without_any_time_is_unknown() -> None:
    """After a reset of the statistics, with something changed since the last segment."""
    archiver = HEALTHY._replace(last_archived=None, last_archived_at=None)
    finding = refusal(judged(WHOLE, server(archiver=archiver)))
    assert (finding.code, finding.rule) == (ExitCode.UNKNOWN_BACKUP, "wal-lag")


EVERY = timedelta(minutes=5)
OLD = HEALTHY._replace(last_archived_at=NOON - timedelta(days=9))


@pytest.mark.parametrize(
    ("beyond", "last_change", "is_idle"),
    [
        (0, None, True),
        (IDLE_BYTES, None, True),
        (IDLE_BYTES + 1, None, False),
        (400, 96, True),
        (400, -5000, True),
        (400, 300, False),
    ],
)
def test_idle_server_has_no_lag(beyond: int, last_change: int | None, is_idle: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """It writes a little by itself, which is never archived, however long one waits."""
    end = 10 * SIZE
    checkpoint = Checkpoint(end + last_change, True, EVERY) if last_change is not None else None  # noqa: FBT003 - a field
    found = ServerWal(SIZE, 1, end + beyond, NOON, OLD, checkpoint)
    *_, lag = judged(WHOLE, found)
    assert (lag.message == "all that was changed is archived") == is_idle
    if not is_idle:
        assert lag.message == "1 KiB of WAL not archived since 216h (limit 15m)"


@pytest.mark.parametrize(
    ("redo", "archived", "told"),
    [
        (96, OLD, "since 10m (limit 15m)"),
        (-5000, OLD, "since 10m (limit 15m)"),
        (IDLE_BYTES, OLD, "since 10m (limit 15m)"),
        (96, HEALTHY, "since 2m (limit 15m)"),
        (96, OLD._replace(last_archived_at=None), "since 10m (limit 15m)"),
        (4000, OLD, "since 216h (limit 15m)"),
        (96, OLD._replace(waiting_since=NOON - timedelta(hours=1)), "since 216h (limit 15m)"),
    ],
)
def test_server_that_has_just_woken_up_has_no_old_wal(
    redo: int, archived: Archiver, told: str
) -> None:
    """A checkpoint that began before the change tells how old the change can be."""
    end = 10 * SIZE
    checkpoint = Checkpoint(end + redo, False, EVERY)  # noqa: FBT003 - a field
    *_, lag = judged(WHOLE, ServerWal(SIZE, 1, end + 9000, NOON, archived, checkpoint))
    assert lag.message == f"8 KiB of WAL not archived {told}"


@given(st.sets(st.integers(3, 9)), st.integers(3, 9))
def test_archive_passes_only_when_nothing_that_was_archived_is_missing(
    numbers: set[int], last: int
) -> None:
    """Whatever is there, a hole up to the last archived segment never passes."""
    found = server(archiver=HEALTHY._replace(last_archived=name(last), queue=1))
    is_good = deciding_finding(judged(merge(numbers), found)) is None
    # One of the seven waits, and one may just have been finished.
    needed = set(range(3, max(last, 7) + 1))
    assert is_good == (needed <= numbers)


def test_archive_of_which_only_the_ends_are_told_is_unknown() -> None:
    """Neither a way without a hole nor that all is archived can be said of it."""
    (finding,) = judged(WHOLE, is_proven=False)
    assert (finding.status, finding.rule) == (Status.UNKNOWN, "wal-archive")
    assert finding.code is ExitCode.UNKNOWN_BACKUP
    assert f"({name(9)}), and not whether there is a hole between" in finding.message
    assert "PRESYNC_ARCHIVE_POLICY" in finding.hint


def test_archive_whose_ends_are_not_enough_is_refused_all_the_same() -> None:
    """What is certainly missing is no question of proof."""
    hole = refusal(judged((Run(5, 9),), is_proven=False))
    assert (hole.code, hole.rule) == (ExitCode.NO_WAY_BACK, "wal-archive")
    late = server(archiver=HEALTHY._replace(last_archived_at=NOON - timedelta(hours=2)))
    (lag,) = judged(WHOLE, late, is_proven=False)
    assert (lag.code, lag.rule) == (ExitCode.NO_WAY_BACK, "wal-lag")


def test_archive_that_does_not_tell_its_cluster_is_that_of_its_backups() -> None:
    """Whose these are is judged with them."""
    way, _ = judged(WHOLE, system_identifier=None)
    assert way.status is Status.PASSED
