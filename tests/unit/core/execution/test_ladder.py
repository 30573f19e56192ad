"""The waits of the attempts, and whether one of them makes autovacuum give way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.execution.ladder import BeyondDeadlock, judge_ladder, rungs_on
from hook.errors import ExitCode
from hook.settings.specification import LOCK_LADDER
from tests.testbed.release import SERVER

SHORT = (timedelta(milliseconds=100), timedelta(seconds=1))


def test_ladder_must_outlast_the_deadlock_timeout() -> None:
    """Otherwise autovacuum never gives way; that is told and stops nothing."""
    (finding,) = judge_ladder(SHORT, SERVER)
    assert finding.code is ExitCode.OK
    assert "deadlock_timeout (1000 ms)" in finding.message
    assert judge_ladder((*SHORT, timedelta(milliseconds=1001)), SERVER) == ()


def test_rung_beyond_the_deadlock_timeout_follows_the_server() -> None:
    """The others stay what they are."""
    ladder = (*SHORT, BeyondDeadlock(timedelta(milliseconds=500)))
    server = SERVER._replace(deadlock_timeout_ms=4000)
    assert rungs_on(server, ladder) == (*SHORT, timedelta(milliseconds=4500))


@pytest.mark.parametrize("deadlock_timeout_ms", [1, 1000, 600_000])
def test_default_ladder_outlasts_every_deadlock_timeout(deadlock_timeout_ms: int) -> None:
    """Nobody needs to set it on a server with another one."""
    assert LOCK_LADDER.default is not None
    ladder = LOCK_LADDER.parse(LOCK_LADDER.default)
    server = SERVER._replace(deadlock_timeout_ms=deadlock_timeout_ms)
    assert judge_ladder(rungs_on(server, ladder), server) == ()
