"""See that the schema is where the plan was to bring it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hook.core.schema_history.verification import judge_level, judge_new_invalid_indexes, judge_run
from hook.postgres.indexes import fetch_invalid_indexes
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.sessions.server import ServerFacts
    from hook.core.sql.invalid_index import InvalidIndex
    from hook.engines import Engine, Reader
    from hook.stages import Context


class Before(NamedTuple):
    """What was known before the run changed anything.

    Attributes:
        plan: The plan that was carried out.
        invalid_indexes: As `hook.postgres.indexes.fetch_invalid_indexes` returned them.
    """

    migration_set: MigrationSet
    plan: Plan
    invalid_indexes: frozenset[InvalidIndex]


class VerifyStage:
    """Compares the database with what was planned."""

    name = "verify"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(
        self, ctx: Context, session: Reader, server: ServerFacts, before: Before
    ) -> Outcome[Plan]:
        """Judge a run that applied migrations; return what is still to be done.

        Raises:
            HookError: The database could not be asked.
        """
        ctx.interrupt.raise_if_set()
        history = self.engine.read_history(session, server)
        after, _ = self.engine.plan(before.migration_set, history)
        indexes = fetch_invalid_indexes(session)
        findings = (
            *judge_run(before.plan, history, after),
            *judge_new_invalid_indexes(before.invalid_indexes, indexes),
        )
        return Outcome(findings, after)

    def look_before(self, session: Reader, migration_set: MigrationSet, plan: Plan) -> Before:
        """Note what the run must not make worse, before it changes anything.

        Raises:
            HookError: The database could not be asked.
        """
        return Before(migration_set, plan, fetch_invalid_indexes(session))

    def confirm(self, plan: Plan) -> Outcome[Plan]:
        """Judge a schema that nothing was done to, from what was read already."""
        return Outcome(judge_level(plan), plan)
