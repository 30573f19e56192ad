"""A part of a script that the ledger knows of, and when nobody goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from hook.core.outcome import Status
from hook.core.reporting.noted_part import (
    LedgerTable,
    NotedPart,
    find_noted_part,
    judge_out_of_turn,
    judge_unread,
    judge_unwritten,
)
from hook.core.reporting.past_run import BegunScript, PastRun
from hook.core.schema_history.history import HistoryRow
from hook.errors import DatabaseRejected, ExitCode, HookError, LockContention, QueryFailed
from tests.fakes import NOON
from tests.testbed.release import migration, prepared_script

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
KILLED = RUN._replace(finished_at=None, cut_off=BEGUN._replace(done=None))
# Whether its first statement has run says no note.
ALONE = BEGUN._replace(done=0)
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
        ([KILLED], NotedPart(KILLED, BEGUN._replace(done=None))),
        ([RUN._replace(cut_off=BEGUN._replace(done=0, tells_of_first=True))], None),
        ([RUN._replace(cut_off=ALONE)], NotedPart(RUN._replace(cut_off=ALONE), ALONE)),
    ],
    ids=[
        "none",
        "repair alone",
        "run",
        "behind repairs",
        "older run",
        "not how far",
        "killed",
        "nothing",
        "nothing noted",
    ],
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


TABLE = LedgerTable("app", "runs", "me")
DENIED = DatabaseRejected("db: permission denied for table runs (42501)")
CHANGED = QueryFailed("db: no such column (42703)", "", "42703")
TRANSACTION = prepared_script(migration("V6__t.sql"), b"CREATE TABLE t ()")
BUILD = prepared_script(migration("V7__i.sql"), b"CREATE INDEX CONCURRENTLY i ON t (n)")
ONCE = prepared_script(migration("V8__x.sql"), b"DROP INDEX CONCURRENTLY i")


def test_ledger_that_cannot_be_read_is_told_where_all_may_run_again() -> None:
    """What was cut off of such scripts is undone, or mended."""
    pending = (TRANSACTION, BUILD, ONCE._replace(is_run=False))
    finding = judge_unread(DENIED, TABLE, pending)
    assert (finding.status, finding.rule) == (Status.WARNED, "failure-memory")
    assert finding.message.startswith("app.runs could not be read: db: permission denied")


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (DENIED, ExitCode.AUTH, 'GRANT SELECT, INSERT, UPDATE ON "app"."runs" TO "me"; '),
        (CHANGED, ExitCode.FAILED_BEFORE, "Find out who has changed the table, and undo that. "),
    ],
    ids=["right", "column"],
)
def test_ledger_that_cannot_be_read_stops_what_must_not_run_twice(
    error: HookError, code: ExitCode, remedy: str
) -> None:
    """Wherever it stands: what is in front of it would be run with it."""
    finding = judge_unread(error, TABLE, (TRANSACTION, ONCE))
    assert (finding.status, finding.code) == (Status.FAILED, code)
    assert finding.message.endswith("so whether a part of V8__x.sql has run is not known")
    assert finding.hint.startswith(remedy)
    assert finding.hint.endswith(" run once with --retry-failed.")


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (DENIED, ExitCode.AUTH, "Grant INSERT, UPDATE and SELECT on app.runs to the role that"),
        (CHANGED, ExitCode.FAILED_BEFORE, "Find out who has changed the table, and undo that."),
        (LockContention("db: locked", "Wait."), ExitCode.CONTENTION, "Wait."),
    ],
    ids=["right", "column", "lock"],
)
def test_part_is_not_gone_on_with_unless_that_is_noted(
    error: HookError, code: ExitCode, remedy: str
) -> None:
    """The note of the run before would be in force once more."""
    finding = judge_unwritten(error, "app.runs", BEGUN)
    assert (finding.status, finding.code) == (Status.FAILED, code)
    assert finding.message.startswith(f"app.runs could not be written: {error.message}; V5__add.")
    assert finding.hint.startswith(remedy)


def test_script_that_would_come_first_is_refused() -> None:
    """After it nobody would know of the part any more."""
    finding = judge_out_of_turn(PART, "V4.5__y.sql")
    assert finding.code is ExitCode.FAILED_BEFORE
    assert finding.message == (
        "run r1 has done a part of V5__add.sql, and V4.5__y.sql would be applied before it"
    )
    unknown = judge_out_of_turn(NotedPart(KILLED, BEGUN._replace(done=None)), "V4.5__y.sql")
    assert unknown.message.startswith("run r1 may have done a part of V5__add.sql, and ")
    assert unknown.hint.startswith("Bring its objects to the state before it, ")
    assert finding.facts == {"script": "V5__add.sql", "first_run": "r1"}
