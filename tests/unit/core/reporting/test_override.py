"""Gates that are set aside: for how long, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hook.core.outcome import Status
from hook.core.reporting.override import Override, judge_overrides
from hook.errors import ExitCode

END = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "is_over"), [(END - SECOND, False), (END, True), (END + SECOND, True)]
)
def test_override_ends_at_its_end(now: datetime, *, is_over: bool) -> None:
    """Not a second later."""
    assert Override("backup", "rehearsed", END).is_over(now) is is_over


def test_override_without_an_end_holds_and_says_so() -> None:
    """Whoever forgets it in a manifest is told of it by every run, with the setting to use."""
    (told,) = judge_overrides((Override("backup", "incident 7"),), END)
    assert (told.status, told.code) == (Status.WARNED, ExitCode.OK)
    assert told.message == "gate backup is overridden without an end: incident 7"
    assert "PRESYNC_OVERRIDE_UNTIL" in told.hint
    assert told.facts == {"gate": "backup", "reason": "incident 7", "until": None}


def test_override_with_an_end_to_come_is_told_with_it() -> None:
    """It needs no next step."""
    (told,) = judge_overrides((Override("backup", "incident 7", END),), END - SECOND)
    assert (told.status, told.code, told.hint) == (Status.WARNED, ExitCode.OK, "")
    assert told.message == "gate backup is overridden until 2026-11-21T20:00:00Z: incident 7"
    assert told.facts["until"] == "2026-11-21T20:00:00Z"


def test_override_that_is_over_is_refused_by_its_setting() -> None:
    """What was right for an incident is not applied for ever; each gate is named."""
    overrides = (Override("backup", "incident 7", END), Override("archive", "incident 7", END))
    backup, archive = judge_overrides(overrides, END)
    assert (backup.status, backup.code) == (Status.FAILED, ExitCode.CONFIG)
    assert backup.message == (
        "PRESYNC_OVERRIDE_UNTIL: the override of gate backup ended at 2026-11-21T20:00:00Z, and"
        " is not applied"
    )
    assert "gate archive" in archive.message
    assert "Take PRESYNC_OVERRIDE away" in backup.hint
