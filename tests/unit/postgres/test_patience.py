"""How long an answer is waited for, and what is left of that at the end of a run."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from hook.clock import Bounds, Deadline, Interrupt
from hook.core.sessions.census import Census
from hook.postgres.patience import (
    HEARTBEAT_SECONDS,
    BlockerLook,
    LastLook,
    OneLook,
    Patience,
    Wait,
    Wake,
)
from tests.fakes import FakeClock

MINUTE = 60.0


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Return a stop request that never comes."""
    with closing(Interrupt()) as request:
        yield request


def bounds(interrupt: Interrupt, seconds: float, spent: float = 0.0) -> Bounds:
    """Return the bounds of a run of *seconds*, of which some are *spent*."""
    clock = FakeClock()
    deadline = Deadline.after(clock, timedelta(seconds=seconds), "PRESYNC_DEADLINE")
    clock.advance(spent)
    return Bounds(interrupt, deadline)


@pytest.mark.parametrize(
    ("seconds", "spent", "expected"),
    [(1500, 0, MINUTE), (1500, 1490, 10), (1500, 1499.5, 2), (5, 50, 2)],
)
def test_answer_is_waited_for_until_the_deadline(
    interrupt: Interrupt, seconds: float, spent: float, expected: float
) -> None:
    """A minute at most; one that comes at once is taken also when the time is over."""
    patience = Patience(bounds(interrupt, seconds, spent))
    assert patience.for_an_answer().limit == pytest.approx(expected)


def test_limit_of_a_script_is_the_deadline(interrupt: Interrupt) -> None:
    """Whatever else is asked for; nothing is left of it when the time is over."""
    assert Patience(bounds(interrupt, 5)).limit == pytest.approx(5)
    assert Patience(bounds(interrupt, 5)).at_most(3).limit == pytest.approx(3)
    assert Patience(bounds(interrupt, 5, 9)).at_most(3).limit == 0
    assert Patience(Bounds(interrupt)).limit == math.inf


def test_cleaning_up_has_a_limit_of_its_own() -> None:
    """Neither a stop request nor the deadline ends it."""
    assert Patience(seconds=3).for_an_answer() == Patience(seconds=3)
    assert Patience().for_an_answer().limit == MINUTE
    assert Patience().interrupt is None


def test_last_look_is_at_the_end_of_the_wait(interrupt: Interrupt) -> None:
    """The same limit, with somebody who finds out what it was for."""
    census = Census(prepared=("gid",))
    patience = Patience(bounds(interrupt, 5), onlook=lambda: census).for_an_answer()
    last = patience.lookout
    assert isinstance(last, LastLook)
    assert last.seconds == pytest.approx(5)
    assert 0 < last.due_in() <= 5
    assert (last.gives_up(), last.census) == (True, census)
    assert patience.limit == math.inf


def test_wait_goes_on_as_long_as_nobody_is_found_in_its_way() -> None:
    """It is looked again a second later, and given up for who is there then."""
    nobody, somebody = Census(), Census(prepared=("gid",))
    found = [somebody, nobody]
    look = BlockerLook(0, found.pop)
    assert look.due_in() <= 0
    assert (look.gives_up(), look.census) == (False, nobody)
    assert 0 < look.due_in() <= HEARTBEAT_SECONDS
    assert (look.gives_up(), look.census) == (True, somebody)


def test_another_look_is_one_within_the_wait(interrupt: Interrupt) -> None:
    """The wait goes on, and has the limit of any question."""
    census = Census(prepared=("gid",))
    again = Patience(bounds(interrupt, 5), onlook=lambda: census).for_another_look(0)
    assert again is not None
    assert again.limit == pytest.approx(5)
    look = again.lookout
    assert isinstance(look, OneLook)
    assert look.due_in() <= 0
    assert (look.gives_up(), look.census) == (False, census)
    assert look.due_in() == math.inf
    assert Patience().for_another_look(0) is None


def test_wait_is_told_of_although_there_is_always_something_to_read() -> None:
    """A script that gets more than it can take is not silent for that."""
    told: list[float] = []
    wait = Wait(Patience(on_wait=told.append))
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"x")
        ends = time.monotonic() + 1.5 * HEARTBEAT_SECONDS
        while time.monotonic() < ends:
            assert wait.until_ready(here.fileno(), reading=True, writing=False) is Wake.SOCKET
    assert len(told) == 1
