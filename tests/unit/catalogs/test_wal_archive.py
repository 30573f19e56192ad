"""How the segments of an archive become what a recovery reads, whatever system keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

from hook.catalogs.wal_archive import LOG_LIMIT, Kept, look_for_wal, merge_compressions
from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.errors import BackupUnknown

SIZE = 16 * 2**20
PER_LOG = 2**32 // SIZE
EMPTY = "names alone"


@dataclass(frozen=True, slots=True)
class Memory:
    """A `WalArchive` of *kept*, in which a server went from timeline 1 to 2 at segment 5."""

    kept: Sequence[Kept] = ()
    history: bytes | None = b"1\t0/5000000\tpromoted\n"

    def list_segments(self, logs: tuple[str, ...]) -> Iterable[Kept]:
        """Return all of them, whatever is asked for."""
        assert logs
        return self.kept

    def read_history(self, name: str) -> bytes | None:
        """Return the one history."""
        assert name == "00000002.history"
        return self.history

    def describe(self, name: str) -> str:
        """Name a file."""
        return f"memory/{name}"


def _kept(timeline: int, *numbers: int, flaw: str = "", doubt: str = "") -> list[Kept]:
    return [Kept(Segment(timeline, number).name(SIZE), flaw, doubt) for number in numbers]


def _look(archive: Memory, recovery: Recovery) -> ArchiveEvidence:
    return look_for_wal(archive, ArchiveEvidence("memory", recovery, "42"))


ACROSS = Recovery(Segment(1, 3), 3 * SIZE, Segment(2, 6), SIZE)


@pytest.mark.parametrize(
    ("doubted", "expected"),
    [
        ((1, 2), ((Run(3, 4),), (Run(5, 6),))),
        ((1,), ((), (Run(5, 6),))),
        ((2,), ((Run(3, 4),), ())),
        ((), ((Run(3, 4),), (Run(5, 6),))),
    ],
    ids=["all", "before", "after", "none"],
)
def test_segments_in_doubt_count_where_all_are(
    doubted: tuple[int, ...], expected: tuple[tuple[Run, ...], ...]
) -> None:
    """All of the recovery, on whichever timeline: one that is beyond doubt shows what is right."""
    numbers = {1: (3, 4), 2: (5, 6)}
    kept = [
        item
        for timeline, own in numbers.items()
        for item in _kept(timeline, *own, doubt=EMPTY if timeline in doubted else "")
    ]
    found = _look(Memory(kept), ACROSS)
    stretches = (Stretch(1, 3, 4), Stretch(2, 5, 6))
    assert found.covered == tuple(map(Covered, stretches, expected))


def test_segments_beside_the_recovery_are_nothing_to_it() -> None:
    """Of another timeline, in front of it, behind it, or of another size of segments."""
    kept = [*_kept(1, 2, 3, 4, 5, 5), *_kept(2, 4, 5, 6, 7), Kept(f"{2:08X}{0:08X}{PER_LOG:08X}")]
    found = _look(Memory(kept), ACROSS)
    covered = [covered.present for covered in found.covered]
    assert covered == [(Run(3, 4),), (Run(5, 6),)]
    assert (found.duplicates, found.warnings) == ((), ())


def test_segment_that_is_there_twice_is_named_once_for_each_time_too_many() -> None:
    """Readable or not: a restore refuses both."""
    recovery = Recovery(Segment(1, 3), 3 * SIZE, Segment(1, 4), SIZE)
    kept = [*_kept(1, 3), *_kept(1, 3, flaw="frozen"), *_kept(1, 4)]
    found = _look(Memory(kept), recovery)
    assert found.duplicates == (Segment(1, 3).name(SIZE),)
    assert found.warnings == (f"1 segment frozen, {Segment(1, 3).name(SIZE)} first",)


def test_history_that_is_missing_or_leads_elsewhere_covers_nothing() -> None:
    """The two are told apart, as they are mended in different ways."""
    missing = _look(Memory(history=None), ACROSS)
    assert (missing.missing_history, missing.covered) == ("00000002.history", ())
    elsewhere = _look(Memory(history=b"1\t0/2000000\tpromoted before\n"), ACROSS)
    assert (elsewhere.missing_history, elsewhere.covered) == ("", ())


@pytest.mark.parametrize("history", [b"<html>", b"1\n", b"1\tx/0\n", b"\xff"])
def test_history_that_is_none_is_told(history: bytes) -> None:
    """Never read as one that leads nowhere."""
    with pytest.raises(BackupUnknown, match=r"^memory/00000002\.history is no timeline history"):
        _look(Memory(history=history), ACROSS)


def test_longest_archive_that_is_looked_through_is_so_many_logs() -> None:
    """One listing for each of them, in most layouts."""

    def recovery(logs: int) -> Recovery:
        return Recovery(Segment(1, 0), 0, Segment(1, logs * PER_LOG - 1), SIZE)

    assert _look(Memory(), recovery(LOG_LIMIT)).covered
    with pytest.raises(BackupUnknown, match="the WAL since the backup is longer than 16 TiB"):
        _look(Memory(), recovery(LOG_LIMIT + 1))


@pytest.mark.parametrize(
    ("flaws", "left"), [(["", "bad"], ""), (["bad", ""], ""), (["bad", "worse"], "worse")]
)
def test_compression_that_can_be_read_makes_up_for_the_others(flaws: list[str], left: str) -> None:
    """In whatever order they are listed."""
    assert list(merge_compressions(Kept("a", flaw) for flaw in flaws)) == [Kept("a", left)]
