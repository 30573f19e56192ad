"""A schema history that another run creates while this one looks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hook.clock import Interrupt
from hook.engines.flyway.history_table import HistoryPlace, read_history
from hook.postgres.session import Session
from hook.settings.migrations import HistoryTable
from tests.testbed.database import Database
from tests.testbed.gate import Gate
from tests.testbed.run_context import open_session, target_of


@dataclass
class Overtaken:
    """A session behind whose first query another run does all its work."""

    session: Session
    gate: Gate
    asked: int = 0

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of *query*; in front of the second one the other run migrates."""
        self.asked += 1
        if self.asked == 2:
            self.gate.run({"V1__t.sql": "CREATE TABLE t ()"})
        return self.session.fetch(query, parameters)


def test_work_of_a_run_that_was_faster_is_not_taken_for_foreign(
    database: Database, gate: Gate, calm: Interrupt
) -> None:
    """It would be refused as a schema that holds objects and has no history."""
    place = HistoryPlace("public", "flyway_schema_history", ("public",))
    with open_session(target_of(database), calm) as session:
        history = read_history(Overtaken(session, gate), place, HistoryTable())
    assert history.exists
    assert [row.script for row in history.rows] == ["V1__t.sql"]
