"""Names and positions in the write-ahead log, and which of its segments are there.

A segment file is called by timeline, log and segment, eight hexadecimal digits each; a
log holds 4 GiB, so how many segments it has depends on the server's ``wal_segment_size``.
https://www.postgresql.org/docs/current/wal-internals.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LOG_SIZE = 2**32
_NAME = re.compile(r"[0-9A-F]{24}")


class Segment(NamedTuple):
    """One segment file. *number* counts from the beginning of the log, on any timeline."""

    timeline: int
    number: int

    def name(self, size: int) -> str:
        """Return the file's name where segments have *size* bytes."""
        log, segment = divmod(self.number, _LOG_SIZE // size)
        return f"{self.timeline:08X}{log:08X}{segment:08X}"


class Run(NamedTuple):
    """Segment numbers without a gap between *first* and *last*, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Return how many segments these are."""
        return self.last - self.first + 1


class Fork(NamedTuple):
    """Where a *timeline* was left for the next one, from a timeline history file."""

    timeline: int
    lsn: int


class Stretch(NamedTuple):
    """The segments of one timeline that a recovery reads, both ends included."""

    timeline: int
    first: int
    last: int

    def logs(self, size: int) -> Iterator[str]:
        """Yield the beginning that the names of each 4 GiB of it share, in order."""
        per_log = _LOG_SIZE // size
        for log in range(self.first // per_log, self.last // per_log + 1):
            yield f"{self.timeline:08X}{log:08X}"


def parse_segment(name: str, size: int) -> Segment | None:
    """Return the segment that *name* begins with, none when it begins with none."""
    found = _NAME.match(name)
    if found is None:
        return None
    timeline, log, segment = (int(name[at : at + 8], 16) for at in (0, 8, 16))
    per_log = _LOG_SIZE // size
    return Segment(timeline, log * per_log + segment) if segment < per_log else None


def names_between(behind: str | None, before: str, size: int) -> Iterator[str]:
    """Yield the names of the segments behind *behind* and before *before*, on its timeline.

    None where one of them is not known. What *behind* is called on another timeline counts as
    far as its number goes: the timeline of *before* goes on there.
    """
    first = None if behind is None else parse_segment(behind, size)
    last = parse_segment(before, size)
    if first is not None and last is not None:
        for number in range(first.number + 1, last.number):
            yield Segment(last.timeline, number).name(size)


def parse_lsn(text: str) -> int:
    """Return the position that *text*, such as ``0/3000060``, stands for.

    Raises:
        ValueError: It is no position.
    """
    high, _, low = text.partition("/")
    return int(high, 16) * _LOG_SIZE + int(low, 16)


def format_lsn(lsn: int) -> str:
    """Return *lsn* as the server writes it."""
    return f"{lsn // _LOG_SIZE:X}/{lsn % _LOG_SIZE:X}"


def parse_timeline_history(text: str) -> tuple[Fork, ...]:
    """Return the forks in a timeline history file, the oldest timeline first.

    Raises:
        ValueError: A line is neither empty, a comment, nor ``timeline<TAB>position …``.
    """
    forks = []
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        if fields:
            timeline, position, *_reason = fields
            forks.append(Fork(int(timeline), parse_lsn(position)))
    return tuple(forks)


class Recovery(NamedTuple):
    """What is to be recovered.

    Attributes:
        start: First segment, on the timeline that the backup was taken on.
        consistent: Position that the backup needs at least.
        end: Last segment, on the timeline of the server.
        segment_size: In bytes.
    """

    start: Segment
    consistent: int
    end: Segment
    segment_size: int


def plan_recovery(recovery: Recovery, forks: Iterable[Fork]) -> tuple[Stretch, ...] | None:
    """Return what *recovery* reads, none when no way leads from its start to its end.

    The segment in which a timeline was left is read from the timeline that follows,
    which begins with a copy of it.
    *forks* are the history of the server's timeline.
    """
    start, end = recovery.start, recovery.end
    stretches: list[Stretch] = []
    first = start.number
    if start.timeline != end.timeline:
        path = [fork for fork in forks if fork.timeline >= start.timeline]
        if not path or path[0].timeline != start.timeline or path[0].lsn < recovery.consistent:
            return None
        for fork in path:
            switched = fork.lsn // recovery.segment_size
            if switched > first:
                stretches.append(Stretch(fork.timeline, first, switched - 1))
                first = switched
    return (*stretches, Stretch(end.timeline, first, max(end.number, first)))


def merge(numbers: Iterable[int]) -> tuple[Run, ...]:
    """Return *numbers*, in any order, as the fewest runs."""
    runs: list[Run] = []
    for number in sorted(numbers):
        if runs and number <= runs[-1].last + 1:
            runs[-1] = Run(runs[-1].first, number)
        else:
            runs.append(Run(number, number))
    return tuple(runs)


def join(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return *runs*, in order, with those that touch made one."""
    joined: list[Run] = []
    for run in runs:
        if joined and run.first <= joined[-1].last + 1:
            joined[-1] = Run(joined[-1].first, max(run.last, joined[-1].last))
        else:
            joined.append(run)
    return tuple(joined)


def find_holes(runs: Iterable[Run], first: int, last: int) -> tuple[Run, ...]:
    """Return what of *first* to *last* is in none of *runs*, which are in order."""
    holes, at = [], first
    for run in runs:
        holes.append(Run(at, min(run.first - 1, last)))
        at = max(at, run.last + 1)
    holes.append(Run(at, last))
    return tuple(hole for hole in holes if hole.length > 0)
