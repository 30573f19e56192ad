"""Builds what sees whom SQL of the release harms."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.sessions.activity import NO_QUERIES, QueryText
from hook.core.sessions.ending import PATIENCE
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

    cancels, queries = settings.blockers.cancels, queries_told(settings)
    return lambda ctx: Watcher(ctx, open_session, budget, Ending(ctx, cancels, PATIENCE), queries)


def queries_told(settings: Settings) -> QueryText:
    """Return how much of the SQL of others is told."""
    return QueryText(_QUERY_LENGTH) if settings.blockers.shows_queries else NO_QUERIES
