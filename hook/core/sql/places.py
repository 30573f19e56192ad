"""Where the statements of a script stand, in little memory.

A script of tiny statements has millions of them: as two offsets each they would take as
much memory as the script. What is kept is distances, which mostly fit into a byte.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

Place = tuple[int, int]
"""Start of a statement, and its end."""

# Every so many places the offset itself is kept, to begin to read there.
_BLOCK = 64
_LONG = 0xFF


class Places:
    """Stretches of a script in order, two bytes each if they and the gaps are short."""

    __slots__ = ("_count", "_distances", "_end", "_long", "_long_before", "_marks")

    def __init__(self) -> None:
        """Begin with none."""
        self._count = 0
        self._end = 0
        # Two for each place: from the end of the one before, and from its own start.
        self._distances = bytearray()
        self._long = array("I")
        # Of each block: where the place in front of it ends, and the long distances before.
        self._marks = array("I")
        self._long_before = array("I")

    def __len__(self) -> int:
        return self._count

    def add(self, start: int, end: int) -> None:
        """Add a place behind all others."""
        if not self._count % _BLOCK:
            self._marks.append(self._end)
            self._long_before.append(len(self._long))
        for distance in (start - self._end, end - start):
            if distance < _LONG:
                self._distances.append(distance)
            else:
                self._distances.append(_LONG)
                self._long.append(distance)
        self._end = end
        self._count += 1

    def between(self, first: int, stop: int) -> Iterator[Place]:
        """Return the places from index *first* to the one before *stop*."""
        return islice(self._from_block(first // _BLOCK, stop), first % _BLOCK, None)

    def at(self, index: int) -> Place:
        """Return the place at *index*."""
        if not self._long:  # as in most scripts, and told at a fraction of the time
            block, last = index // _BLOCK, 2 * index + 1
            start = self._marks[block] + sum(self._distances[2 * _BLOCK * block : last])
            return start, start + self._distances[last]
        return next(self.between(index, index + 1))

    def begun_by(self, offset: int) -> int:
        """Return how many places start at *offset* or in front of it."""
        if offset >= self._end:
            return self._count
        block = max(bisect_right(self._marks, offset) - 1, 0)
        count = block * _BLOCK
        for start, _ in self._from_block(block, min(count + _BLOCK, self._count)):
            if start > offset:
                break
            count += 1
        return count

    def _from_block(self, block: int, stop: int) -> Iterator[Place]:
        """Yield the places from the start of *block* to the one before *stop*."""
        if block * _BLOCK >= stop:
            return
        end = self._marks[block]
        # Views, which copy nothing; nothing is added any more while they are read.
        long = iter(memoryview(self._long)[self._long_before[block] :])
        distances = iter(memoryview(self._distances)[2 * _BLOCK * block : 2 * stop])
        for gap in distances:
            start = end + (gap if gap < _LONG else next(long))
            length = next(distances)
            end = start + (length if length < _LONG else next(long))
            yield start, end
