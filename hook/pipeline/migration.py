"""What a run does when something is pending: lock, look again, gates, migrate, verify."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.no_callbacks import NoCallbacks
from hook.core.execution.progress import merged
from hook.core.reporting.ledger import begun_script, noted_texts
from hook.core.reporting.past_run import NO_RESUMPTION, Resumption
from hook.core.schema_history.deferral import Deferral
from hook.core.schema_history.missing_schema import is_complete
from hook.core.scripts.version import newest_version
from hook.pipeline.ground import Ground
from hook.pipeline.journal import Gate, Journal
from hook.pipeline.reading import Prepared, Read, Reading
from hook.pipeline.verifying import look_behind
from hook.stages.migrate import Migrated, Work

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.execution.progress import Progress
    from hook.core.execution.step_note import StepNote
    from hook.core.schema_history.history import History
    from hook.pipeline.gates import Gates
    from hook.pipeline.record import Record
    from hook.postgres.lock import MigrationLock
    from hook.stages import Callbacks, Outcome
    from hook.stages.failure_memory import FailureMemoryStage
    from hook.stages.ledger import Entry
    from hook.stages.lock import LockStage
    from hook.stages.migrate import MigrateStage
    from hook.stages.trigger import TriggerStage


class Writing(NamedTuple):
    """The stages that a run goes through when something is pending.

    Attributes:
        memory: None when what failed before is to be tried all the same.
        record: None when no ledger is wanted.
        trigger: None when no backup is to be made.
        gates: Builds the gates; with nothing pending nobody asks for a backup source.
        creates_schemas: Schemas that are missing are created.
        validates: Files and history that disagree stop the run.
    """

    lock: LockStage
    gates: Callable[[], Gates]
    migrate: MigrateStage
    memory: FailureMemoryStage | None
    record: Record | None
    trigger: TriggerStage | None
    creates_schemas: bool
    validates: bool


@dataclass(frozen=True, slots=True)
class Cleared:
    """What passed its gates, under *lock*; *resumed* is that of `Work`."""

    lock: MigrationLock
    scripts: tuple[PreparedScript, ...]
    callbacks: Callbacks = field(default_factory=NoCallbacks)
    resumed: Resumption = NO_RESUMPTION


def migrate_locked(
    journal: Journal, reading: Reading, writing: Writing, read: Read, held: ExitStack
) -> None:
    """Take the lock, look again, pass the gates, migrate and verify.

    Args:
        journal: The run's record.
        reading: The stages that look.
        writing: The stages that change something.
        read: What was read without the lock.
        held: Takes the lock over: whoever gets it next finds the end of this run in the
            ledger.

    Raises:
        Stopped: Something speaks against going on, or went wrong.
    """
    gates = journal.quietly("settings", writing.gates)
    ground = Ground(journal, reading, read)
    # Everything that can be said of the files is said before anybody else has to wait.
    prepared = ground.prepare()
    lock = take_lock(ground, writing.lock, held)
    locked = ground.look_again()
    if not locked.plan.pending:
        reading.confirm(journal, locked)
        return
    if locked.plan.pending != read.plan.pending:
        prepared = ground.prepare()
    resumed = remember(ground, writing, prepared)
    gates = pass_gates(ground, writing, gates, prepared)
    # Behind every wait, so that nothing of others is lost that was committed meanwhile.
    leave_marker(ground, gates, prepared)
    migrate(ground, writing, Cleared(lock, prepared.scripts, resumed=resumed))


def start_history(
    journal: Journal, reading: Reading, writing: Writing, read: Read, held: ExitStack
) -> None:
    """Create what a run creates even with nothing pending: the history, and schemas.

    So a schema is adopted whose migrations are all covered by its baseline. The gates are
    not asked: what is there stays as it is.

    Args:
        journal: The run's record.
        reading: The stages that look.
        writing: The stages that change something.
        read: What was read without the lock.
        held: Takes the lock over.

    Raises:
        Stopped: Something speaks against going on, or went wrong.
    """
    if is_complete(read.history, creates_schemas=writing.creates_schemas):
        reading.confirm(journal, read)
        return
    ground = Ground(journal, reading, read)
    lock = take_lock(ground, writing.lock, held)
    locked = ground.look_again()
    if locked.plan.pending:
        reading.confirm(journal, locked)
        return
    migrate(ground, writing, Cleared(lock, ()))


def pass_gates(ground: Ground, writing: Writing, gates: Gates, prepared: Prepared) -> Gates:
    """Let *gates* judge; what they miss may be made once, and then new ones are asked.

    Returns those that were passed.

    Raises:
        Stopped: At least one finding under an enforced policy is bad, or no backup could
            be made.
    """
    journal = ground.journal

    def in_front(read: Read) -> tuple[Gate, ...]:
        return (*gates.rights_for(read, prepared), *gates.in_front_of(journal, read, prepared))

    if writing.trigger is None:
        ground.gates(in_front)
        return gates
    from hook.pipeline.backup_making import make_backup  # noqa: PLC0415 - rarely set

    deferral = Deferral()
    ground.gates(in_front, deferral.revise)
    if not deferral.is_called_for:
        return gates
    make_backup(ground, writing.trigger)
    anew = journal.quietly("gates", writing.gates)
    ground.gates(lambda read: anew.in_front_of(journal, read, prepared))
    return anew


def leave_marker(ground: Ground, gates: Gates, prepared: Prepared) -> None:
    """Leave the marker of the run, by what *gates* have found.

    One whose connection is lost is left twice, under a name of its own each time.

    Raises:
        Stopped: It could not be left, and has to be.
    """
    journal = ground.journal
    ground.gates(lambda read: (gates.marker_behind(journal, read, prepared),))


def take_lock(ground: Ground, stage: LockStage, held: ExitStack) -> MigrationLock:
    """Return the migration lock of the history that was read; *held* releases it."""
    ctx, history = ground.journal.ctx, ground.read.history
    outcome = ground.attempt(
        "lock",
        lambda read: stage.run(ctx, history.schema, history.table, read.session, read.facts),
    )
    ground.lock = held.enter_context(outcome.value)
    return ground.lock


def remember(ground: Ground, writing: Writing, prepared: Prepared) -> Resumption:
    """Look whether this very plan has failed a moment ago, or may have run in part.

    Returns where that one may go on all the same.

    Raises:
        Stopped: It has, or may have.
    """
    if writing.memory is None:
        return NO_RESUMPTION
    run, scripts = writing.memory.run, prepared.scripts

    def look(read: Read) -> Outcome[Resumption]:
        user = read.facts.user
        return run(read.session, read.history, read.plan, read.migration_set, scripts, user)

    outcome = ground.quietly("memory", look)
    if not outcome.findings:
        return outcome.value
    return ground.journal.stage("memory", lambda: outcome)


def migrate(ground: Ground, writing: Writing, cleared: Cleared) -> None:
    """Apply what was cleared and see that the schema is where the plan was to bring it.

    Raises:
        Stopped: A migration or a callback failed, or the schema is not there.
    """
    journal, verify = ground.journal, ground.reading.verify
    before = ground.quietly(
        "migrate", lambda read: verify.look_before(read.session, read.migration_set, read.plan)
    )
    ctx, read = journal.ctx, ground.read

    ledger = _LedgerRow(journal, writing.record)

    def begun(progress: Progress) -> None:
        # A run that ends here does so without an outcome of the stage.
        ran = merged(journal.progress, cleared.callbacks.progress)
        journal.progress = merged(progress, ran)
        # Callbacks alone are no work that a ledger tells of.
        if cleared.scripts:
            ledger.begin(read.history, cleared)

    work = Work(
        read.session,
        read.facts,
        cleared.lock,
        read.history,
        cleared.scripts,
        read.plan.next_rank,
        begun,
        cleared.callbacks,
        cleared.resumed,
        ledger.note,
    )
    outcome = journal.attempt("migrate", lambda: writing.migrate.run(ctx, work))
    migrated = outcome.value
    with migrated.session:
        _note(journal, migrated)
        journal.stop_if_decided(outcome.findings)
        after = journal.stage("verify", lambda: look_behind(ground, migrated.session, before))
        journal.after = {"version": after.current}


@dataclass(slots=True)
class _LedgerRow:
    """The row of the run; without *record*, or where that could not write, there is none."""

    journal: Journal
    record: Record | None
    entry: Entry | None = None
    resumed: Resumption = NO_RESUMPTION

    def begin(self, history: History, cleared: Cleared) -> None:
        if self.record is not None:
            name, done, found = self.resumed = cleared.resumed
            scripts = (item for item in cleared.scripts if item.migration.script == name)
            cut_off = next((begun_script(item, done, found=found) for item in scripts), None)
            noted = noted_texts(cleared.scripts)
            self.entry = self.record.begin(self.journal, history, cut_off, noted)

    def note(self, script: PreparedScript) -> StepNote | None:
        if self.record is None or self.entry is None:
            return None
        if script.migration.script == self.resumed.script and self.resumed.done is not None:
            # The row was begun with it, and says how far it came.
            return self.record.steps(self.entry, script)
        return self.record.note(self.journal, self.entry, script)


def _note(journal: Journal, migrated: Migrated) -> None:
    """Take down what was applied; the version is the highest, whatever the order was."""
    journal.progress = migrated.progress
    journal.migrations = migrated.applied
    applied = {item.script for item in migrated.applied}
    journal.pending = tuple(item for item in journal.pending if item not in applied)
    versions = [item.version for item in migrated.applied if item.version is not None]
    journal.after = {"version": newest_version(journal.before.get("version"), *versions)}
