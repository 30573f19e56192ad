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
from hook.postgres.partitions import fetch_pending

if TYPE_CHECKING:
    from hook.core.sql.statement_list import Statement, StatementList
    from hook.engines.flyway.sending import Sender

_SUCCESSFUL_COMPLETION = "00000"


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
        message = f"{pending.describe()}, is detached to the end"
        self.sender.notices.append(ServerMessage("NOTICE", _SUCCESSFUL_COMPLETION, message))
        return ScriptMessage(one[:0], (Own(Moment.FINISHING, pending.finishing_statement()),))

    def left_by(self, statement: Statement, attempt: Attempt) -> Remains | None:
        """Return what is left of *statement*, none where that is not for us to say.

        Nobody knows whether one whose connection was lost has come to its end.
        """
        detachment = read_detachment(statement)
        if detachment is None or attempt.end is AttemptEnd.LOST:
            return None
        try:
            session = self.sender.session.shielded(CLEANUP_SECONDS)
            return judge_pending(attempt, fetch_pending(session, detachment))
        except HookError:
            return None
