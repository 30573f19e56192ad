"""Who waits for whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hook.core.sessions.contention import PREPARED, LockWait, Look

OURS = 1
PIDS = st.integers(min_value=0, max_value=8)
WAITS = st.lists(
    st.builds(
        LockWait,
        pid=PIDS.filter(bool),
        blockers=st.lists(PIDS, max_size=4).map(tuple),
        is_spared=st.booleans(),
    ),
    unique_by=lambda item: item.pid,
    max_size=8,
).map(tuple)


def look(*waits: LockWait) -> Look:
    """Return a look at these."""
    return Look(OURS, is_found=True, sessions=10, waits=waits)


def test_quiet_server_blocks_nobody() -> None:
    """Nobody waits."""
    quiet = look()
    assert not quiet.is_waiting
    assert (quiet.blockers, quiet.queue, quiet.harmed) == ((), (), ())


def test_blockers_are_followed_to_the_root() -> None:
    """We wait for 5, which waits for 6 and a prepared transaction."""
    seen = look(LockWait(OURS, (5,)), LockWait(5, (6, PREPARED)), LockWait(9, (6,)))
    assert seen.is_waiting
    assert seen.blockers == (5, 6, PREPARED)
    assert seen.queue == ()


def test_queue_includes_who_waits_behind_the_queue() -> None:
    """7 waits for us, 8 waits for 7; 9 waits for somebody else."""
    seen = look(LockWait(7, (OURS,)), LockWait(8, (7,), is_spared=True), LockWait(9, (6,)))
    assert [item.pid for item in seen.queue] == [7, 8]
    assert [item.pid for item in seen.harmed] == [7]
    assert not seen.is_waiting


def test_deadlock_comes_to_an_end() -> None:
    """A circle is walked once; we are not behind ourselves."""
    seen = look(LockWait(OURS, (5,)), LockWait(5, (OURS,)))
    assert seen.blockers == (5,)
    assert [item.pid for item in seen.queue] == [5]


@given(WAITS)
def test_queue_and_blockers_hold_for_any_graph(waits: tuple[LockWait, ...]) -> None:
    """Each of them has a reason: a step that leads to us, or from us."""
    seen = look(*waits)
    queued = {item.pid for item in seen.queue} | {OURS}
    assert all(set(item.blockers) & queued for item in seen.queue)
    assert all(
        item in seen.queue for item in waits if set(item.blockers) & queued and item.pid != OURS
    )
    reached = {*seen.blockers, OURS}
    edges = {item.pid: set(item.blockers) for item in waits}
    assert all(edges.get(pid, set()) <= reached for pid in reached)
    assert len(set(seen.blockers)) == len(seen.blockers)
    assert OURS not in seen.blockers
