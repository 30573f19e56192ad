"""A run with callbacks: they are SQL that runs whether or not something is pending.

Nothing of the release is run before the gates have let the pending migrations pass. With
nothing pending the gates are not asked, as without callbacks.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.callback_book import CallbackBook
from hook.core.outcome import deciding_finding
from hook.core.reporting.past_run import NO_RESUMPTION, Resumption
from hook.core.schema_history.missing_schema import is_missing_schema
from hook.core.scripts.events import VALIDATION, Event, callbacks_of_command
from hook.errors import ExitCode
from hook.pipeline.firing import Firing, begin_callbacks
from hook.pipeline.ground import Ground
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.migration import (
    Cleared,
    leave_marker,
    migrate,
    pass_gates,
    remember,
    take_lock,
)
from hook.pipeline.reading import Prepared, Read, Reading, Release
from hook.stages import Outcome
from hook.stages.callbacks.cover import Cover

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.schema_history.history import History
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.script import Migration
    from hook.pipeline.gates import Gates
    from hook.pipeline.migration import Writing
    from hook.postgres.lock import MigrationLock

_SCHEMAS = (Event.CREATE_SCHEMA, Event.BEFORE_CREATE_SCHEMA)
_INVALID = frozenset({ExitCode.DRIFT, ExitCode.AHEAD, ExitCode.FAILED_BEFORE})


def is_needed(release: Release) -> bool:
    """Tell whether a run on *release* has to run callbacks."""
    return bool(callbacks_of_command("run", release.migration_set.callbacks))


def run_with_callbacks(
    journal: Journal, reading: Reading, writing: Writing, release: Release, held: ExitStack
) -> None:
    """Bring the database to the level that *release* needs, callbacks included.

    Args:
        journal: The run's record.
        reading: The stages that look.
        writing: The stages that change something.
        release: What was reached and resolved.
        held: Takes the lock over, see `hook.pipeline.migration.migrate_locked`.

    Raises:
        Stopped: Something speaks against going on, or went wrong.
    """
    told = journal.quietly("history", lambda: reading.look_first(journal, release))
    run = _CallbackRun(Ground(journal, reading, told.value), writing)
    run.carry_out(told, held)


@dataclass(slots=True)
class _CallbackRun:
    """One run.

    Attributes:
        gates: What a pending migration has to pass, none until one is pending.
        prepared: What was read and parsed, *prepared_for* these migrations.
        cleared: Migrations that have passed the gates.
        is_connected: Nothing more is to come from afterConnect.
        resumed: That of `hook.stages.migrate.Work`.
    """

    ground: Ground
    writing: Writing
    gates: Gates | None = None
    prepared: Prepared | None = None
    prepared_for: tuple[Migration, ...] | None = None
    cleared: tuple[Migration, ...] = ()
    is_connected: bool = False
    resumed: Resumption = NO_RESUMPTION

    def carry_out(self, told: Outcome[Read], held: ExitStack) -> None:
        """Do it, *told* being the first look at the history."""
        self._take_in(told.value.history, told.value.plan, told.findings)
        self._prepare()
        lock = take_lock(self.ground, self.writing.lock, held)
        self._look()
        prepared = self._pass_gates()
        with self._begin(lock, prepared) as firing:
            self._run(lock, firing)

    @property
    def _read(self) -> Read:
        return self.ground.read

    @property
    def _journal(self) -> Journal:
        return self.ground.journal

    def _begin(self, lock: MigrationLock, prepared: Prepared) -> Firing:
        book, ground = prepared.callbacks or CallbackBook(), self.ground
        cover = Cover(ground.stand, lock.mark, lambda: lock.is_lost, lock.has_survived)
        return begin_callbacks(self._journal, ground.reading, self._read.release, book, cover)

    def _run(self, lock: MigrationLock, firing: Firing) -> None:
        self._open(firing)
        prepared = self._pass_gates()
        cleared = Cleared(lock, prepared.scripts, firing.callbacks, self.resumed)
        migrate(self.ground, self.writing, cleared)

    def _look(self) -> None:
        """Lay the release beside the history, which may be invalid until it is validated."""
        ground, journal = self.ground, self._journal
        outcome = journal.quietly(
            "history",
            lambda: ground.firmly(lambda: ground.reading.look(journal, self._read.release)),
        )
        self._take_in(*outcome.value, outcome.findings)

    def _take_in(self, history: History, plan: Plan, findings: tuple[Finding, ...]) -> None:
        """Go on with *history*, if *findings* let the run go on."""
        if self._is_left_to_validation(history, findings):
            # What is pending says nothing as long as the history is not believed.
            plan = plan._replace(pending=())
        elif not self._is_left_to_connection(findings):
            self._journal.attempt("history", lambda: Outcome(findings, None))
            if deciding_finding(findings) is not None:
                self.ground.reading.refuse(self._journal, self._read.release, plan)
        self.ground.settle(history, plan)

    def _is_left_to_validation(self, history: History, findings: tuple[Finding, ...]) -> bool:
        """Tell whether the callbacks of validation come before the verdict on *history*."""
        decided = deciding_finding(findings)
        return (
            decided is not None
            and decided.code in _INVALID
            and self._validates(history)
            and not self._events.isdisjoint(VALIDATION)
        )

    def _is_left_to_connection(self, findings: tuple[Finding, ...]) -> bool:
        """Tell whether afterConnect may still create the schema that is all that is missing."""
        failures = [item for item in findings if item.code]
        is_expected = not self.is_connected and Event.AFTER_CONNECT in self._events
        return bool(failures) and is_expected and all(map(is_missing_schema, failures))

    @property
    def _events(self) -> set[str]:
        return {item.event for item in self._read.migration_set.callbacks}

    def _validates(self, history: History) -> bool:
        """Tell whether *history* is validated; as in Flyway, not where its schema is missing."""
        return self.writing.validates and history.schema not in history.missing_schemas

    def _prepare(self) -> Prepared:
        """Read and parse what is about to run, unless that is done."""
        pending = self._read.plan.pending
        if pending and self.gates is None:
            self.gates = self._journal.quietly("gates", self.writing.gates)
        if self.prepared is None or self.prepared_for != pending:
            self.prepared = self.ground.prepare()
            self.prepared_for = pending
        return self.prepared

    def _pass_gates(self) -> Prepared:
        """Have what is pending pass the gates, unless it has."""
        prepared, pending = self._prepare(), self._read.plan.pending
        if self.gates is not None and pending not in {(), self.cleared}:
            self.resumed = remember(self.ground, self.writing, prepared)
            self.gates = pass_gates(self.ground, self.writing, self.gates, prepared)
            if not self.cleared:
                # The first statement of the release may be a callback's.
                leave_marker(self.ground, self.gates, prepared)
            self.cleared = pending
        return prepared

    def _open(self, firing: Firing) -> None:
        """Run the callbacks in front of the schema history; look what it is afterwards."""
        if firing.callbacks.has(Event.AFTER_CONNECT):
            firing.fire(Event.AFTER_CONNECT)
            self.is_connected = True
            self._look()
        if self._validates(self._read.history) and firing.callbacks.has(*VALIDATION):
            self._validate(firing)
        if self.writing.creates_schemas and firing.callbacks.has(*_SCHEMAS):
            firing.fire(*_SCHEMAS)
            self.ground.look_again()

    def _validate(self, firing: Firing) -> None:
        firing.fire(Event.BEFORE_VALIDATE)
        try:
            self.ground.look_again()
        except Stopped as stopped:
            firing.fire_after(stopped, Event.AFTER_VALIDATE_ERROR)
            raise
        firing.fire(Event.AFTER_VALIDATE)
