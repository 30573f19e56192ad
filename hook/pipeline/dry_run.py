"""A plan as SQL: the migrations are run on a session that only takes down what it would send."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.callback_book import CallbackBook
from hook.core.execution.dry_run import DryRun, Notebook
from hook.core.execution.heartbeat import EVERY
from hook.core.execution.ladder import rungs_on
from hook.core.execution.no_callbacks import NoCallbacks
from hook.core.outcome import passed
from hook.core.schema_history.missing_schema import is_complete
from hook.core.scripts.events import ERROR_EVENTS, events_in_front
from hook.core.sessions.lock_key import migration_lock_key, work_mark_key
from hook.core.text import counted
from hook.errors import DatabaseUnreachable
from hook.pipeline.inspection import BuildReading, tell_plan
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.reading import Prepared, Read, read_release
from hook.postgres.lock import MigrationLock
from hook.stages import Outcome
from hook.stages.callbacks.running import CallbackRules, RunningCallbacks
from hook.stages.migrate import MigrateStage, Work

if TYPE_CHECKING:
    from typing import NoReturn

    from hook.core.execution.prepared import PreparedScript
    from hook.core.execution.progress import Progress
    from hook.core.reporting.report import Report
    from hook.core.sessions.server import ServerFacts
    from hook.stages import Callbacks, Context

_OF_BUILDS = (
    "- which indexes built CONCURRENTLY are there by then: one that is valid and the very same is",
    "  not built again, an invalid one is dropped first",
)


class Dry(NamedTuple):
    """What migrates and runs callbacks, for sessions that only take down.

    Attributes:
        creates_schemas: Schemas that are missing are created.
        validates: Files and history that disagree stop the run.
    """

    migrate: MigrateStage
    rules: CallbackRules
    creates_schemas: bool
    validates: bool


def plan_sql(
    journal: Journal,
    build: BuildReading,
    build_dry: Callable[[], Dry],
    notebook: Notebook,
) -> Report:
    """Report what a run would apply, and take down in *notebook* what it would send."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        dry = journal.quietly("settings", build_dry)
        with read_release(journal, reading) as read:
            prepared = tell_plan(journal, reading, read)
            journal.stage("sql", lambda: _take_down(journal.ctx, dry, read, prepared, notebook))
    return journal.report()


def _take_down(
    ctx: Context,
    dry: Dry,
    read: Read,
    prepared: Prepared,
    notebook: Notebook,
) -> Outcome[None]:
    scripts, book = prepared.scripts, prepared.callbacks or CallbackBook()
    key = migration_lock_key(read.history.schema, read.history.table)
    is_started = is_complete(read.history, creates_schemas=dry.creates_schemas)
    has_work = scripts or book.callbacks or not is_started
    heading = _heading(read, scripts, dry.migrate, key) if has_work else ()
    notebook.open((_pending(read, scripts), *heading, *_callbacks_apart(book)))
    if not heading:
        return Outcome((passed("sql", "nothing would be sent"),), None)
    session = read.session.dry(DryRun(notebook))
    apart = DryRun(notebook)
    quiet = ctx._replace(events=_Announcing(scripts, notebook, apart))
    rules = replace(dry.rules, connect=lambda _ctx, facts: (read.session.dry(apart), facts))
    callbacks: Callbacks = NoCallbacks()
    if book.callbacks:
        callbacks = RunningCallbacks(quiet, rules, book, read.history.schema, read.facts)
    is_there = read.history.schema not in read.history.missing_schemas
    callbacks.run(
        *events_in_front(validates=dry.validates and is_there, creates_schemas=dry.creates_schemas)
    )
    # Nobody is kept out: what is taken down takes effect later, if ever.
    lock = MigrationLock(session, key)
    work = Work(
        session,
        read.facts,
        lock,
        read.history,
        scripts,
        read.plan.next_rank,
        _without_ledger,
        callbacks,
    )
    outcome = dry.migrate.run(quiet, work)
    refused = tuple(item for item in outcome.findings if item.code)
    message = f"{counted(len(scripts), 'migration')} shown as a run would send them"
    return Outcome(refused or (passed("sql", message),), None)


def _without_ledger(_progress: Progress) -> None:
    """Leave no row: nothing is begun."""


def _callbacks_apart(book: CallbackBook) -> Iterator[str]:
    """Yield what is to be said of the callbacks that run on a connection of their own."""
    within = book.each.all if book.each else ()
    apart = [item.callback for item in book.callbacks if item not in within]
    later = [item.script for item in apart if item.event in ERROR_EVENTS]
    if len(later) < len(apart):
        yield "Callbacks on a connection of their own stand in comments, where their moment is."
    if later:
        yield f"Not shown, as they run only when something has failed: {', '.join(later)}"


class _Announcing:
    """Events that tell *notebook* which script or callback begins, and nothing to the log.

    *apart* is the dry run of the connection that the callbacks have.
    """

    pace = EVERY

    def __init__(
        self, scripts: tuple[PreparedScript, ...], notebook: Notebook, apart: DryRun
    ) -> None:
        self._waiting = iter(scripts)
        self._notebook = notebook
        self._apart = apart

    def __call__(self, event: str, _message: str, /, **fields: object) -> None:
        """Take *event*, see `hook.stages.Events`."""
        if event == "migration.started":
            self._notebook.script(next(self._waiting))
        elif event == "callback.started":
            self._apart.turn_to(self._notebook.callback(str(fields["script"])))


def refuse_to_reconnect(ctx: Context, facts: ServerFacts) -> NoReturn:
    """Stop a dry run that lost its session: a new one would not be dry.

    Raises:
        DatabaseUnreachable: Always.
    """
    del ctx
    raise DatabaseUnreachable(f"{facts.host}: the connection was lost", "Ask again.")


def _pending(read: Read, scripts: tuple[PreparedScript, ...]) -> str:
    facts = read.facts
    what = f"{counted(len(scripts), 'migration')} pending" if scripts else "nothing is pending"
    return f"{what} on {facts.user}@{facts.host}:{facts.port}/{facts.database}"


def _heading(
    read: Read, scripts: tuple[PreparedScript, ...], stage: MigrateStage, key: int
) -> tuple[str, ...]:
    facts = read.facts
    rungs = rungs_on(facts, stage.ladder)
    first, *later = (f"{step.total_seconds() * 1000:.0f}ms" for step in rungs)
    retries = f", of further ones {', '.join(later)}" if later else ""
    return (
        "What `presync run` would send on the connection that migrates, in this order. Not shown:",
        "what it reads, the parsing of these statements in a transaction that is rolled back,",
        f"pg_advisory_lock_shared({work_mark_key(key)}), by which a later run would know its work,",
        "and its unlock in the end,",
        f"and pg_try_advisory_lock({key}) and the row of the ledger on connections of their own.",
        "To run it: PGCLIENTENCODING=UTF8 psql -X -v ON_ERROR_STOP=1",
        "Known only when it runs:",
        f"- lock_timeout: {first} is that of the first attempt{retries}",
        "- execution_time of a migration without transaction, and what callbacks add to one",
        "- installed_rank, if somebody else migrates meanwhile",
        *(_OF_BUILDS if any(script.builds for script in scripts) else ()),
        "Lines marked `psql only` are not sent: they stand for one message being one transaction.",
    )
