"""What a run does when something is pending: lock, look again, gates, migrate, verify."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from hook.core.deferral import Deferral
from hook.core.no_callbacks import NoCallbacks
from hook.core.origin import ServerIdentity
from hook.core.outcome import Finding, Policy
from hook.core.recorded import gate_not_needed, needs_no_gate
from hook.core.version import newest_version
from hook.errors import HookError
from hook.pipeline.journal import Gate, Journal
from hook.pipeline.reading import Prepared, Read, Reading
from hook.stages import Outcome
from hook.stages.migrate import Migrated, Work

if TYPE_CHECKING:
    from hook.core.locks import LockRequest
    from hook.core.prepared import PreparedScript
    from hook.engines import Engine
    from hook.pipeline.record import Record
    from hook.postgres.lock import MigrationLock
    from hook.stages import Callbacks, Context
    from hook.stages.archive import ArchiveStage, NoArchive
    from hook.stages.backup import BackupStage, NoBackupSource
    from hook.stages.blockers import BlockersStage
    from hook.stages.failure_memory import FailureMemoryStage
    from hook.stages.lock import LockStage
    from hook.stages.marker import MarkerStage, PositionStage
    from hook.stages.migrate import MigrateStage
    from hook.stages.restore_window import RestoreWindowStage
    from hook.stages.trigger import TriggerStage


Judge = Callable[[], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Gates:
    """The checks that can refuse a run which has something to migrate.

    The storage of the backups is asked in threads, from the moment the gates are made
    until they are passed, while the server is watched for blockers.
    """

    engine: Engine
    backup: BackupStage | NoBackupSource
    backup_policy: Policy
    archive: ArchiveStage | RestoreWindowStage | NoArchive
    archive_policy: Policy
    blockers: BlockersStage
    blockers_policy: Policy
    marker: MarkerStage | PositionStage
    marker_policy: Policy

    def in_front_of(self, ctx: Context, read: Read, prepared: Prepared) -> tuple[Gate, ...]:
        """Return the gates that *prepared* has to pass, in the order they are told.

        Reading the storage begins here and is waited for last.
        """
        if needs_no_gate(prepared.scripts):
            policies = {
                "blockers": self.blockers_policy,
                "backup": self.backup_policy,
                "archive": self.archive_policy,
            }
            return tuple(
                Gate(name, policy, partial(gate_not_needed, name))
                for name, policy in policies.items()
            )
        facts = read.facts
        server = ServerIdentity(facts.system_identifier, facts.host, facts.database)
        backup = _begin(self.backup_policy, lambda: self.backup.start(ctx, server))
        archive = _begin(self.archive_policy, lambda: self.archive.start(ctx, read.session, server))
        return (
            Gate(
                "blockers",
                self.blockers_policy,
                lambda: self._look_for_blockers(ctx, read, prepared.requests),
            ),
            Gate("backup", self.backup_policy, backup),
            Gate("archive", self.archive_policy, archive),
        )

    def marker_behind(self, journal: Journal, read: Read, prepared: Prepared) -> Gate:
        """Return the gate behind the others, at which a run leaves its marker."""
        return self._marker_gate(
            prepared,
            lambda: self.marker.run(journal.ctx, read.session, read.facts, journal.note_marker),
        )

    def marker_outlook(self, read: Read, prepared: Prepared) -> Gate:
        """Return the gate that only tells whether a run could leave a marker."""
        return self._marker_gate(prepared, lambda: self.marker.look(read.session, read.facts))

    def _marker_gate(self, prepared: Prepared, judge: Judge) -> Gate:
        if needs_no_gate(prepared.scripts):
            judge = partial(gate_not_needed, "marker")
        return Gate("marker", self.marker_policy, judge)

    def _look_for_blockers(
        self, ctx: Context, read: Read, requests: tuple[LockRequest, ...]
    ) -> tuple[Finding, ...]:
        # A name in a script means what it will mean when the script runs.
        self.engine.enter_session(read.session, read.history, read.facts)
        return self.blockers.run(ctx, read.session, requests)


def _begin(policy: Policy, start: Callable[[], Judge]) -> Judge:
    """Begin a gate's work and return what judges; a failure to begin is that judgement's."""
    if policy is Policy.OFF:
        return tuple
    try:
        return start()
    except HookError as error:
        return partial(_raise, error)


def _raise(error: HookError) -> tuple[Finding, ...]:
    raise error


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
    """A plan that passed its gates, under the lock."""

    read: Read
    lock: MigrationLock
    scripts: tuple[PreparedScript, ...]
    callbacks: Callbacks = field(default_factory=NoCallbacks)


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
    remember(journal, writing, locked)
    if locked.plan.pending != read.plan.pending:
        prepared = reading.prepare(journal, locked)
    gates = pass_gates(journal, reading, writing, gates, Locked(locked, lock, prepared))
    # Behind every wait, so that nothing of others is lost that was committed meanwhile.
    journal.gates((gates.marker_behind(journal, locked, prepared),))
    migrate(journal, reading, writing, Cleared(locked, lock, prepared.scripts))


def pass_gates(
    journal: Journal, reading: Reading, writing: Writing, gates: Gates, locked: Locked
) -> Gates:
    """Let *gates* judge; what they miss may be made once, and then new ones are asked.

    Returns those that were passed.

    Raises:
        Stopped: At least one finding under an enforced policy is bad, or no backup could
            be made.
    """
    in_front = gates.in_front_of(journal.ctx, locked.read, locked.prepared)
    if writing.trigger is None:
        journal.gates(in_front)
        return gates
    from hook.pipeline.backup_making import make_backup  # noqa: PLC0415 - rarely set

    deferral = Deferral()
    journal.gates(in_front, deferral.revise)
    if deferral.is_called_for:
        make_backup(journal, reading, writing.trigger, locked.read, locked.lock)
        gates = journal.quietly("settings", writing.gates)
        journal.gates(gates.in_front_of(journal.ctx, locked.read, locked.prepared))
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


def remember(journal: Journal, writing: Writing, read: Read) -> None:
    """Look whether this very plan has failed a moment ago.

    Raises:
        Stopped: It has.
    """
    if writing.memory is None:
        return
    run, schema, digest = writing.memory.run, read.history.schema, read.migration_set.digest
    findings = journal.quietly("memory", lambda: run(read.session, schema, read.plan, digest))
    if findings:
        journal.stage("memory", lambda: Outcome(findings, None))


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

    def begun() -> None:
        # Callbacks alone are no work that a ledger tells of.
        if writing.record is not None and cleared.scripts:
            writing.record.begin(journal, read.history.schema)

    work = Work(
        read.session,
        read.facts,
        cleared.lock,
        read.history,
        cleared.scripts,
        read.plan.next_rank,
        begun,
        cleared.callbacks,
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


def _note(journal: Journal, migrated: Migrated) -> None:
    """Take down what was applied; the version is the highest, whatever the order was."""
    journal.progress = migrated.progress
    journal.migrations = migrated.applied
    applied = {item.script for item in migrated.applied}
    journal.pending = tuple(item for item in journal.pending if item not in applied)
    versions = [item.version for item in migrated.applied if item.version is not None]
    journal.after = {"version": newest_version(journal.before.get("version"), *versions)}
