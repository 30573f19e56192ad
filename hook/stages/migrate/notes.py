"""What the ledger says of a script without transaction, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.mending import (
    for_human,
    handed_on,
    is_left_to_note,
    with_known,
    without_session_of,
)
from hook.errors import HookError

if TYPE_CHECKING:
    from hook.core.execution.step_note import StepNote
    from hook.postgres.session import Session
    from hook.stages import Context
    from hook.stages.migrate.footing import Footing

_CLEANUP_SECONDS = 5.0
_ELSEWHERE = "what of it has reached the new primary"


@dataclass(slots=True)
class Notes:
    """How far a script is for certain.

    Attributes:
        settled: See `ApplyTask.settled`.
        note: See `ApplyTask.note`.
        found: See `ApplyTask.found`.
    """

    settled: int | None = None
    note: StepNote | None = None
    found: bool = False

    def keep(self, attempt: Attempt) -> None:
        """Take over what *attempt* has settled."""
        self.found = attempt.found
        if attempt.is_noted:
            self.settled = max(attempt.done, self.settled or 0)

    def ask(self, session: Session, lost: Attempt) -> Attempt:
        """Return the attempt *lost* with how far it came for certain, if the ledger says that.

        What cannot be found out stays unknown, as where somebody has deleted the row. Call it
        once the backend that was lost is gone. A primary that has taken over has of the
        statements what it has of their notes.
        """
        if self.note is None or not lost.is_noted:
            return lost
        try:
            rows = session.fetch(self.note.reading)
        except HookError:
            return lost
        if not rows or rows[0][0] is None:
            return replace(lost, is_noted=False)
        done, held = rows[0]
        known = with_known(lost, done)
        self.settled = known.done
        return without_session_of(known, held)

    def hand_on(self, last: Attempt, footing: Footing, ctx: Context) -> Attempt:
        """Return *last*, which is given up, with what it has done left to whom that is for.

        That is the next run, if the ledger says how far the script came, and else a human, also
        where it cannot be read: then a failed row is written. A stop request does not prevent it.
        """
        if self.note is None or not is_left_to_note(last):
            return last
        footing.reach(ctx)
        goes_on = handed_on(last, "" if footing.failover is None else _ELSEWHERE)
        if footing.session.is_lost:
            # Neither can a failed row be written; the next run sees what the session had.
            return for_human(last) if last.may_hold else goes_on
        try:
            rows = footing.session.shielded(_CLEANUP_SECONDS).fetch(self.note.reading)
        except HookError:
            return for_human(last)
        if not rows or rows[0][0] is None:
            return for_human(replace(last, is_noted=False))
        held = rows[0][1]
        return for_human(without_session_of(last, held)) if held else goes_on

    def are_all_there_is(self, last: Attempt | None) -> bool:
        """Tell whether nothing else says how far the script came, given up after *last*.

        Of what has left nothing there is nothing to say, unless it may have been committed.
        """
        if last is None:
            return self.settled is not None
        is_begun = bool(last.leftovers or last.goes_on)
        return last.is_noted and (is_begun or last.end is AttemptEnd.LOST)
