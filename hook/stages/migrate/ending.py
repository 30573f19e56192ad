"""End sessions that stand in the way, where the settings ask for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.outcome import Finding, warned
from hook.core.sessions.ending import Endable, choose_endable, how_ended, right_for
from hook.errors import DatabaseRejected
from hook.postgres.contention import end_session
from hook.stages import Context

if TYPE_CHECKING:
    from hook.core.sessions.census import Census, Party
    from hook.postgres.session import Session

_RULE = "blocker-ended"


@dataclass(slots=True)
class Ending:
    """What a run does to others; each of them is ended once, and told before and after.

    Attributes:
        kinds: Whom it may end, nobody when it is empty.
        patience: How long they must have been at it.
    """

    ctx: Context
    kinds: Collection[Endable] = ()
    patience: timedelta = timedelta(0)
    findings: list[Finding] = field(default_factory=list)
    _met: set[tuple[str, str] | None] = field(default_factory=set)

    def end(self, session: Session, census: Census) -> None:
        """End those in the way that may be ended; *session* is used for it.

        Raises:
            HookError: The server did not answer.
        """
        for party, kind in choose_endable(census, self.kinds, self.patience):
            if party.identity not in self._met:
                self._met.add(party.identity)
                self._end(session, party, kind)

    def _end(self, session: Session, party: Party, kind: Endable) -> None:
        how, who = how_ended(kind), party.describe()
        facts = {**party.facts(), "kind": kind.value}
        self.ctx.events(
            "blocker.ending", f"ending {who}: it is in the way", level="warning", **facts
        )
        try:
            is_done = end_session(session, party, kind)
        except DatabaseRejected as error:
            self._tell(f"not ended, {error.message}: {who}", right_for(kind), facts, is_done=False)
            return
        told = (
            f"{how}, as it was in the way: {who}" if is_done else f"left alone, it moved on: {who}"
        )
        self._tell(told, "", facts, is_done=is_done)

    def _tell(self, message: str, hint: str, facts: dict[str, object], *, is_done: bool) -> None:
        facts = {**facts, "ended": is_done}
        self.ctx.events("blocker.ended", message, level="warning", **facts)
        self.findings.append(warned(_RULE, message, hint, **facts))
