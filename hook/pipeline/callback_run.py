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
from hook.core.schema_history.missing_schema import is_missing_schema
from hook.core.scripts.events import VALIDATION, Event, callbacks_of_command
from hook.errors import ExitCode
from hook.pipeline.firing import Cover, Firing, begin_callbacks
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.migration import Cleared, Locked, migrate, pass_gates, remember, take_lock
from hook.pipeline.noting import note_plan
from hook.pipeline.reading import Prepared, Read, Reading, Release

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.schema_history.history import History
    from hook.core.scripts.script import Migration
    from hook.pipeline.gates import Gates
    from hook.pipeline.migration import Writing
    from hook.postgres.lock import MigrationLock

_SCHEMAS = (Event.CREATE_SCHEMA, Event.BEFORE_CREATE_SCHEMA)
_INVALID = frozenset({ExitCode.DRIFT, ExitCode.AHEAD, ExitCode.FAILED_BEFORE})


def is_needed(release: Release) -> bool:
    """Tell whether a run on *release* has to run callbacks."""
    return bool(callbacks_of_command("run", release.migration_set.callbacks))


@dataclass(slots=True)
class CallbackRun:
    """One run.

    Attributes:
        gates: What a pending migration has to pass, none until one is pending.
        prepared: What was read and parsed, *prepared_for* these migrations.
        cleared: Migrations that have passed the gates.
        is_connected: Nothing more is to come from afterConnect.
        resumed: That of `hook.stages.migrate.Work`.
    """

    journal: Journal
    reading: Reading
    writing: Writing
    release: Release
    gates: Gates | None = None
    prepared: Prepared | None = None
    prepared_for: tuple[Migration, ...] | None = None
    cleared: tuple[Migration, ...] = ()
    is_connected: bool = False
    resumed: str = ""

    def carry_out(self, held: ExitStack) -> None:
        """Bring the database to the level that the release needs, callbacks included.

        Args:
            held: Takes the lock over, see `hook.pipeline.migration.migrate_locked`.

        Raises:
            Stopped: Something speaks against going on, or went wrong.
        """
        read = self._look()
        self._prepare(read)
        lock = take_lock(self.journal, self.writing.lock, read, held)
        locked = self._look()
        prepared = self._pass_gates(locked, lock)
        with self._begin(lock, prepared) as firing:
            self._run(locked, lock, firing)

    def _begin(self, lock: MigrationLock, prepared: Prepared) -> Firing:
        def refuse() -> None:
            # Whoever had it meanwhile may have migrated, which nobody looks at here.
            lock.refuse_lost(self.release.session, "what was applied so far is recorded.")

        book = prepared.callbacks or CallbackBook()
        cover = Cover(refuse, lock.mark)
        return begin_callbacks(self.journal, self.reading, self.release, book, cover)

    def _run(self, read: Read, lock: MigrationLock, firing: Firing) -> None:
        opened = self._open(read, firing)
        prepared = self._pass_gates(opened, lock)
        cleared = Cleared(opened, lock, prepared.scripts, firing.callbacks, self.resumed)
        migrate(self.journal, self.reading, self.writing, cleared)

    def _look(self) -> Read:
        """Lay the release beside the history, which may be invalid until it is validated."""
        outcome = self.journal.quietly(
            "history", lambda: self.reading.look(self.journal, self.release)
        )
        history, plan = outcome.value
        if self._is_left_to_validation(history, outcome.findings):
            # What is pending says nothing as long as the history is not believed.
            plan = plan._replace(pending=())
        elif not self._is_left_to_connection(outcome.findings):
            self.journal.attempt("history", lambda: outcome)
            if deciding_finding(outcome.findings) is not None:
                self.reading.refuse(self.journal, self.release, plan)
        note_plan(self.journal, plan)
        return Read(*self.release, history, plan)

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
        return {item.event for item in self.release.migration_set.callbacks}

    def _validates(self, history: History) -> bool:
        """Tell whether *history* is validated; as in Flyway, not where its schema is missing."""
        return self.writing.validates and history.schema not in history.missing_schemas

    def _prepare(self, read: Read) -> Prepared:
        """Read and parse what is about to run, unless that is done."""
        pending = read.plan.pending
        if pending and self.gates is None:
            self.gates = self.journal.quietly("gates", self.writing.gates)
        if self.prepared is None or self.prepared_for != pending:
            self.prepared = self.reading.prepare(self.journal, read)
            self.prepared_for = pending
        return self.prepared

    def _pass_gates(self, read: Read, lock: MigrationLock) -> Prepared:
        """Have what is pending pass the gates, unless it has."""
        prepared = self._prepare(read)
        if self.gates is not None and read.plan.pending not in {(), self.cleared}:
            self.resumed = remember(self.journal, self.writing, read, prepared)
            locked = Locked(read, lock, prepared)
            passed = pass_gates(self.journal, self.reading, self.writing, self.gates, locked)
            self.gates = passed
            if not self.cleared:
                # The first statement of the release may be a callback's.
                self.journal.gates((passed.marker_behind(self.journal, read, prepared),))
            self.cleared = read.plan.pending
        return prepared

    def _open(self, read: Read, firing: Firing) -> Read:
        """Run the callbacks in front of the schema history; return what it is afterwards."""
        if firing.callbacks.has(Event.AFTER_CONNECT):
            firing.fire(Event.AFTER_CONNECT)
            self.is_connected = True
            read = self._look()
        if self._validates(read.history):
            read = self._validate(read, firing)
        if self.writing.creates_schemas and firing.callbacks.has(*_SCHEMAS):
            firing.fire(*_SCHEMAS)
            read = self.reading.look_again(self.journal, read)
        return read

    def _validate(self, read: Read, firing: Firing) -> Read:
        if not firing.callbacks.has(*VALIDATION):
            return read
        firing.fire(Event.BEFORE_VALIDATE)
        try:
            validated = self.reading.look_again(self.journal, read)
        except Stopped as stopped:
            firing.fire_after(stopped, Event.AFTER_VALIDATE_ERROR)
            raise
        firing.fire(Event.AFTER_VALIDATE)
        return validated
