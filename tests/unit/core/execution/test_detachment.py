"""Detachments of partitions that commit on their way."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.detachment import Detachment, judge_pending, read_detachment
from hook.core.execution.mending import Remains
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.statements import parse_statements

DETACHMENT = Detachment("p", "c")


@pytest.mark.parametrize(
    ("text", "detachment"),
    [
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", DETACHMENT),
        (
            'alter table if exists only s . "P" detach partition "c c" concurrently',
            Detachment('s."P"', '"c c"'),
        ),
        ("ALTER TABLE p DETACH PARTITION c", None),
        ("ALTER TABLE p DETACH PARTITION c FINALIZE", None),
        ("CREATE TABLE c ()", None),
    ],
)
def test_detachment_is_read(text: str, detachment: Detachment | None) -> None:
    """Names stay as written: the server folds them."""
    (statement,) = parse_statements(text.encode())
    assert read_detachment(statement) == detachment


def test_detachment_is_finished_by_name() -> None:
    """The second half of the same command."""
    assert DETACHMENT.finishing_statement() == "ALTER TABLE p DETACH PARTITION c FINALIZE"


def test_pending_partition_is_for_the_next_run_unless_the_script_is_at_fault() -> None:
    """One that is not pending was not begun: the whole of the first half was rolled back."""
    failure = ServerMessage("ERROR", "57014", "")
    stopped = Attempt(AttemptEnd.INTERRUPTED, 1, Place(Moment.SCRIPT, 1), failure)
    broken = Attempt(AttemptEnd.FAILED, 1, stopped.place, failure._replace(sqlstate="55000"))
    told = ("partition c of p, whose detach is pending",)
    assert judge_pending(stopped, DETACHMENT) == Remains(for_next_run=told)
    assert judge_pending(broken, DETACHMENT) == Remains(told)
    assert judge_pending(broken, None) == Remains()
