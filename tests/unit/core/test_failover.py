"""A failover as it is noticed and told."""

from __future__ import annotations

import pytest

from hook.core.failover import Failover, failover_between, missing_rows
from tests.testbed.release import SERVER, row


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
