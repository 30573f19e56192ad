"""A look at what a run has applied, which is committed whatever becomes of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.errors import DatabaseUnreachable
from hook.pipeline.recovery import is_lost_by, reach_again

if TYPE_CHECKING:
    from hook.core.schema_history.plan import Plan
    from hook.pipeline.ground import Ground
    from hook.postgres.session import Session
    from hook.stages import Outcome
    from hook.stages.verify import Before


def look_behind(ground: Ground, session: Session, before: Before) -> Outcome[Plan]:
    """Judge what the run has made of the schema; a connection that is lost is replaced once.

    On another primary something that was committed may be missing, and is seen to be.

    Raises:
        HookError: The database could not be asked.
    """
    ctx, reading, facts = ground.journal.ctx, ground.reading, ground.read.facts
    try:
        return reading.verify.run(ctx, session, facts, before)
    except DatabaseUnreachable as error:
        if not is_lost_by(error, session):
            raise
        facts, told = reach_again(reading.wait, ctx, session, facts, error)
    outcome = reading.verify.run(ctx, session, facts, before)
    return outcome._replace(findings=(*told, *outcome.findings))
