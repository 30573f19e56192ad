"""What the status of its number says of a transaction whose backend is gone."""

from __future__ import annotations

import pytest

from hook.core.execution.transaction_fate import Fate, judge_fate


@pytest.mark.parametrize(
    ("status", "same", "elsewhere"),
    [
        ("committed", Fate.COMMITTED, Fate.UNKNOWN),
        ("aborted", Fate.ROLLED_BACK, Fate.ROLLED_BACK),
        ("in progress", Fate.UNKNOWN, Fate.ROLLED_BACK),
        (None, Fate.UNKNOWN, Fate.UNKNOWN),
    ],
)
def test_status_decides_where_it_is_certain_whose_it_is(
    status: str | None, same: Fate, elsewhere: Fate
) -> None:
    """A server that has crashed may have given the number to somebody else."""
    assert judge_fate(status, is_same_server=True) is same
    assert judge_fate(status, is_same_server=False) is elsewhere
