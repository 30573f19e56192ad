"""Remember a failure: what failed a moment ago and has not changed is not run again.

And neither is what may have run in part, in a run of which nobody knows how it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.execution.group import Grouping
from hook.core.reporting.ledger import (
    FirstUnit,
    find_cut_off,
    judge_cut_off,
    judge_last_run,
    resume,
)
from hook.core.reporting.noted_part import (
    LedgerTable,
    find_noted_part,
    judge_out_of_turn,
    judge_unread,
    last_migration,
)
from hook.core.reporting.past_run import NO_RESUMPTION
from hook.errors import (
    BudgetExceeded,
    DatabaseUnreachable,
    DeadlineExceeded,
    HookError,
    Interrupted,
    LockContention,
)
from hook.postgres.ledger import Ledger
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.outcome import Finding
    from hook.core.reporting.past_run import PastRun, Resumption
    from hook.core.schema_history.history import History
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.postgres.session import Session

# More than anybody edits a history without a run in between.
_EDITS = 1000


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
        history: History,
        plan: Plan,
        release: MigrationSet,
        scripts: Sequence[PreparedScript],
        user: str,
    ) -> Outcome[Resumption]:
        """Return why the run would only fail again, or do something for the second time.

        Args:
            session: With the database.
            history: What was applied before.
            plan: What is pending.
            release: All of its migrations.
            scripts: What is pending, as it was read.
            user: The role of *session*.

        Returns:
            Where a run was cut off, and how far it came.

        Raises:
            Interrupted: A stop was requested.
            BudgetExceeded: There was no time to read the ledger.
            DatabaseUnreachable: Nor a connection; one that is lost may be replaced.
            LockContention: Somebody has locked it.
        """
        ledger = Ledger(history.schema, self.table, history.table)
        try:
            runs = _last_runs(ledger, session)
            if any(item.is_run and item.runs_once for item in scripts):
                ledger.refuse_hidden_rows(session)
        except (Interrupted, DeadlineExceeded, DatabaseUnreachable, LockContention):
            raise  # it passes, and a part of any script may be noted there
        except BudgetExceeded as error:
            error.message = f"{ledger.shown} could not be read: {error.message}"
            raise
        except HookError as error:
            table = LedgerTable(history.schema, self.table, user)
            return Outcome((judge_unread(error, table, scripts),), NO_RESUMPTION)
        part = find_noted_part(runs, history.rows)
        if part is not None and scripts[0].migration.script != part.script.script:
            out_of_turn = judge_out_of_turn(part, scripts[0].migration.script)
            return Outcome((out_of_turn,), NO_RESUMPTION)
        if part is not None and scripts[0].is_run:
            goes_on = resume(part.run, scripts[0])
            return Outcome(_told(judge_cut_off(part.run, scripts[0])), goes_on)
        unit = FirstUnit.of(plan, self.grouping)
        last = last_migration(runs)
        first = scripts if self.grouping is Grouping.ALL else scripts[:1]
        applied = release.digest_without(plan.pending)
        cut_off = find_cut_off(last, first, applied)
        if last is not None and cut_off is not None:
            finding = judge_cut_off(last, cut_off)
            return Outcome(_told(finding), resume(last, cut_off))
        # An edit of the history is a change, and a reason to try.
        finding = judge_last_run(runs[0] if runs else None, unit, release.digest, self.memory)
        return Outcome(_told(finding), NO_RESUMPTION)


def _last_runs(ledger: Ledger, session: Session) -> tuple[PastRun, ...]:
    """Return the last run, and behind the edits of the history the last one that migrated."""
    runs = ledger.read(session, 1)
    is_edit = bool(runs) and runs[0].command != "run"
    return ledger.read(session, _EDITS) if is_edit else runs


def _told(finding: Finding | None) -> tuple[Finding, ...]:
    return () if finding is None else (finding,)
