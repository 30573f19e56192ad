"""Remember a failure: what failed a moment ago and has not changed is not run again.

And neither is what may have run in part, in a run of which nobody knows how it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.execution.group import Grouping
from hook.core.outcome import warned
from hook.core.reporting.ledger import (
    FirstUnit,
    find_cut_off,
    judge_cut_off,
    judge_last_run,
    resume,
)
from hook.core.reporting.past_run import NO_RESUMPTION
from hook.errors import ConnectionLost, DeadlineExceeded, HookError, Interrupted
from hook.postgres.ledger import Ledger
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.outcome import Finding
    from hook.core.reporting.past_run import Resumption
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.postgres.session import Session


@dataclass(frozen=True, slots=True)
class FailureMemoryStage:
    """Looks at the last run of the ledger *table*; *memory* is how long a failure counts."""

    table: str
    memory: timedelta
    grouping: Grouping = Grouping.EACH
    name: str = "memory"

    def run(
        self,
        session: Session,
        schema: str,
        plan: Plan,
        release: MigrationSet,
        scripts: Sequence[PreparedScript],
    ) -> Outcome[Resumption]:
        """Return why the run would only fail again, or do something for the second time.

        Args:
            session: With the database.
            schema: Of the schema history.
            plan: What is pending.
            release: All of its migrations.
            scripts: What is pending, as it was read.

        Returns:
            Where a run was cut off, and how far it came.

        Raises:
            Interrupted: A stop was requested.
            DeadlineExceeded: The time of the run is over.
            ConnectionLost: It may be asked again on another one.
        """
        ledger = Ledger(schema, self.table)
        try:
            runs = ledger.read(session, 1)
        except (Interrupted, DeadlineExceeded, ConnectionLost):
            raise
        except HookError as error:
            message = f"{ledger.shown} could not be read: {error.message}"
            hint = "Whether this very release has failed before is not known."
            return Outcome((warned("failure-memory", message, hint),), NO_RESUMPTION)
        unit = FirstUnit.of(plan, self.grouping)
        last = runs[0] if runs else None
        first = scripts if self.grouping is Grouping.ALL else scripts[:1]
        applied = release.digest_without(plan.pending)
        cut_off = find_cut_off(last, first, applied)
        if last is not None and cut_off is not None:
            finding = judge_cut_off(last, cut_off)
            return Outcome(_told(finding), resume(last, cut_off))
        finding = judge_last_run(last, unit, release.digest, self.memory)
        return Outcome(_told(finding), NO_RESUMPTION)


def _told(finding: Finding | None) -> tuple[Finding, ...]:
    return () if finding is None else (finding,)
