"""What is told of a backup that a run had made, and of what becomes of it without the run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.backups.backup_made import RULE, Made, Rest, Wait, Waited, tell_left, tell_waited
from hook.core.outcome import passed, warned
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
    outlook = "takes up it as long as" if rest is Rest.GOES_ON else "begins anew."
    assert told.hint.startswith(f"Run again. The next run {outlook}")


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
    outlook = "The next run takes up Job ops/b as long as it is being made, and begins no second"
    assert told.hint == (f"Run again. {outlook} one beside it." if made else "Run again.")


def test_error_without_a_next_step_gets_one() -> None:
    """And no blank in front of it."""
    told = tell_left(MigrationLocked("the lock is lost", ""), MADE.maker, MADE, Rest.NOTHING)
    assert told.hint == "The next run begins anew."


def test_backup_that_ended_is_told_with_who_began_it() -> None:
    """Whether it is one, the gates judge."""
    told = tell_waited(Wait(MADE, Waited.ENDED), Rest.GOES_ON)
    assert told == passed(RULE, "Job ops/b was begun, and ended after 1m 30s", **MADE.facts)
    adopted = MADE._replace(is_adopted=True)
    told = tell_waited(Wait(adopted, Waited.ENDED), Rest.GOES_ON)
    assert told == passed(RULE, "Job ops/b ran already, and ended after 1m 30s", **adopted.facts)


@pytest.mark.parametrize(("detail", "told"), [("no space", "no space"), ("", "no reason given")])
def test_backup_that_failed_is_told_with_its_reason(detail: str, told: str) -> None:
    """Where there is one."""
    finding = tell_waited(Wait(MADE, Waited.FAILED, detail), Rest.GOES_ON)
    message = f"Job ops/b failed after 1m 30s: {told}"
    assert finding == warned(RULE, message, "See the log of what made it.", **MADE.facts)


def test_backup_that_cannot_be_watched_is_told_with_what_becomes_of_it() -> None:
    """It may end well all the same."""
    finding = tell_waited(Wait(MADE, Waited.SILENT, "no answer"), Rest.GOES_ON)
    assert finding == warned(
        RULE,
        "Job ops/b could not be watched any longer: no answer, which is left to go on",
        "See whether it ends, then run again. The next run takes up Job ops/b as long as it is"
        " being made, and begins no second one beside it.",
        **MADE.facts,
    )


def test_time_that_is_over_names_the_setting_and_what_goes_on() -> None:
    """Whether to wait longer or to come back is the reader's to decide."""
    finding = tell_waited(Wait(MADE, Waited.UNFINISHED, "THE_SETTING"), Rest.GOES_ON)
    assert finding.message == (
        "Job ops/b has not ended after 1m 30s (THE_SETTING), which is left to go on"
    )
    assert finding.hint.startswith("Raise THE_SETTING. The next run takes up Job ops/b")
    assert finding.facts == MADE.facts
