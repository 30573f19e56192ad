"""The first half of every command: reach the database, read the release and its history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from hook.core.report import SetSummary

if TYPE_CHECKING:
    from hook.core.history import History
    from hook.core.migration_set import MigrationSet
    from hook.core.plan import Plan
    from hook.core.prepared import PreparedScript
    from hook.core.server import ServerFacts
    from hook.pipeline.journal import Journal
    from hook.postgres.session import Session
    from hook.stages.history import HistoryStage
    from hook.stages.resolve import ResolveStage
    from hook.stages.scripts import ScriptsStage
    from hook.stages.syntax import SyntaxStage
    from hook.stages.verify import VerifyStage
    from hook.stages.wait import Reached, WaitStage


class Read(NamedTuple):
    """What is known once everything was read.

    Attributes:
        history: As it was when it was last looked at.
    """

    session: Session
    facts: ServerFacts
    migration_set: MigrationSet
    history: History
    plan: Plan


class Reading:
    """The stages that look and change nothing."""

    def __init__(
        self,
        wait: WaitStage,
        resolve: ResolveStage,
        history: HistoryStage,
        scripts: Callable[[ServerFacts], ScriptsStage],
        syntax: Callable[[ServerFacts], SyntaxStage],
        verify: VerifyStage,
    ) -> None:
        self.wait = wait
        self.resolve = resolve
        self.history = history
        self.scripts = scripts
        self.syntax = syntax
        self.verify = verify

    def look_again(self, journal: Journal, read: Read) -> Read:
        """Read the history anew: while the lock was waited for, somebody may have migrated."""
        history, plan = self._look(journal, read.session, read.facts, read.migration_set)
        return read._replace(history=history, plan=plan)

    def prepare(self, journal: Journal, read: Read) -> tuple[PreparedScript, ...]:
        """Read the pending scripts and have the server parse them; nothing is run."""
        stage = self.scripts(read.facts)
        scripts = journal.stage("scripts", lambda: stage.run(journal.ctx, read.plan.pending))
        syntax = self.syntax(read.facts)
        journal.stage("syntax", lambda: syntax.run(journal.ctx, read.session, scripts))
        return scripts

    def read(self, journal: Journal, session: Session, facts: ServerFacts) -> Read:
        """Resolve the release and lay it beside the history."""
        migration_set = journal.stage("resolve", lambda: self.resolve.run(journal.ctx, facts))
        journal.migration_set = summarize_set(migration_set)
        history, plan = self._look(journal, session, facts, migration_set)
        return Read(session, facts, migration_set, history, plan)

    def show(self, journal: Journal, session: Session, facts: ServerFacts) -> None:
        """Read release and history for whoever wants to see them, right or wrong."""
        migration_set = journal.stage("resolve", lambda: self.resolve.run(journal.ctx, facts))
        journal.migration_set = summarize_set(migration_set)
        run = self.history.run
        outcome = journal.quietly(
            "history", lambda: run(journal.ctx, session, facts, migration_set)
        )
        _, plan = outcome.value
        note_plan(journal, plan)

    def confirm(self, journal: Journal, read: Read) -> None:
        """Judge a schema that nothing was done to, from what was read already.

        Raises:
            Stopped: It is not at the level that the release needs.
        """
        journal.after = journal.before
        journal.stage("verify", lambda: self.verify.confirm(read.plan))

    def _look(
        self, journal: Journal, session: Session, facts: ServerFacts, migration_set: MigrationSet
    ) -> tuple[History, Plan]:
        outcome = journal.attempt(
            "history", lambda: self.history.run(journal.ctx, session, facts, migration_set)
        )
        history, plan = outcome.value
        note_plan(journal, plan)
        journal.stop_if_decided(outcome.findings)
        return history, plan


def note_plan(journal: Journal, plan: Plan) -> None:
    """Take down what the report tells of *plan*."""
    journal.infos = plan.infos
    journal.before = {"version": plan.current}
    journal.pending = tuple(item.script for item in plan.pending)
    journal.ahead = plan.ahead


@contextmanager
def reach_database(journal: Journal, reading: Reading) -> Iterator[Reached]:
    """Reach the database; the session is closed in the end.

    Raises:
        Stopped: It could not be reached, or is not the one that was meant.
    """
    reached = journal.stage("wait", lambda: reading.wait.run(journal.ctx))
    with reached.session:
        journal.database = describe_server(reached.facts)
        yield reached


@contextmanager
def read_release(journal: Journal, reading: Reading) -> Iterator[Read]:
    """Reach the database and read; the session is closed in the end.

    Raises:
        Stopped: Something read speaks against going on.
    """
    with reach_database(journal, reading) as reached:
        yield reading.read(journal, reached.session, reached.facts)


def summarize_set(migration_set: MigrationSet) -> SetSummary:
    """Return what the report tells of *migration_set*."""
    newest = migration_set.newest
    return SetSummary(
        digest=migration_set.digest,
        count=len(migration_set.migrations),
        newest=None if newest is None else newest.text,
    )


def describe_server(facts: ServerFacts) -> dict[str, object]:
    """Return what the report tells of the server."""
    return {
        "host": facts.host,
        "port": facts.port,
        "name": facts.database,
        "user": facts.user,
        "server_version": facts.version,
        "system_identifier": facts.system_identifier,
        "timeline": facts.timeline,
        "time_zone": facts.time_zone,
    }
