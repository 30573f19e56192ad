"""Several questions at a time, and answers in the order of the questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from hook.catalogs.lanes import LANES, side_by_side
from hook.errors import BackupUnknown
from tests.testbed.run_context import eventually

_SECONDS = 60.0


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_questions_are_asked_at_the_same_time() -> None:
    """As many as there are lanes wait for each other, which one after the other never ends."""
    together = threading.Barrier(LANES, timeout=_SECONDS)

    def ask(number: int) -> int:
        together.wait()
        return number * number

    numbers = range(3 * LANES)
    assert list(side_by_side(ask, numbers)) == [number * number for number in numbers]


def test_answers_keep_the_order_of_the_questions() -> None:
    """The last of the first ones answers first."""
    answered = [threading.Event() for _ in range(LANES)]

    def ask(number: int) -> int:
        if number + 1 < LANES:
            assert answered[number + 1].wait(_SECONDS)
        answered[number].set()
        return number

    assert list(side_by_side(ask, range(LANES))) == list(range(LANES))


def test_none_is_an_answer() -> None:
    """What is not there counts as well."""
    assert list(side_by_side({"a": 1}.get, "ab")) == [1, None]


def test_reader_that_has_seen_enough_leaves_nothing_open() -> None:
    """A damaged manifest ends the reading of its parts, again and again."""
    before = _open_files()
    for _ in range(20):
        answers = side_by_side(abs, range(5 * LANES))
        assert next(answers) == 0
        answers.close()  # type: ignore[attr-defined]  # it is a generator
    eventually(lambda: _open_files() <= before + LANES)


def test_no_question_is_asked_far_ahead() -> None:
    """Who needs no more does not pay for all of them."""
    taken: list[int] = []

    def keys() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    assert list(islice(side_by_side(lambda key: key, keys()), 2)) == [0, 1]
    assert len(taken) <= LANES + 2


def test_error_comes_when_its_turn_does() -> None:
    """What was answered before is not lost, and nothing more is asked."""
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        if number == 1:
            raise BackupUnknown("broken", "")
        return number

    answers = side_by_side(ask, count())
    assert next(answers) == 0
    with pytest.raises(BackupUnknown, match="broken"):
        next(answers)
    assert len(asked) <= LANES + 1
