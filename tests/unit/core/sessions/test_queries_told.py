"""The SQL of other sessions: told only where somebody asked for it, and never all of it."""

from __future__ import annotations

import pytest

from hook.core.sessions.activity import NO_QUERIES, QueryText
from hook.core.sessions.census import Party
from tests.testbed.activity_samples import READ_LOCK, SELECTING, activity_of, judge

SQL = "SELECT id FROM orders"


@pytest.mark.parametrize(
    ("length", "text", "told"),
    [
        (6, "SELECT", "SELECT"),
        (6, "SELECT 1", "SELEC…"),
        (20, "SELECT\n1", "SELECT\\n1"),
        (20, "", ""),
    ],
)
def test_query_is_one_short_line(length: int, text: str, told: str) -> None:
    """One character more than is told is read, to know of the rest."""
    queries = QueryText(length)
    assert queries.told(text[: queries.read]) == told


def test_nothing_is_read_unless_asked_for() -> None:
    """Not a single character."""
    assert NO_QUERIES.read == 0
    assert NO_QUERIES.told(SQL) == ""


def test_session_is_told_with_what_it_runs_or_ran_last() -> None:
    """Behind everything else, as it may be cut."""
    running = Party(SELECTING._replace(query=SQL))
    idle = Party(SELECTING._replace(query=SQL, state="idle in transaction"))
    assert running.describe().endswith(f"open for 8s, running: {SQL}")
    assert idle.describe().endswith(f"open for 8s, last ran: {SQL}")
    assert running.facts()["query"] == SQL
    assert "query" not in Party(SELECTING).facts()


def test_message_has_less_of_it_than_the_facts() -> None:
    """It names several sessions, and is read by people."""
    party = Party(SELECTING._replace(query="x" * 200))
    assert party.describe().endswith(f" running: {'x' * 79}…")
    assert party.facts()["query"] == "x" * 200


def test_finding_of_a_blocker_has_its_query() -> None:
    """Of every kind of blocker."""
    holder = SELECTING._replace(query=SQL)
    finding = judge(activity_of(holder, holders=(READ_LOCK,)))[0]
    assert finding.message.endswith(f"open for 8s, running: {SQL}")
    assert finding.facts["query"] == SQL
    silent = judge(activity_of(SELECTING, holders=(READ_LOCK,)))[0]
    assert silent.message == finding.message.removesuffix(f", running: {SQL}")
    assert "query" not in silent.facts
