"""Read what the ledger knows of past runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.outcome import passed
from hook.core.text import counted
from hook.errors import ConfigError
from hook.postgres.ledger import Ledger
from hook.settings.words import NO_LEDGER
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.reporting.past_run import PastRun
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.postgres.session import Session
    from hook.stages import Context

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RunsStage:
    """Reads the last rows of the ledger *table*, next to the history of *engine*."""

    engine: Engine
    table: str
    name: str = "runs"

    def run(
        self, ctx: Context, session: Session, facts: ServerFacts
    ) -> Outcome[tuple[PastRun, ...]]:
        """Return the last runs, the newest first.

        Raises:
            ConfigError: There is no ledger, by the settings.
            HookError: The ledger could not be read.
        """
        ctx.interrupt.raise_if_set()
        if self.table == NO_LEDGER:
            raise ConfigError(
                ("PRESYNC_LEDGER is off, so no run was recorded",),
                "Name the table in PRESYNC_LEDGER to look into it.",
            )
        history = self.engine.read_history(session, facts)
        ledger = Ledger(history.schema, self.table)
        runs = ledger.read(session, _SHOWN)
        message = f"{counted(len(runs), 'run')} read from {ledger.shown}"
        return Outcome((passed("runs", message),), runs)
