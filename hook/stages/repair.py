"""Find out what a repair changes in the schema history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.schema_history.history import History
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.scripts.version import Version
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Change, Engine, HistoryEditor, Reader
    from hook.stages import Context


@dataclass(frozen=True, slots=True)
class RepairStage:
    """Lays the release beside the history; *only* limits it to the rows of a version."""

    engine: Engine
    editor: HistoryEditor
    only: Version | None = None
    name: str = "history"

    def run(
        self, ctx: Context, session: Reader, server: ServerFacts, migration_set: MigrationSet
    ) -> Outcome[tuple[History, Plan, Change]]:
        """Return the history as read, its plan, and the change; the findings tell every row.

        What stands in the way of a run does not stand in the way of a repair, so the
        findings of the plan are left out.

        Raises:
            HookError: The history could not be read.
        """
        ctx.interrupt.raise_if_set()
        history = self.engine.read_history(session, server)
        plan, _ = self.engine.plan(migration_set, history)
        change, findings = self.editor.plan_repair(migration_set, history, self.only, server.user)
        return Outcome(findings, (history, plan, change))
