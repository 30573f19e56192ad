"""The blockers gate on a database with one table, as the pipeline would run it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hook.core.outcome import Finding
from hook.core.sessions.blockers import BlockerPolicy
from hook.core.sql.locks import LockMode, LockRequest
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.blockers import BlockersStage

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, state text);
GRANT ALL ON orders TO PUBLIC
"""
ALTER = LockRequest("orders", LockMode.ACCESS_EXCLUSIVE)
INSERT = LockRequest("public.orders", LockMode.ROW_EXCLUSIVE)


@dataclass(frozen=True, slots=True)
class BlockersGate:
    """Looks through *session*, unless told otherwise."""

    ctx: Context
    session: Session

    def look(
        self,
        *requests: LockRequest,
        seconds: float = 0,
        max_age: timedelta = timedelta(minutes=30),
    ) -> tuple[Finding, ...]:
        """Return what the gate finds in front of *requests*, waiting at most *seconds*."""
        stage = BlockersStage(BlockerPolicy(max_age), timedelta(seconds=seconds))
        return stage.run(self.ctx, self.session, requests)
