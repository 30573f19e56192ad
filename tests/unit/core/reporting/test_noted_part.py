"""A part of a script that the ledger knows of, and when nobody goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from hook.core.reporting.noted_part import NotedPart, find_noted_part, judge_out_of_turn
from hook.core.reporting.past_run import BegunScript, PastRun
from hook.core.schema_history.history import HistoryRow
from hook.errors import ExitCode
from tests.fakes import NOON

BEGUN = BegunScript("V5__add.sql", 7, "1a2b", 1)
RUN = PastRun(
    command="run",
    run_id="r1",
    started_at=NOON,
    finished_at=NOON,
    verdict="FAILED 40 INTERRUPTED",
    exit_code=40,
    set_digest="",
    version_before="4",
    version_after="4",
    pod=None,
    failed=None,
    age=timedelta(0),
    cut_off=BEGUN,
)
REPAIR = RUN._replace(command="repair", cut_off=None)
PART = NotedPart(RUN, BEGUN)


def row(
    script: str = "V5__add.sql",
    version: str | None = "5",
    checksum: int = 7,
    *,
    success: bool = True,
) -> HistoryRow:
    """Return a row of the history."""
    return HistoryRow(5, version, "add", "SQL", script, checksum, "me", "", 1, success)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([REPAIR], None),
        ([RUN], PART),
        ([REPAIR, REPAIR, RUN], PART),
        ([RUN._replace(cut_off=None), RUN], None),
        ([RUN._replace(cut_off=BEGUN._replace(done=None))], None),
    ],
    ids=["none", "repair alone", "run", "behind repairs", "older run", "not how far"],
)
def test_last_run_that_migrated_tells_of_the_part(
    runs: Sequence[PastRun], expected: NotedPart | None
) -> None:
    """Edits of the history undo nothing of it."""
    assert find_noted_part(runs, []) == expected


@pytest.mark.parametrize(
    ("applied", "is_over"),
    [
        (row(), True),
        (row(success=False), False),
        (row("V4__x.sql", "4"), False),
        (row(checksum=8), True),
        (row(version=None), True),
        (row(version=None, checksum=8), False),
    ],
    ids=["applied", "failed", "other script", "repaired", "repeatable", "older text"],
)
def test_part_of_what_was_applied_since_is_none(applied: HistoryRow, *, is_over: bool) -> None:
    """A repeatable has a row of each text."""
    assert find_noted_part([RUN], [applied]) == (None if is_over else PART)


def test_script_that_would_come_first_is_refused() -> None:
    """After it nobody would know of the part any more."""
    finding = judge_out_of_turn(PART, "V4.5__y.sql")
    assert finding.code is ExitCode.FAILED_BEFORE
    assert finding.message == (
        "run r1 has done a part of V5__add.sql, and V4.5__y.sql would be applied before it"
    )
    assert finding.facts == {"script": "V5__add.sql", "first_run": "r1"}
