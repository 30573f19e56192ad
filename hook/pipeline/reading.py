"""The first half of every command: reach the database, read the release and its history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from hook.core.outcome import deciding_finding
from hook.core.schema_history.applied import ROWS
from hook.core.schema_history.drift import TARGET
from hook.core.schema_history.plan import judge_scripts
from hook.errors import ConnectionLost, DatabaseUnreachable
from hook.pipeline.journal import Stopped
from hook.pipeline.noting import describe_server, note_plan, summarize_set
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.execution.callback_book import CallbackBook
    from hook.core.execution.prepared import PreparedScript
    from hook.core.schema_history.history import History
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.scripts.script import Migration
    from hook.core.scripts.waivers import LossBook, Waived
    from hook.core.sessions.server import ServerFacts
    from hook.core.sql.creations import Creations
    from hook.core.sql.locks import LockRequest
    from hook.pipeline.journal import Journal
    from hook.postgres.session import Session
    from hook.stages.callbacks import CallbacksStage
    from hook.stages.callbacks.running import CallbackRules
    from hook.stages.history import HistoryStage
    from hook.stages.resolve import ResolveStage
    from hook.stages.scripts import ScriptsStage
    from hook.stages.syntax import SyntaxStage
    from hook.stages.verify import VerifyStage
    from hook.stages.wait import Reached, WaitStage


Ask = Callable[[Callable[[], Outcome[None]]], Outcome[None]]


class Release(NamedTuple):
    """The files of a release in front of a database; *facts* are of *session*."""

    session: Session
    facts: ServerFacts
    migration_set: MigrationSet


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

    @property
    def release(self) -> Release:
        """Return the part that does not change while presync runs."""
        return Release(self.session, self.facts, self.migration_set)


class Prepared(NamedTuple):
    """What is about to run, read and understood; no callbacks when there are none of `run`."""

    scripts: tuple[PreparedScript, ...]
    callbacks: CallbackBook | None = None

    @property
    def requests(self) -> tuple[LockRequest, ...]:
        """Return the locks that will be asked for, each once."""
        own = (item for script in self.scripts for item in script.requests)
        return tuple(dict.fromkeys((*own, *(self.callbacks.requests if self.callbacks else ()))))

    @property
    def unforeseen(self) -> tuple[str, ...]:
        """Return where more locks may be asked for, which shows only when it runs."""
        own = (place for item in self.scripts if item.is_run for place in item.unforeseen)
        around = self.callbacks.callbacks if self.callbacks else ()
        return (*own, *(place for item in around for place in item.unforeseen))

    @property
    def losses(self) -> tuple[LossBook, ...]:
        """Return what is destroyed by each script that is run, and by each callback."""
        callbacks = self.callbacks.callbacks if self.callbacks else ()
        return (
            *(script.losses for script in self.scripts if script.is_run),
            *(callback.losses for callback in callbacks),
        )

    @property
    def waivers(self) -> tuple[Waived, ...]:
        """Return the waivers in what is run."""
        return tuple(item for book in self.losses for item in book.waived)


class Reading(NamedTuple):
    """The stages that look and change nothing."""

    wait: WaitStage
    resolve: ResolveStage
    history: HistoryStage
    scripts: Callable[[ServerFacts], ScriptsStage]
    callbacks: Callable[[ServerFacts | None, str], CallbacksStage]
    callback_rules: Callable[[], CallbackRules]
    syntax: Callable[[ServerFacts], SyntaxStage]
    verify: VerifyStage

    def prepare(self, journal: Journal, read: Read, ask: Ask) -> Prepared:
        """Read what is pending, and the callbacks, and have the server parse it; nothing is run.

        What asks the server is done by *ask*, once more if the connection is lost.

        Raises:
            Stopped: Some of it cannot be run as it is. All of that is on record.
        """
        outcome = self._prepare(journal, read.release, read.plan.pending, ask)
        journal.stop_if_decided(outcome.findings)
        return outcome.value

    def refuse(self, journal: Journal, release: Release, plan: Plan) -> NoReturn:
        """Stop a run that is refused already, once it is told what is wrong with the scripts.

        Whoever mends what it is refused for need not come back for them.

        Raises:
            Stopped: Always.
        """
        self._prepare(journal, release, plan.pending)
        raise Stopped

    def _prepare(
        self,
        journal: Journal,
        release: Release,
        pending: tuple[Migration, ...],
        ask: Ask = lambda parse: parse(),
    ) -> Outcome[Prepared]:
        """Put on record what is wrong with *pending* and the callbacks, of whatever kind it is."""
        from hook.core.sql.creations import Creations  # noqa: PLC0415 - not for a no-op run

        ctx, (session, facts, migration_set) = journal.ctx, release
        stage, syntax, made = self.scripts(facts), self.syntax(facts), Creations()
        told = judge_scripts(pending)
        read = journal.attempt(
            "scripts", lambda: stage.run(ctx, pending, session, made).behind(told)
        )
        scripts, findings, book = read.value, read.findings, None
        if migration_set.callbacks:
            of_callbacks = self._read_callbacks(journal, release, "run", scripts, made)
            findings, book = (*findings, *of_callbacks.findings), of_callbacks.value
        callbacks = book.callbacks if book else ()
        parsed = journal.attempt(
            "syntax", lambda: ask(lambda: syntax.run(ctx, session, scripts, callbacks))
        )
        prepared = Prepared(book.beside(scripts) if book else scripts, book)
        journal.waivers = prepared.waivers
        return Outcome((*findings, *parsed.findings), prepared)

    def read_callbacks(self, journal: Journal, release: Release, command: str) -> CallbackBook:
        """Read the callbacks of *command*; nothing is run.

        Raises:
            Stopped: Some cannot be run as they are. All of them are on record.
        """
        outcome = self._read_callbacks(journal, release, command)
        journal.stop_if_decided(outcome.findings)
        return outcome.value

    def _read_callbacks(
        self,
        journal: Journal,
        release: Release,
        command: str,
        scripts: tuple[PreparedScript, ...] = (),
        made: Creations | None = None,
    ) -> Outcome[CallbackBook]:
        session, facts, migration_set = release
        run, found = self.callbacks(facts, command).run, migration_set.callbacks
        return journal.attempt("callbacks", lambda: run(journal.ctx, found, scripts, session, made))

    def resolve_release(self, journal: Journal, reached: Reached) -> Release:
        """Read the files of the release.

        Raises:
            Stopped: They are no migration set. On record is also what else is wrong with
                those that can be read and are pending.
        """
        facts = reached.facts
        outcome = journal.attempt("resolve", lambda: self.resolve.run(journal.ctx, facts))
        release = Release(reached.session, facts, outcome.value)
        if deciding_finding(outcome.findings) is not None:
            # Of the history only this counts: with files left out, it is bound to disagree.
            look = journal.quietly("history", lambda: self.look(journal, release))
            self.refuse(journal, release, look.value[1])
        journal.migration_set = summarize_set(outcome.value)
        return release

    def read(self, journal: Journal, release: Release) -> Read:
        """Lay the release beside the history, for the first time: nothing was written as yet."""
        outcome = self._read(journal, release)
        journal.stop_if_decided(outcome.findings)
        return outcome.value

    def read_to_run(self, journal: Journal, release: Release) -> Read:
        """Do the same for whoever would run what is pending.

        Raises:
            Stopped: The history refuses the release. On record is also what is wrong with
                the scripts that are pending.
        """
        outcome = self._read(journal, release)
        read = outcome.value
        if deciding_finding(outcome.findings) is not None:
            self.refuse(journal, read.release, read.plan)
        return read

    def _read(self, journal: Journal, release: Release) -> Outcome[Read]:
        outcome = journal.attempt("history", lambda: self.look_first(journal, release))
        note_plan(journal, outcome.value.plan)
        return outcome

    def look(self, journal: Journal, release: Release) -> Outcome[tuple[History, Plan]]:
        """Return what the history says of the release; nothing is put on record."""
        session, facts, migration_set = release
        return self.history.run(journal.ctx, session, facts, migration_set)

    def show(self, journal: Journal, release: Release) -> None:
        """Read the history for whoever wants to see it, right or wrong.

        Raises:
            Stopped: A row cannot be understood, or the target is a version that there is
                not: the states that follow from it would be wrong. Flyway refuses that, too.
        """
        outcome = journal.quietly("history", lambda: self.look_first(journal, release))
        note_plan(journal, outcome.value.plan)
        astray = tuple(item for item in outcome.findings if item.rule in {ROWS, TARGET})
        if astray:
            journal.stage("history", lambda: Outcome(astray, None))

    def confirm(self, journal: Journal, read: Read) -> None:
        """Judge a schema that nothing was done to, from what was read already.

        Raises:
            Stopped: It is not at the level that the release needs.
        """
        journal.after = journal.before
        # Somebody else was faster with what they allow.
        journal.waivers = ()
        journal.stage("verify", lambda: self.verify.confirm(read.plan))

    def look_first(self, journal: Journal, release: Release) -> Outcome[Read]:
        """Look at the history; if the connection is lost meanwhile, once more on a new one."""
        try:
            outcome = self.look(journal, release)
        except DatabaseUnreachable as error:
            # The end of a session that has just told why may not have arrived yet.
            if not (isinstance(error, ConnectionLost) or release.session.is_lost):
                raise
            from hook.pipeline.recovery import reach_again  # noqa: PLC0415 - rarely needed

            session, before = release.session, release.facts
            facts, told = reach_again(self.wait, journal.ctx, session, before, error)
            release = release._replace(facts=facts)
            journal.database = describe_server(facts)
            outcome = self.look(journal, release).behind(told)
        return Outcome(outcome.findings, Read(*release, *outcome.value))


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
    """Reach the database and read as a run would; the session is closed in the end.

    Raises:
        Stopped: Something read speaks against going on.
    """
    with reach_database(journal, reading) as reached:
        yield reading.read_to_run(journal, reading.resolve_release(journal, reached))
