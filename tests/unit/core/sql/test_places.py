"""Places of statements: whatever is put in comes out, by any way."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hook.core.sql.places import Place, Places

# Around the length that no longer fits into a byte, and far beyond.
_DISTANCES = st.one_of(st.integers(0, 3), st.integers(253, 257), st.integers(0, 100_000))
_LISTS = st.lists(st.tuples(_DISTANCES, _DISTANCES), max_size=300)


def _places_of(distances: list[tuple[int, int]]) -> tuple[Places, list[Place]]:
    places, expected, end = Places(), [], 0
    for gap, length in distances:
        start, end = end + gap, end + gap + length
        places.add(start, end)
        expected.append((start, end))
    return places, expected


@given(_LISTS, st.integers(0, 300), st.integers(0, 300))
def test_places_come_out_as_they_were_put_in(
    distances: list[tuple[int, int]], first: int, stop: int
) -> None:
    """All of them, some in a row, and each alone."""
    places, expected = _places_of(distances)
    assert len(places) == len(expected)
    assert list(places.between(0, len(places))) == expected
    assert list(places.between(first, min(stop, len(places)))) == expected[first:stop]
    assert [places.at(index) for index in range(len(places))] == expected


@given(_LISTS.filter(bool), st.data())
def test_places_are_found_by_offset(distances: list[tuple[int, int]], data: st.DataObject) -> None:
    """As a search among the starts finds them."""
    places, expected = _places_of(distances)
    starts = [start for start, _ in expected]
    offset = data.draw(st.integers(0, expected[-1][1] + 1) | st.sampled_from(starts))
    assert places.begun_by(offset) == bisect_right(starts, offset)


def test_no_place_is_begun_where_there_is_none() -> None:
    """A script may hold comments only."""
    assert Places().begun_by(7) == 0


def test_short_places_take_two_bytes_each() -> None:
    """A script of tiny statements is itself what takes most of the memory."""
    places, _ = _places_of([(1, 8)] * 64_000)
    size = sum(getattr(places, name).__sizeof__() for name in ("_distances", "_marks"))
    assert size < 2.5 * 64_000
    assert all(b - a == 9 for a, b in pairwise(start for start, _ in places.between(0, 64_000)))
