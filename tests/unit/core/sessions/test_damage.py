"""What others pay, and when it is too much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.sessions.contention import LockWait, Look
from hook.core.sessions.damage import (
    CANCEL_SECONDS,
    LOOK_SECONDS,
    SIGHT_SECONDS,
    Blindness,
    Damage,
    Reason,
    Withdrawal,
    expected_queue,
    first_look,
    is_spent,
    judge_blindness,
    judge_damage,
    least_pause,
    left_of,
    most_waiting,
    pause_before_look,
    settled,
)
from hook.core.sessions.damage_budget import DamageBudget

BUDGET = DamageBudget(10, 20)
SECONDS = st.floats(min_value=0, max_value=100)
QUEUE = st.lists(
    st.builds(
        LockWait,
        pid=st.integers(2, 9),
        blockers=st.just((1,)),
        seconds=st.none() | st.floats(min_value=-1, max_value=100),
    ),
    unique_by=lambda item: item.pid,
)


def behind(*pids: int, seconds: float | None = None) -> tuple[LockWait, ...]:
    """Return sessions that wait for us."""
    return tuple(LockWait(pid, (1,), seconds) for pid in pids)


def look(*waits: LockWait, sessions: int = 100) -> Look:
    """Return a look at these, on a server with so many sessions."""
    return Look(1, is_found=True, sessions=sessions, waits=waits)


def test_who_comes_late_counts_from_then() -> None:
    """Known is how long each has waited; whoever was there before has waited all the time."""
    damage = Damage().begin(100.0)
    damage = damage.look(behind(7, seconds=0.25), 101.0)
    assert damage.attempt == pytest.approx(0.25)
    damage = damage.look((*behind(7, seconds=0.1), *behind(8, seconds=50)), 102.0)
    assert damage.attempt == pytest.approx(2.25)
    damage = damage.look((), 103.0)
    assert damage.attempt == pytest.approx(4.25)
    assert damage.look((), 110.0).attempt == damage.attempt


def test_unknown_wait_lasts_since_the_look_before() -> None:
    """What the server does not tell is not taken for nothing."""
    damage = Damage().begin(100.0).look(behind(7), 103.0)
    assert damage.attempt == pytest.approx(3)


def test_end_of_an_attempt_ends_the_wait() -> None:
    """Until then everybody waited; the run's damage is that of all attempts."""
    damage = Damage().begin(0.0).look(behind(7, 8), 1.0).end(1.5)
    assert damage.attempt == pytest.approx(3)
    assert damage.run == pytest.approx(3)
    again = damage.begin(60.0)
    assert (again.attempt, again.run) == (0, damage.run)
    assert again.end(70.0).run == damage.run


@given(st.lists(st.tuples(QUEUE, SECONDS), max_size=8))
def test_damage_is_bounded_by_everybody_all_the_time(
    looks: list[tuple[list[LockWait], float]],
) -> None:
    """It never shrinks, and no session costs more than the time that has passed."""
    now, damage, seen = 0.0, Damage().begin(0.0), set[int]()
    for queue, pause in looks:
        now += pause
        seen |= {item.pid for item in queue}
        later = damage.look(queue, now)
        assert later.run >= damage.run
        assert later.attempt <= len(seen) * now * (1 + 1e-9)
        damage = later
    assert damage.end(now).run == damage.run


@given(st.lists(SECONDS, min_size=1, max_size=8), st.sets(st.integers(2, 9), min_size=1))
def test_steady_queue_costs_the_same_however_often_it_is_seen(
    pauses: list[float], pids: set[int]
) -> None:
    """The integral does not depend on its steps."""
    queue = behind(*pids)
    now, damage = 0.0, Damage().begin(0.0)
    for pause in pauses:
        now += pause
        damage = damage.look(queue, now)
    assert damage.end(now).run == pytest.approx(len(pids) * now)


def test_clock_that_stands_still_costs_nothing() -> None:
    """Two looks at the same moment."""
    damage = Damage().begin(5.0).look(behind(7, seconds=9), 5.0)
    assert damage.run == 0
    assert damage.look(behind(7), 4.0).run == 0


@pytest.mark.parametrize(
    ("attempt", "run", "reason"),
    [
        (9.8, 19.8, None),
        (9.95, 19.8, Reason.ATTEMPT),
        (1.0, 19.91, Reason.RUN),
        (1.0, 19.95, Reason.RUN),
        (1.0, 20.0, Reason.RUN),
        (10.0, 20.0, Reason.RUN),
    ],
)
def test_budget_decides(attempt: float, run: float, reason: Reason | None) -> None:
    """The attempt ends as long as there is enough left for one more look and a cancel."""
    withdrawal = judge_damage(
        Damage(attempt, run), BUDGET, look(*behind(7), LockWait(1, (5,))), yields=False
    )
    assert (None if withdrawal is None else withdrawal.reason) is reason
    if withdrawal is not None:
        assert (withdrawal.waiting, withdrawal.was_waiting) == (1, True)


def spend(crowd: int, took: float, budget: DamageBudget) -> Damage:
    """Let so many wait behind one attempt after the other, as the watcher looks at them."""
    now, damage, queue = 0.0, Damage(), behind(*range(2, crowd + 2))
    while not is_spent(damage, budget):
        damage = damage.begin(now)
        now += pause_before_look(left_of(budget, damage), damage.crowd)
        damage = damage.due(now)
        withdrawal = None
        while withdrawal is None:
            now += took
            damage = damage.look(queue, now)
            seen = look(*queue, sessions=1000)
            pause = pause_before_look(left_of(budget, damage), crowd, least_pause(seen, took))
            withdrawal = judge_damage(damage, budget, seen, took, yields=True)
            if withdrawal is None:
                now += pause
            damage = damage.due(now + took + (0 if withdrawal is None else CANCEL_SECONDS))
        now += took + CANCEL_SECONDS
        damage = damage.end(now)
    return damage


@given(st.integers(1, 60), st.floats(0, 0.05), st.floats(1, 4), st.floats(1, 4))
def test_budget_of_the_run_is_not_exceeded_by_more_than_what_comes_late(
    crowd: int, took: float, attempt: float, attempts: float
) -> None:
    """Where the first look of all, which expects nobody, leaves something of it."""
    limit = crowd * LOOK_SECONDS * 1.5 * attempt
    budget = DamageBudget(limit, limit * attempts)
    damage = spend(crowd, took, budget)
    assert damage.run <= budget.run + crowd * damage.late + 1e-6
    assert damage.run > budget.run / 2
    on_time = spend(crowd, 0.0, budget)
    assert on_time.late == pytest.approx(0)
    assert on_time.run <= budget.run + 1e-6


def test_looks_come_faster_as_less_is_left() -> None:
    """In time although twice as many wait by then; but looking never takes all the time."""
    assert pause_before_look(10, 0) == LOOK_SECONDS
    assert pause_before_look(10, 1) == LOOK_SECONDS
    assert pause_before_look(10, 50) == pytest.approx(0.1)
    assert pause_before_look(0, 50) == CANCEL_SECONDS
    assert pause_before_look(10, 50, least_pause(look(), 0.03)) == pytest.approx(0.27)
    assert pause_before_look(0, 50, least_pause(look(*behind(7)), 0.08)) == 0.08


def test_queue_is_expected_to_be_what_it_may_become() -> None:
    """Whoever is connected may want the table; who waited once may be on the way."""
    waiting = LockWait(1, (5,))
    assert expected_queue(Damage(crowd=9), look()) == 0
    assert expected_queue(Damage(crowd=9), look(waiting, sessions=40)) == 40
    assert expected_queue(Damage(crowd=50), look(waiting, sessions=40)) == 50
    assert expected_queue(Damage(), look(waiting, *behind(7, 8))) == 2
    assert expected_queue(Damage(crowd=9), look(*behind(7, 8))) == 9


def test_first_look_is_in_time_for_who_needs_it() -> None:
    """A first attempt that has others behind it may end before anybody looks."""
    assert first_look(100, 1, 8) == LOOK_SECONDS
    assert first_look(100, 2, 8) == pytest.approx(0.05)
    assert first_look(100, 1, 1) == pytest.approx(0.05)
    assert first_look(5000, 3, 8) == LOOK_SECONDS


def test_run_is_spent_when_one_more_attempt_cannot_be_paid() -> None:
    """If it meets as many as the last one did, a look and a cancel cost that much."""
    assert not is_spent(Damage(run=16.9, crowd=30), BUDGET)
    assert is_spent(Damage(run=17, crowd=30), BUDGET)
    assert is_spent(Damage(run=20), BUDGET)


def test_run_that_is_spent_is_why_no_other_attempt_follows() -> None:
    """Whatever the last one was given up for, unless nobody could see."""
    withdrawal = Withdrawal(Reason.SHARE, was_waiting=True, waiting=12)
    spent, blind = Damage(run=20), withdrawal._replace(reason=Reason.SIGHT)
    assert settled(withdrawal, spent, BUDGET) == withdrawal._replace(reason=Reason.RUN)
    assert settled(withdrawal, Damage(run=1), BUDGET) == withdrawal
    assert settled(blind, spent, BUDGET) == blind
    assert settled(None, spent, BUDGET) is None


def test_lateness_counts_while_somebody_waits() -> None:
    """A look that comes late costs everybody who waits; nobody is no cost."""
    damage = Damage().begin(100.0).due(100.25).look((), 101.0)
    assert damage.late == 0
    damage = damage.due(101.25).look(behind(7), 101.5)
    assert damage.late == pytest.approx(0.25)
    assert damage.due(101.55).end(102.0).late == pytest.approx(0.7)


def test_nothing_is_given_up_while_nobody_waits() -> None:
    """What is spent is spent; those who are spared do not count."""
    spent = Damage(99, 99)
    assert judge_damage(spent, BUDGET, look(), yields=False) is None
    spared = behind(7)[0]._replace(is_spared=True)
    assert judge_damage(spent, BUDGET, look(spared), yields=False) is None


@pytest.mark.parametrize(
    ("sessions", "most"), [(0, 2), (5, 2), (10, 4), (40, 16), (50, 20), (1000, 20)]
)
def test_share_is_two_fifths_within_bounds(sessions: int, most: int) -> None:
    """At least two, at most twenty."""
    assert most_waiting(sessions) == most


def test_share_of_waiting_sessions_decides() -> None:
    """Four of ten are too many, unless we are about to be let through."""
    calm = Damage(1, 1)
    three, four = look(*behind(2, 3, 4), sessions=10), look(*behind(2, 3, 4, 5), sessions=10)
    assert judge_damage(calm, BUDGET, three, yields=False) is None
    withdrawal = judge_damage(calm, BUDGET, four, yields=False)
    assert withdrawal is not None
    assert (withdrawal.reason, withdrawal.was_waiting) == (Reason.SHARE, False)
    assert judge_damage(calm, BUDGET, four, yields=True) is None


WAITING_FOR_US, WAITING = look(*behind(7)), look(LockWait(1, (5,)))


@pytest.mark.parametrize(
    ("latest", "seconds", "if_undone", "if_not"),
    [
        (None, 0.0, False, False),
        (None, SIGHT_SECONDS, True, False),
        (look(), 1.9, False, False),
        (look(), SIGHT_SECONDS, True, False),
        (WAITING, 0.0, True, False),
        (WAITING_FOR_US, 0.0, True, True),
    ],
)
def test_blindness_ends_what_may_harm(
    latest: Look | None,
    seconds: float,
    if_undone: bool,  # noqa: FBT001 - a fact
    if_not: bool,  # noqa: FBT001 - likewise
) -> None:
    """At once where somebody may queue, else soon; what leaves work behind only if somebody did."""
    blindness = Blindness(latest, seconds, "why")
    assert (judge_blindness(blindness, is_undone=True) is not None) == if_undone
    assert (judge_blindness(blindness, is_undone=False) is not None) == if_not


def test_blindness_is_told_with_what_was_seen_last() -> None:
    """What took the sight, and whether we waited then."""
    withdrawal = judge_blindness(Blindness(WAITING, 0.0, "why"), is_undone=True)
    assert withdrawal == Withdrawal(Reason.SIGHT, was_waiting=True, waiting=0, detail="why")
    withdrawal = judge_blindness(Blindness(WAITING_FOR_US, 0.0, "why"), is_undone=False)
    assert withdrawal == Withdrawal(Reason.SIGHT, was_waiting=False, waiting=1, detail="why")
