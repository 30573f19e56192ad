"""What the ledger says of a script without transaction, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.mending import with_known
from hook.errors import HookError

if TYPE_CHECKING:
    from hook.core.execution.step_note import StepNote
    from hook.postgres.session import Session


@dataclass(slots=True)
class Notes:
    """How far a script is for certain.

    Attributes:
        settled: See `ApplyTask.settled`.
        note: See `ApplyTask.note`.
    """

    settled: int | None = None
    note: StepNote | None = None

    def keep(self, attempt: Attempt) -> None:
        """Take over what *attempt* has settled."""
        if attempt.is_noted:
            self.settled = max(attempt.done, self.settled or 0)

    def ask(self, session: Session, lost: Attempt) -> Attempt:
        """Return the attempt *lost* with how far it came for certain, if the ledger says that.

        What cannot be found out stays unknown. Call it once the backend that was lost is gone.
        """
        if self.note is None or not lost.is_noted:
            return lost
        try:
            rows = session.fetch(self.note.reading)
        except HookError:
            return lost
        if not rows or rows[0][0] is None:
            return lost
        known = with_known(lost, rows[0][0])
        self.settled = known.done
        return known

    def are_all_there_is(self, last: Attempt | None) -> bool:
        """Tell whether nothing else says how far the script came, given up after *last*.

        Of what has left nothing there is nothing to say, unless it may have been committed.
        """
        if last is None:
            return self.settled is not None
        return last.is_noted and (bool(last.leftovers) or last.end is AttemptEnd.LOST)
