"""Read the schema history and find out what the release still has to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.outcome import passed
from hook.core.text import listed
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.schema_history.history import History
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine, Reader
    from hook.stages import Context


class HistoryStage:
    """Lays the migration set beside the schema history; writes nothing, locks nothing."""

    name = "history"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(
        self, ctx: Context, session: Reader, server: ServerFacts, migration_set: MigrationSet
    ) -> Outcome[tuple[History, Plan]]:
        """Return the history as read and the plan that follows.

        Raises:
            HookError: The history could not be read.
        """
        ctx.interrupt.raise_if_set()
        history = self.engine.read_history(session, server)
        plan, findings = self.engine.plan(migration_set, history)
        return Outcome((_describe(history, plan), *findings), (history, plan))


def _describe(history: History, plan: Plan) -> Finding:
    place = f"{history.schema}.{history.table}"
    at = f"at {plan.current}" if plan.current else "without version"
    if not plan.pending:
        return passed("history", f"{place} {at}, nothing pending")
    names = listed([item.script for item in plan.pending])
    state = at if history.exists else "is not there yet"
    return passed("history", f"{place} {state}, {len(plan.pending)} pending: {names}")
