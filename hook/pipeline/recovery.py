"""Further sessions of a run: beside its first one, or after that was lost."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.failover import failover_between
from hook.core.outcome import deciding_finding
from hook.errors import ConfigError, ConnectionLost, DatabaseUnreachable, HookError
from hook.postgres.lost_backend import await_backend_end

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.session import Session
    from hook.stages import Context
    from hook.stages.wait import WaitStage


@dataclass(frozen=True, slots=True)
class Reconnection:
    """Reaches the same cluster again and waits until the past is decided."""

    wait: WaitStage

    def __call__(self, ctx: Context, lost: ServerFacts) -> tuple[Session, ServerFacts]:
        """Return a new session and its facts; the backend of *lost* is gone by then.

        Raises:
            HookError: The primary could not be reached, or another cluster answers.
        """
        session, facts = reach_same_cluster(self.wait, ctx, lost)
        try:
            await_backend_end(session, lost, ctx.clock)
        except HookError:
            session.close()
            raise
        return session, facts


def reach_same_cluster(
    wait: WaitStage, ctx: Context, before: ServerFacts
) -> tuple[Session, ServerFacts]:
    """Return one more session with the cluster of *before*, and its facts.

    Raises:
        HookError: The primary could not be reached, or another cluster answers.
    """
    outcome = wait.run(ctx)
    session, facts = outcome.value.session, outcome.value.facts
    try:
        decided = deciding_finding(outcome.findings)
        if decided is not None:
            raise ConfigError((decided.message,), decided.hint)
        _refuse_other_cluster(facts, before)
    except HookError:
        session.close()
        raise
    return session, facts


def reach_again(
    wait: WaitStage, ctx: Context, lost: Session, before: ServerFacts, error: DatabaseUnreachable
) -> tuple[ServerFacts, tuple[Finding, ...]]:
    """Give *lost* a new connection for the one that *error* ended; nothing was written on it.

    Args:
        wait: Reaches the database, within its own limit.
        ctx: The run.
        lost: The session, which goes on.
        before: Its facts.
        error: How it was lost.

    Returns:
        The facts of the new one, and what there is to be told of it.

    Raises:
        HookError: The primary could not be reached, or another cluster answers.
    """
    ctx.events("connection.lost", error.message, level="warning")
    facts = go_on_elsewhere(wait, ctx, lost, before)
    failover = failover_between(before, facts)
    return facts, () if failover is None else (failover.finding(),)


def go_on_elsewhere(
    wait: WaitStage, ctx: Context, lost: Session, before: ServerFacts
) -> ServerFacts:
    """Let *lost*, whose facts were *before*, go on on a new connection; return its facts.

    Raises:
        HookError: The primary could not be reached, or another cluster answers.
    """
    session, facts = reach_same_cluster(wait, ctx, before)
    lost.go_on_as(session)
    return facts


def is_lost_by(error: DatabaseUnreachable, session: Session) -> bool:
    """Tell whether *error* is that a connection was lost: that of *session*, or one beside it.

    The end of a session that has just told why may not have arrived yet.
    """
    return isinstance(error, ConnectionLost) or session.is_lost


def answers(session: Session) -> bool:
    """Tell whether *session* is there."""
    with contextlib.suppress(DatabaseUnreachable):
        session.fetch("SELECT 1")
    return not session.is_lost


def _refuse_other_cluster(now: ServerFacts, before: ServerFacts) -> None:
    if now.system_identifier != before.system_identifier:
        problem = (
            f"{now.host}:{now.port} is now the cluster {now.system_identifier},"
            f" it was {before.system_identifier}"
        )
        raise ConfigError((problem,), "Find out why the address leads to another cluster.")
