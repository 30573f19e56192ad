"""What is told of a backup that a run had made, and of what becomes of it without the run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.backups.backup_made import Made, Rest, Wait, Waited, tell_left, tell_waited
from hook.errors import DeadlineExceeded, HookError, Interrupted, MigrationLocked

MADE = Made("Job ops/b", "CronJob ops/backup", is_adopted=False, waited=timedelta(seconds=90))


@pytest.mark.parametrize(
    ("rest", "what", "outlook"),
    [
        (Rest.GOES_ON, "which is left to go on", "takes up Job ops/b as long as it is being made"),
        (Rest.WHOLE, "which has ended now", "finds it"),
        (Rest.NOTHING, "which was stopped and its upload aborted", "begins anew"),
        (Rest.PARTS, "which was stopped, its upload maybe not aborted", "begins anew"),
    ],
)
def test_stop_tells_what_becomes_of_the_backup(rest: Rest, what: str, outlook: str) -> None:
    """And what the next run makes of it."""
    told = tell_left(Interrupted("SIGTERM"), MADE.maker, MADE, rest)
    assert isinstance(told, Interrupted)
    assert told.message == f"SIGTERM received while Job ops/b was made, {what}"
    assert told.hint.startswith("Run again. The next run ")
    assert outlook in told.hint
    assert told.facts == MADE.facts


@pytest.mark.parametrize(
    ("rest", "situation"),
    [
        (Rest.GOES_ON, "while a backup was asked for, which may have begun (CronJob ops/backup)"),
        (Rest.NOTHING, "before a backup was begun (CronJob ops/backup)"),
    ],
)
def test_stop_before_anything_is_known_to_have_begun(rest: Rest, situation: str) -> None:
    """A request that is on its way may still be carried out."""
    told = tell_left(Interrupted("SIGTERM"), MADE.maker, None, rest)
    assert told.message == f"SIGTERM received {situation}"
    assert told.facts == {"trigger": "CronJob ops/backup"}


def test_deadline_names_the_backup_and_keeps_its_hint() -> None:
    """It is still a matter of the setting."""
    error = DeadlineExceeded("PRESYNC_DEADLINE is used up", "Raise PRESYNC_DEADLINE.")
    told = tell_left(error, MADE.maker, MADE, Rest.GOES_ON)
    assert isinstance(told, DeadlineExceeded)
    assert told.message == (
        "PRESYNC_DEADLINE is used up while Job ops/b was made, which is left to go on"
    )
    assert told.hint.startswith("Raise PRESYNC_DEADLINE. The next run takes up Job ops/b")


@pytest.mark.parametrize("made", [MADE, None])
def test_other_errors_keep_their_reason(made: Made | None) -> None:
    """Of what was begun the hint tells, if anything was."""
    told: HookError = tell_left(
        MigrationLocked("the lock is lost", "Run again."), MADE.maker, made, Rest.GOES_ON
    )
    assert isinstance(told, MigrationLocked)
    assert told.message == "the lock is lost"
    assert ("takes up Job ops/b" in told.hint) is (made is not None)


def test_time_that_is_over_names_the_setting_and_what_goes_on() -> None:
    """Whether to wait longer or to come back is the reader's to decide."""
    finding = tell_waited(Wait(MADE, Waited.UNFINISHED, "THE_SETTING"), Rest.GOES_ON)
    assert finding.message == (
        "Job ops/b has not ended after 1m 30s (THE_SETTING), which is left to go on"
    )
    assert finding.hint.startswith("Raise THE_SETTING. The next run takes up Job ops/b")
