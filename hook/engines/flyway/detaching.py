"""Finishes detachments of partitions that were cut off, now or in an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.detachment import judge_pending, read_detachment
from hook.core.execution.mending import Remains
from hook.core.execution.script_message import Moment, Own, ScriptMessage
from hook.core.execution.sqlstate import ServerMessage
from hook.engines.flyway.sending import CLEANUP_SECONDS
from hook.errors import HookError
from hook.postgres.partitions import fetch_pending, is_detached

if TYPE_CHECKING:
    from hook.core.sql.statement_list import Statement, StatementList
    from hook.engines.flyway.sending import Sender

_SUCCESSFUL_COMPLETION = "00000"
_UNDEFINED_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class Detaching:
    """Looks whether a partition is pending."""

    sender: Sender

    def message_for(self, one: StatementList) -> ScriptMessage:
        """Return what to send for the single statement *one*: it, or what finishes it.

        What cannot be found out is left to the statement itself.
        """
        detachment = read_detachment(one[0])
        if detachment is None:
            return ScriptMessage(one)
        try:
            pending = fetch_pending(self.sender.session, detachment)
        except HookError:
            pending = None
        if pending is None:
            return ScriptMessage(one)
        self._tell(f"{pending.describe()}, is detached to the end")
        return ScriptMessage(one[:0], (Own(Moment.FINISHING, pending.finishing_statement()),))

    def is_there(self, statement: Statement) -> bool:
        """Tell whether the partition that *statement* detaches is one; not if that is unknown."""
        detachment = read_detachment(statement)
        try:
            return detachment is not None and not is_detached(self.sender.session, detachment)
        except HookError:
            return False

    def is_done(self, statement: Statement, attempt: Attempt) -> bool:
        """Tell whether *attempt* at *statement* ended as there is nothing to detach any more.

        Only who knows of an earlier one that was cut off may take that for done. What cannot
        be found out is left to the error of *attempt*.
        """
        detachment, failure = read_detachment(statement), attempt.failure
        if detachment is None or failure is None or failure.sqlstate != _UNDEFINED_TABLE:
            return False
        try:
            if not is_detached(self.sender.session, detachment):
                return False
        except HookError:
            return False
        message = (
            f"{detachment.partition} is no partition of {detachment.table}: detached by an attempt"
            " that was cut off, it seems"
        )
        self.sender.notices.append(ServerMessage("WARNING", _SUCCESSFUL_COMPLETION, message))
        return True

    def left_by(self, statement: Statement, attempt: Attempt) -> Remains | None:
        """Return what is left of *statement*, none where that is not for us to say.

        Nobody knows whether one whose connection was lost has come to its end: the next
        attempt finds it pending or detached, or begins anew.
        """
        detachment = read_detachment(statement)
        if detachment is None:
            return None
        if attempt.end is AttemptEnd.LOST:
            return Remains(in_doubt=detachment.describe())
        try:
            session = self.sender.session.shielded(CLEANUP_SECONDS)
            return judge_pending(attempt, fetch_pending(session, detachment))
        except HookError:
            return None

    def _tell(self, message: str) -> None:
        self.sender.notices.append(ServerMessage("NOTICE", _SUCCESSFUL_COMPLETION, message))
