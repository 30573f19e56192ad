"""A failover as it is noticed and told."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.failover import (
    Failover,
    failover_between,
    missing_rows,
    refusal_after,
    script_in_part,
    without_what_was_later,
)
from hook.core.execution.prepared import PreparedScript
from hook.errors import ExitCode
from tests.testbed.release import SERVER, migration, row


@pytest.mark.parametrize("timelines", [(1, 1), (None, 2), (1, None)])
def test_no_failover_is_seen(timelines: tuple[int | None, int | None]) -> None:
    """Neither on the same timeline, nor where the role may not see it."""
    before, now = (SERVER._replace(timeline=timeline) for timeline in timelines)
    assert failover_between(before, now) is None


def test_failover_is_a_new_timeline() -> None:
    """The host under which it answers is that of now."""
    found = failover_between(SERVER, SERVER._replace(timeline=3, host="db-2"))
    assert found == Failover("db-2:5432", 1, 3)
    assert found.describe() == "db-2:5432 has failed over to another primary, timeline 1 became 3"
    assert "everything committed" in found.finding().hint


def test_what_is_missing_is_named() -> None:
    """A row of the same rank for another script is not it."""
    rows = [row(1, "V1__a.sql"), row(2, "V2__other.sql")]
    missing = missing_rows({1: "V1__a.sql", 2: "V2__b.sql", 3: "V3__c.sql"}, rows)
    assert missing == ("V2__b.sql", "V3__c.sql")
    finding = Failover("db:5432", 1, 2, missing).finding()
    assert finding.message.endswith("; committed before and not there: V2__b.sql, V3__c.sql")
    assert "applies these migrations again" in finding.hint
    assert finding.facts == {"timeline_before": 1, "timeline": 2, "missing": list(missing)}


def script(name: str, *, runs_once: bool) -> PreparedScript:
    """Return the script *name*, applied by this run."""
    return PreparedScript(migration(name), not runs_once, "", (), 1, runs_once=runs_once)


PART = script("V3__c.sql", runs_once=True)
COMMITTED = {2: script("V2__b.sql", runs_once=False), 3: PART}


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        (("V3__c.sql",), (3, PART)),
        (("V3__c.sql", "V4__d.sql"), (3, PART)),
        (("V2__b.sql", "V3__c.sql"), None),
        (("V2__b.sql",), None),
        (("V1__a.sql",), None),
        ((), None),
    ],
)
def test_only_the_first_that_is_missing_may_be_there_in_part(
    missing: tuple[str, ...], found: tuple[int, PreparedScript] | None
) -> None:
    """What was written later has not arrived; and of a transaction there is no part."""
    assert script_in_part(missing, COMMITTED) == found


def test_part_of_a_script_is_for_a_human() -> None:
    """With a failed row, or, where that could not be written, without one."""
    failover = Failover("db:5432", 1, 2, ("V3__c.sql",))
    assert refusal_after(failover).exit_code is ExitCode.LOCKED
    part = failover._replace(in_part="V3__c.sql", is_recorded=True)
    error = refusal_after(part)
    assert error.exit_code is ExitCode.PARTIAL
    assert error.message.endswith("; left behind: what V3__c.sql may have done")
    assert "remove its failed row with `presync repair`" in error.hint
    unrecorded = refusal_after(part._replace(is_recorded=False))
    assert unrecorded.message.endswith("may have done, no row in the schema history")
    assert "the next run repeats what is there of it" in unrecorded.hint


def test_what_was_lost_behind_a_missing_row_has_left_nothing() -> None:
    """The new primary stopped hearing before that was written."""
    lost = Attempt(AttemptEnd.LOST, 1, left_behind=("what line 1 may have done",), done_line=2)
    failover = Failover("db:5432", 1, 2)
    assert without_what_was_later(lost, None) is lost
    assert without_what_was_later(lost, failover) is lost
    assert without_what_was_later(lost, failover._replace(missing=("V1__a.sql",))).leftovers == ()
