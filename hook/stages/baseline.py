"""Find out what a baseline creates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.schema_history.history import History
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Change, Engine, HistoryEditor, Reader
    from hook.stages import Context


@dataclass(frozen=True, slots=True)
class BaselineStage:
    """Looks whether what is in the database may be adopted as the state after a version."""

    engine: Engine
    editor: HistoryEditor
    name: str = "history"

    def run(
        self, ctx: Context, session: Reader, server: ServerFacts
    ) -> Outcome[tuple[History, Change]]:
        """Return the history as read and the change; the findings tell what is created.

        Raises:
            HookError: The history could not be read.
        """
        ctx.interrupt.raise_if_set()
        history = self.engine.read_history(session, server)
        change, findings = self.editor.plan_baseline(history, server.user)
        return Outcome(findings, (history, change))
