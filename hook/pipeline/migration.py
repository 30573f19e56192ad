"""What a run does when something is pending: lock, look again, gates, migrate, verify."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.no_callbacks import NoCallbacks
from hook.core.schema_history.deferral import Deferral
from hook.core.schema_history.missing_schema import is_complete
from hook.core.scripts.version import newest_version
from hook.pipeline.journal import Journal
from hook.pipeline.reading import Prepared, Read, Reading
from hook.stages.migrate import Migrated, Work

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.pipeline.gates import Gates
    from hook.pipeline.record import Record
    from hook.postgres.lock import MigrationLock
    from hook.stages import Callbacks
    from hook.stages.failure_memory import FailureMemoryStage
    from hook.stages.ledger import Entry
    from hook.stages.lock import LockStage
    from hook.stages.migrate import MigrateStage
    from hook.stages.trigger import TriggerStage


@dataclass(frozen=True, slots=True)
class Writing:
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


class Locked(NamedTuple):
    """What is about to pass the gates, under the lock."""

    read: Read
    lock: MigrationLock
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Cleared:
    """A plan that passed its gates, under the lock; *resumed* is that of `Work`."""

    read: Read
    lock: MigrationLock
    scripts: tuple[PreparedScript, ...]
    callbacks: Callbacks = field(default_factory=NoCallbacks)
    resumed: str = ""


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
    # Everything that can be said of the files is said before anybody else has to wait.
    prepared = reading.prepare(journal, read)
    lock = take_lock(journal, writing.lock, read, held)
    locked = reading.look_again(journal, read)
    if not locked.plan.pending:
        reading.confirm(journal, locked)
        return
    if locked.plan.pending != read.plan.pending:
        prepared = reading.prepare(journal, locked)
    resumed = remember(journal, writing, locked, prepared)
    gates = pass_gates(journal, reading, writing, gates, Locked(locked, lock, prepared))
    # Behind every wait, so that nothing of others is lost that was committed meanwhile.
    journal.gates((gates.marker_behind(journal, locked, prepared),))
    cleared = Cleared(locked, lock, prepared.scripts, resumed=resumed)
    migrate(journal, reading, writing, cleared)


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
    lock = take_lock(journal, writing.lock, read, held)
    locked = reading.look_again(journal, read)
    if locked.plan.pending:
        reading.confirm(journal, locked)
        return
    migrate(journal, reading, writing, Cleared(locked, lock, ()))


def pass_gates(
    journal: Journal, reading: Reading, writing: Writing, gates: Gates, locked: Locked
) -> Gates:
    """Let *gates* judge; what they miss may be made once, and then new ones are asked.

    Returns those that were passed.

    Raises:
        Stopped: At least one finding under an enforced policy is bad, or no backup could
            be made.
    """
    in_front = (
        *gates.rights_for(locked.read, locked.prepared),
        *gates.in_front_of(journal, locked.read, locked.prepared),
    )
    if writing.trigger is None:
        journal.gates(in_front)
        return gates
    from hook.pipeline.backup_making import make_backup  # noqa: PLC0415 - rarely set

    deferral = Deferral()
    journal.gates(in_front, deferral.revise)
    if deferral.is_called_for:
        make_backup(journal, reading, writing.trigger, locked.read, locked.lock)
        gates = journal.quietly("gates", writing.gates)
        journal.gates(gates.in_front_of(journal, locked.read, locked.prepared))
    return gates


def take_lock(journal: Journal, stage: LockStage, read: Read, held: ExitStack) -> MigrationLock:
    """Return the migration lock of the history that was read; *held* releases it."""
    history = read.history
    lock = journal.stage(
        "lock",
        lambda: stage.run(journal.ctx, history.schema, history.table, read.session, read.facts),
    )
    held.enter_context(lock)
    return lock


def remember(journal: Journal, writing: Writing, read: Read, prepared: Prepared) -> str:
    """Look whether this very plan has failed a moment ago, or may have run in part.

    Returns the script that may have and may go on all the same, else nothing.

    Raises:
        Stopped: It has, or may have.
    """
    if writing.memory is None:
        return ""
    run, schema = writing.memory.run, read.history.schema
    known = (read.session, schema, read.plan, read.migration_set, prepared.scripts)
    outcome = journal.quietly("memory", lambda: run(*known))
    if not outcome.findings:
        return outcome.value
    return journal.stage("memory", lambda: outcome)


def migrate(journal: Journal, reading: Reading, writing: Writing, cleared: Cleared) -> None:
    """Apply what was cleared and see that the schema is where the plan was to bring it.

    Raises:
        Stopped: A migration or a callback failed, or the schema is not there.
    """
    ctx, read = journal.ctx, cleared.read
    before = journal.quietly(
        "migrate",
        lambda: reading.verify.look_before(read.session, read.migration_set, read.plan),
    )

    ledger = _LedgerRow(journal, writing.record)

    def begun() -> None:
        # Callbacks alone are no work that a ledger tells of.
        if cleared.scripts:
            ledger.begin(read.history.schema, cleared)

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
        after = journal.stage(
            "verify", lambda: reading.verify.run(ctx, migrated.session, read.facts, before)
        )
        journal.after = {"version": after.current}


@dataclass(slots=True)
class _LedgerRow:
    """The row of the run; without *record*, or where that could not write, there is none."""

    journal: Journal
    record: Record | None
    entry: Entry | None = None

    def begin(self, schema: str, cleared: Cleared) -> None:
        if self.record is not None:
            cut_off = (s for s in cleared.scripts if s.migration.script == cleared.resumed)
            self.entry = self.record.begin(self.journal, schema, next(cut_off, None))

    def note(self, script: PreparedScript) -> None:
        if self.record is not None and self.entry is not None:
            self.record.note(self.journal, self.entry, script)


def _note(journal: Journal, migrated: Migrated) -> None:
    """Take down what was applied; the version is the highest, whatever the order was."""
    journal.progress = migrated.progress
    journal.migrations = migrated.applied
    applied = {item.script for item in migrated.applied}
    journal.pending = tuple(item for item in journal.pending if item not in applied)
    versions = [item.version for item in migrated.applied if item.version is not None]
    journal.after = {"version": newest_version(journal.before.get("version"), *versions)}
