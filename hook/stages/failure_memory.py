"""Remember a failure: what failed a moment ago and has not changed is not run again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.group import Grouping
from hook.core.ledger import FirstUnit, judge_last_run
from hook.core.outcome import warned
from hook.errors import HookError, Interrupted
from hook.postgres.ledger import Ledger

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.plan import Plan
    from hook.postgres.session import Session


@dataclass(frozen=True, slots=True)
class FailureMemoryStage:
    """Looks at the last run of the ledger *table*; *memory* is how long a failure counts."""

    table: str
    memory: timedelta
    grouping: Grouping = Grouping.EACH
    name: str = "memory"

    def run(
        self, session: Session, schema: str, plan: Plan, set_digest: str
    ) -> tuple[Finding, ...]:
        """Return why the run would only fail again; nothing when that is not certain.

        Raises:
            Interrupted: A stop was requested.
        """
        ledger = Ledger(schema, self.table)
        try:
            runs = ledger.read(session, 1)
        except Interrupted:
            raise
        except HookError as error:
            message = f"{ledger.shown} could not be read: {error.message}"
            hint = "Whether this very release has failed before is not known."
            return (warned("failure-memory", message, hint),)
        unit = FirstUnit.of(plan, self.grouping)
        finding = judge_last_run(runs[0] if runs else None, unit, set_digest, self.memory)
        return () if finding is None else (finding,)
