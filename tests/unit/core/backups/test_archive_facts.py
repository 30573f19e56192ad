"""What the judgement of an archive tells besides its findings, for the table of backups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hook.core.backups.archive import Covered
from hook.core.backups.archive_judgement import ArchiveJudgement
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.core.outcome import Finding, Status, warned
from hook.errors import ExitCode
from tests.unit.core.backups.test_archive_judgement import (
    HEALTHY,
    SIZE,
    WHOLE,
    judgement,
    name,
    server,
)


def test_whole_archive_tells_its_end_and_lag() -> None:
    """The way is the finding that says so."""
    found = judgement(WHOLE)
    assert (found.way, found.last) == (found.findings[0], name(9))
    assert (found.holes, found.missing, found.whole_to) == ((), 0, name(9))
    assert found.lag is not None
    assert found.lag.span == timedelta(minutes=2)


def test_idle_archive_has_no_lag_and_an_unseen_queue_has_none_that_is_known() -> None:
    """Nothing waits; or nobody may see since when."""
    idle = judgement(WHOLE, server(at=10)).lag
    assert idle is not None
    assert idle.span == timedelta(0)
    unseen = HEALTHY._replace(last_archived=name(5), queue=None)
    unknown = judgement((Run(3, 5),), server(archiver=unseen)).lag
    assert unknown is not None
    assert (unknown.finding.status, unknown.span) == (Status.UNKNOWN, None)


@pytest.mark.parametrize(
    ("present", "last", "holes", "missing"),
    [
        ((Run(3, 5), Run(7, 9)), name(5), (name(6),), 1),
        ((Run(4, 9),), None, (name(3),), 1),
        ((Run(3, 3), Run(5, 9)), name(3), (name(4),), 1),
        (
            (Run(3, 4), Run(7, 7), Run(9, 9)),
            *(name(4), (f"{name(5)} to {name(6)} (2 segments)", name(8)), 3),
        ),
    ],
)
def test_hole_ends_the_way(
    present: tuple[Run, ...], last: str | None, holes: tuple[str, ...], missing: int
) -> None:
    """What is read last stands before the first one."""
    found = judgement(present)
    assert (found.way.status, found.last) == (Status.FAILED, last)
    assert (found.holes, found.missing, found.lag) == (holes, missing, None)
    assert found.whole_to is None


def test_last_segment_is_told_on_the_timeline_that_it_is_read_from() -> None:
    """A server that was promoted a moment ago has archived nothing on its own timeline."""
    before = Covered(Stretch(7, 3, 9), WHOLE)
    found = judgement((), covered=(before, Covered(Stretch(1, 10, 10), ())))
    assert found.last == name(9, timeline=7)
    assert found.way.message == f"7 segments without a hole, {name(3)} to {name(9, timeline=7)}"


def test_archive_that_is_not_proven_tells_its_end_and_no_holes() -> None:
    """Whether there are any is what is not known, also where the lag is refused."""
    found = judgement(WHOLE, is_proven=False)
    assert (found.way.status, found.last, found.holes) == (Status.UNKNOWN, name(9), None)
    assert found.whole_to is None
    late = server(
        archiver=HEALTHY._replace(
            last_archived_at=HEALTHY.last_archived_at
            and HEALTHY.last_archived_at - timedelta(hours=1)
        )
    )
    found = judgement(WHOLE, late, is_proven=False)
    assert [item.rule for item in found.findings] == ["wal-lag"]
    assert (found.way.rule, found.way.status) == ("wal-archive", Status.UNKNOWN)
    short = server(archiver=HEALTHY._replace(last_archived=None, queue=6))
    assert judgement((Run(3, 3),), short, is_proven=False).way.status is Status.FAILED


def test_archive_that_no_way_leads_through_tells_nothing_else() -> None:
    """Nobody looked further."""
    found = judgement((), covered=())
    assert (found.way.rule, found.last, found.holes, found.lag) == (
        *("wal-timeline", None, None, None),
    )


ODD: dict[str, Any] = {"warnings": ("archive.info is missing",)}
TOLD = warned("wal-metadata", "the archive: archive.info is missing", "Find out what became of it.")


@pytest.mark.parametrize(
    ("found", "rules"),
    [
        (judgement(WHOLE, **ODD), ["wal-archive", "wal-lag"]),
        (judgement(WHOLE, **ODD, is_proven=False), ["wal-archive"]),
        (judgement((Run(4, 9),), **ODD), ["wal-archive"]),
        (judgement((), **ODD, covered=()), ["wal-timeline"]),
    ],
    ids=["whole", "not proven", "hole", "no way"],
)
def test_oddities_are_told_whatever_the_verdict_is(
    found: ArchiveJudgement, rules: list[str]
) -> None:
    """In front of it, and once."""
    assert found.findings[0] == TOLD
    assert [item.rule for item in found.findings[1:]] == rules


def test_report_names_a_bounded_number_of_holes() -> None:
    """And how many segments are missing in all."""
    last = 2 * 150 + 3
    present = tuple(Run(number, number) for number in range(3, last, 2))
    archiver = HEALTHY._replace(last_archived=name(last))
    (way,) = judgement(present, server(last + 1, archiver)).findings
    assert way.facts["missing"] == 151
    assert way.facts["holes"] == [name(number) for number in range(4, 204, 2)]


def test_server_at_the_end_of_a_segment_has_nothing_that_waits() -> None:
    """Not a byte of the next one."""
    _, lag = judgement(WHOLE, server(at=10)).findings
    assert lag.facts == {"waiting": 0, "waiting_bytes": 0}


def consistent_at(position: int, present: tuple[Run, ...]) -> tuple[Finding, ...]:
    """Return what is said of a backup that begins in segment 3 and ends at *position*."""
    found = server(archiver=HEALTHY._replace(last_archived=name(4), queue=5))
    recovery = Recovery(Segment(1, 3), position, found.current, SIZE)
    return judgement(present, found, recovery=recovery).findings


def test_backup_that_ends_with_a_segment_needs_nothing_of_the_next() -> None:
    """Not one byte more than all before."""
    way, _ = consistent_at(5 * SIZE, (Run(3, 4),))
    assert way.message == f"2 segments without a hole, {name(3)} to {name(4)}"
    way, _ = consistent_at(5 * SIZE + 1, (Run(3, 4),))
    assert (way.status, way.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    (hole,) = consistent_at(4 * SIZE, (Run(3, 3), Run(5, 5)))
    assert hole.message.endswith(f"{name(4)} is not in the archive; a restore ends before it")


def test_backup_needs_the_segment_that_it_begins_in() -> None:
    """Wherever it ends: the recovery begins with the checkpoint in there."""
    archiver = HEALTHY._replace(last_archived=None, queue=7)
    found = server(archiver=archiver)
    recovery = Recovery(Segment(1, 3), 3 * SIZE, found.current, SIZE)
    way, _ = judgement((), found, recovery=recovery).findings
    assert (way.status, way.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
