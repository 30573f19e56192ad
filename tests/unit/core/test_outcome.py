"""Findings of what ended a stage."""

from __future__ import annotations

import pytest

from hook.core.outcome import located
from hook.errors import (
    BackupUnknown,
    DeadlineExceeded,
    DeadlineReached,
    HookError,
    Interrupted,
)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DeadlineReached("the time is used up", "Raise it."), "the time is used up at stage lock"),
        (DeadlineExceeded("waited for pid 7"), "waited for pid 7"),
        (Interrupted("SIGTERM", "in V2__x.sql"), "SIGTERM received in V2__x.sql"),
        (Interrupted("SIGTERM"), "SIGTERM received at stage lock"),
        (BackupUnknown("no answer"), "no answer"),
    ],
)
def test_what_ends_a_stage_from_outside_is_told_with_the_stage(error: HookError, told: str) -> None:
    """Unless it says by itself what was under way; it keeps its facts."""
    error.facts = {"pid": 7}
    found = located(error, "lock")
    assert (found.message, found.hint) == (told, error.hint)
    assert found.exit_code is error.exit_code
    assert found.facts == {"pid": 7}
