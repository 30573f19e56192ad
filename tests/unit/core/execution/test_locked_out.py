"""An attempt that was lost together with the migration lock, in words."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.locked_out import locked_out, refuse_other_history, written_meanwhile
from hook.core.execution.script_message import Moment
from hook.core.schema_history.history import History, HistoryRow
from hook.core.sessions.lock_owner import Succession
from hook.errors import ExitCode, MigrationLocked

HEAD = "connection lost, and the migration lock with it; nobody has it now"
RECORDED = "what was applied so far is recorded."
IN_SCRIPT = Place(Moment.SCRIPT, 3)
ROW = HistoryRow(3, "9", "z", "SQL", "V9__z.sql", 1, "app", "2026-11-30", 1, success=True)


@pytest.mark.parametrize(
    ("lost", "message", "hint"),
    [
        (
            Attempt(AttemptEnd.LOST, 1, IN_SCRIPT),
            f"V2__x.sql:3 {HEAD}",
            f"Run again; V2__x.sql was rolled back, and {RECORDED}",
        ),
        (
            Attempt(AttemptEnd.LOST, 1, IN_SCRIPT, in_doubt="an invalid index"),
            f"V2__x.sql:3 {HEAD}",
            f"Run again; {RECORDED}",
        ),
        (Attempt(AttemptEnd.LOST, 1), f"V2__x.sql {HEAD}", f"Run again; {RECORDED}"),
    ],
)
def test_attempt_lost_with_the_lock_tells_what_became_of_it(
    lost: Attempt, message: str, hint: str
) -> None:
    """Rolled back, unless something is left for the next run, or nothing was sent."""
    error = locked_out("V2__x.sql", lost, Succession())
    assert (error.exit_code, error.message, error.hint) == (ExitCode.LOCKED, message, hint)


@pytest.mark.parametrize(
    ("was_lost", "how", "hint"),
    [
        (True, "while the migration lock was lost", "Run again; "),
        (False, "without the lock", "Find out who migrates this database besides presync"),
    ],
)
def test_row_of_somebody_else_is_named(was_lost: bool, how: str, hint: str) -> None:  # noqa: FBT001 - a case
    """Whoever had the lock meanwhile did nothing wrong."""
    error = written_meanwhile(ROW, was_lost=was_lost)
    assert error.exit_code is ExitCode.LOCKED
    assert error.message == f"row 3 (V9__z.sql) was written by somebody else meanwhile, {how}"
    assert error.hint.startswith(hint)


def test_history_that_is_what_it_was_refuses_nothing() -> None:
    """A table that is there by now has no row that anybody has migrated."""
    refuse_other_history(History("s", "h", exists=False), History("s", "h", exists=True))


@pytest.mark.parametrize("rows", [(), (ROW, ROW)])
def test_history_that_somebody_has_changed_is_refused(rows: tuple[HistoryRow, ...]) -> None:
    """A row that is gone is as bad as one that came."""
    before, now = (History("s", "h", exists=True, rows=items) for items in ((ROW,), rows))
    with pytest.raises(MigrationLocked, match=r"^s\.h was changed by somebody else while"):
        refuse_other_history(before, now)
