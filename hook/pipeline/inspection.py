"""The commands that look and change nothing, unless a callback of the release does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hook.core.outcome import Policy, deciding_finding, passed, warned
from hook.core.schema_history.plan import judge_scripts
from hook.core.scripts.events import VALIDATION, Event, callbacks_of_command
from hook.core.text import counted
from hook.pipeline.firing import Firing, begin_callbacks
from hook.pipeline.ground import Ground
from hook.pipeline.journal import Gate, Journal, Stopped
from hook.pipeline.noting import summarize_set
from hook.pipeline.reading import (
    Prepared,
    Read,
    Reading,
    Release,
    reach_database,
    read_release,
)
from hook.stages import Outcome
from hook.stages.resolve import ResolveStage

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.reporting.report import Report
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.scripts.script import Migration
    from hook.engines import Engine
    from hook.pipeline.gates import Gates
    from hook.stages import Context
    from hook.stages.callbacks import CallbacksStage
    from hook.stages.lock import LockStage
    from hook.stages.runs import RunsStage
    from hook.stages.scripts import ScriptsStage

BuildReading = Callable[[], Reading]


def check(
    journal: Journal, build: BuildReading, build_gates: Callable[[], Gates], lock: LockStage
) -> Report:
    """Run every gate and report all that they find, also that *lock* would be of no use."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        gates = journal.quietly("settings", build_gates)
        with read_release(journal, reading) as read:
            ground = Ground(journal, reading, read)
            prepared = ground.prepare()
            ground.gates(lambda read: _all_gates(journal, gates, lock, read, prepared))
    return journal.report()


def _all_gates(
    journal: Journal, gates: Gates, lock: LockStage, read: Read, prepared: Prepared
) -> tuple[Gate, ...]:
    in_front = gates.in_front_of(journal, read, prepared)
    outlook = gates.marker_outlook(journal, read, prepared)
    locking = Gate(lock.name, Policy.ENFORCE, lambda: lock.look(journal.ctx, read.session))
    is_pooled = read.facts.backend_pid != read.session.pid
    first = (locking,) if is_pooled else ()
    return (*first, gates.rights_of(read), *in_front, outlook)


def plan(journal: Journal, build: BuildReading) -> Report:
    """Report what a run would apply, and how."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with read_release(journal, reading) as read:
            tell_plan(journal, reading, read)
    return journal.report()


def tell_plan(journal: Journal, reading: Reading, read: Read) -> Prepared:
    """Put on record what a run would apply, and return it.

    Raises:
        Stopped: A pending script, or a callback, cannot be run as it is.
    """
    from hook.core.execution.plan_view import describe_callback, describe_script  # noqa: PLC0415 - not for `info`

    prepared = Ground(journal, reading, read).prepare()
    callbacks = prepared.callbacks.callbacks if prepared.callbacks else ()
    undo = {item.version: item for item in read.migration_set.undo}
    findings = (
        *(
            describe_script(script, undo.get(script.migration.version))
            for script in prepared.scripts
        ),
        *(describe_callback(callback) for callback in callbacks),
    )
    journal.stage("plan", lambda: Outcome(findings, None))
    return prepared


def info(journal: Journal, build: BuildReading) -> Report:
    """Report the table of states; what it shows is no verdict on the release."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with reach_database(journal, reading) as reached:
            _show(journal, reading, reading.resolve_release(journal, reached))
    return journal.report()


def runs(journal: Journal, build: BuildReading, stage: RunsStage) -> Report:
    """Report the last runs that had work to do."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with reach_database(journal, reading) as reached:
            journal.runs = journal.stage(
                "runs", lambda: stage.run(journal.ctx, reached.session, reached.facts)
            )
            journal.summary = f"{counted(len(journal.runs), 'run')} on record"
    return journal.report()


def validate(journal: Journal, build: BuildReading) -> Report:
    """Report every disagreement between history and release."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with _validated(journal, reading) as read:
            infos = read.plan.infos
            verb = "agrees" if len(infos) == 1 else "agree"
            message = f"{counted(len(infos), 'migration')} {verb} with the schema history"
            agreed = passed("validate", message)
            findings = (agreed, *judge_scripts(read.plan.pending))
            journal.stage("validate", lambda: Outcome(findings, None))
    return journal.report()


def verify(journal: Journal, build: BuildReading) -> Report:
    """Report whether the schema is at the level that the release needs."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with reach_database(journal, reading) as reached:
            release = reading.resolve_release(journal, reached)
            reading.confirm(journal, reading.read(journal, release))
    return journal.report()


def lint(
    journal: Journal, engine: Engine, scripts: ScriptsStage, callbacks: CallbacksStage
) -> Report:
    """Report what is wrong with the files, offline."""
    with contextlib.suppress(Stopped):
        found = _resolve(journal, engine)
        read = journal.attempt("scripts", lambda: _read_all(scripts, journal.ctx, found.migrations))
        prepared = Prepared(read.value)
        if found.callbacks:
            told = journal.attempt(
                "callbacks", lambda: callbacks.run(journal.ctx, found.callbacks, read.value)
            )
            prepared = Prepared(read.value, told.value)
        journal.waivers = prepared.waivers
    return journal.report()


def _resolve(journal: Journal, engine: Engine) -> MigrationSet:
    """Read the files, offline, also those that are no set: they are on record as that."""
    outcome = journal.attempt("resolve", lambda: ResolveStage(engine).run(journal.ctx, None))
    if deciding_finding(outcome.findings) is None:
        journal.migration_set = summarize_set(outcome.value)
    return outcome.value


def _read_all(
    scripts: ScriptsStage, ctx: Context, migrations: tuple[Migration, ...]
) -> Outcome[tuple[PreparedScript, ...]]:
    """Read *migrations*, of which nobody can tell offline whether they are pending."""
    outcome = scripts.run(ctx, migrations)
    refused = (
        warned(item.rule, f"{item.message}, and is refused while it is pending", item.hint)
        for item in judge_scripts(migrations)
    )
    return outcome._replace(findings=(*outcome.findings, *refused))


def digest(journal: Journal, engine: Engine) -> Report:
    """Report the digest of the files, offline."""
    with contextlib.suppress(Stopped):
        _resolve(journal, engine)
    return journal.report()


def _show(journal: Journal, reading: Reading, release: Release) -> None:
    """Look at the history, with the callbacks around that."""
    with _callbacks(journal, reading, release, "info") as firing:
        firing.fire(Event.AFTER_CONNECT, Event.BEFORE_INFO)
        try:
            reading.show(journal, release)
        except Stopped as stopped:
            firing.fire_after(stopped, Event.AFTER_INFO_ERROR)
            raise
        firing.fire(Event.AFTER_INFO, Event.AFTER_INFO_OPERATION_FINISH)


@contextmanager
def _validated(journal: Journal, reading: Reading) -> Iterator[Read]:
    """Lay the release beside the history, with the callbacks around that."""
    with reach_database(journal, reading) as reached:
        release = reading.resolve_release(journal, reached)
        with _callbacks(journal, reading, release, "validate") as firing:
            firing.fire(Event.AFTER_CONNECT)
            if not _is_schema_there(journal, reading, release, firing):
                yield reading.read(journal, release)
                return
            firing.fire(Event.BEFORE_VALIDATE)
            try:
                yield reading.read(journal, release)
            except Stopped as stopped:
                firing.fire_after(stopped, Event.AFTER_VALIDATE_ERROR)
                raise
            firing.fire(Event.AFTER_VALIDATE)


def _is_schema_there(journal: Journal, reading: Reading, release: Release, firing: Firing) -> bool:
    """Tell whether the schema of the history is there, or nobody wants to know.

    As in Flyway, a schema that is missing has nothing whose validation would be an event.
    """
    if not firing.callbacks.has(*VALIDATION):
        return True
    history, _ = journal.quietly("history", lambda: reading.look(journal, release)).value
    return history.schema not in history.missing_schemas


def _callbacks(journal: Journal, reading: Reading, release: Release, command: str) -> Firing:
    book = None
    if callbacks_of_command(command, release.migration_set.callbacks):
        book = reading.read_callbacks(journal, release, command)
    return begin_callbacks(journal, reading, release, book)
