"""Lock modes: conflicts, order, and requests that others make redundant."""

from __future__ import annotations

from itertools import product

from hook.core.sql.locks import (
    CONFLICTS,
    LockMode,
    LockRequest,
    LockTarget,
    merge_requests,
    strongest,
)


def test_conflicts_are_mutual() -> None:
    """The manual's table of conflicting lock modes is symmetric."""
    for one, other in product(LockMode, repeat=2):
        assert (one in CONFLICTS[other]) is (other in CONFLICTS[one])


def test_conflicts_are_as_many_as_in_the_manual() -> None:
    """Each row of the table, weakest mode first; only some modes conflict with themselves."""
    assert [len(CONFLICTS[mode]) for mode in LockMode] == [1, 2, 4, 5, 5, 6, 7, 8]
    friendly = [mode.value for mode in LockMode if mode not in CONFLICTS[mode]]
    assert friendly == ["AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareLock"]


def test_strongest_mode_follows_the_order_of_the_manual() -> None:
    """One statement with several actions takes the strongest of their modes."""
    assert strongest(LockMode) is LockMode.ACCESS_EXCLUSIVE
    assert strongest([LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.SHARE]) is LockMode.SHARE


def test_merging_keeps_what_nothing_else_covers() -> None:
    """Neither of ShareUpdateExclusiveLock and ShareLock conflicts with all the other does."""
    gentle = LockRequest("t", LockMode.SHARE_UPDATE_EXCLUSIVE)
    share = LockRequest("t", LockMode.SHARE)
    strong = LockRequest("t", LockMode.SHARE_ROW_EXCLUSIVE)
    of_index = LockRequest("t", LockMode.SHARE, LockTarget.INDEXED_TABLE)
    other = LockRequest("u", LockMode.ROW_EXCLUSIVE)
    assert merge_requests([gentle, share, of_index, gentle]) == (gentle, share, of_index)
    assert merge_requests([gentle, other, share, strong]) == (strong, other)
