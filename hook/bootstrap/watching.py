"""Builds what sees whom SQL of the release harms, and who is in its way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hook.bootstrap.policies import policy_in_force
from hook.core.sessions.activity import NO_QUERIES, QueryText
from hook.core.sessions.blockers import BlockerPolicy
from hook.core.sessions.ending import PATIENCE
from hook.postgres.retry_gate import RetryGate
from hook.stages import unwatched
from hook.stages.migrate.ending import Ending
from hook.stages.migrate.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings import Settings
    from hook.stages import Context, Watch

# Whoever cannot look for so long is blind.
_WATCH_TIMEOUT = timedelta(seconds=2)
# What the report has of each; messages have less.
_QUERY_LENGTH = 200


def build_watch(settings: Settings, connect: Connect) -> Callable[[Context], Watch]:
    """Return what begins to watch whom it harms.

    Raises:
        ConfigError: No database is configured.
    """
    budget = settings.run.damage_budget
    if budget is None:
        return unwatched
    target = settings.database.require_target()

    def open_session(ctx: Context) -> Session:
        return connect(target, "watch", ctx.run_id, ctx.bounds, _WATCH_TIMEOUT)

    cancels, queries = settings.blockers.cancels, _queries_told(settings)
    return lambda ctx: Watcher(ctx, open_session, budget, Ending(ctx, cancels, PATIENCE), queries)


def build_retry_gate(settings: Settings) -> RetryGate:
    """Return who is asked before each further attempt: the gate of the blockers."""
    blockers = settings.blockers
    policy = policy_in_force("blockers", blockers.policy, settings)
    queries = _queries_told(settings)
    return RetryGate(
        policy, BlockerPolicy(blockers.max_age, cancels=blockers.cancels, queries=queries)
    )


def _queries_told(settings: Settings) -> QueryText:
    """Return how much of the SQL of others is told."""
    return QueryText(_QUERY_LENGTH) if settings.blockers.shows_queries else NO_QUERIES
