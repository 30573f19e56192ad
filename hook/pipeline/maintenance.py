"""The commands that edit the schema history: they tell what they would do, and ask first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.progress import Progress
from hook.core.outcome import deciding_finding, failed, passed
from hook.core.scripts.events import AROUND_REPAIR, Around, callbacks_of_command
from hook.core.scripts.migration_set import MigrationSet
from hook.errors import ExitCode
from hook.pipeline.firing import begin_callbacks
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.noting import note_plan
from hook.pipeline.reading import Reading, Release, reach_database
from hook.stages import Outcome
from hook.stages.callbacks.cover import Cover
from hook.stages.resolve import judge_files

if TYPE_CHECKING:
    from hook.core.reporting.report import Report
    from hook.core.schema_history.history import History
    from hook.core.schema_history.orders import Orders
    from hook.engines import Change, HistoryEditor
    from hook.pipeline.record import Record
    from hook.postgres.lock import MigrationLock
    from hook.stages.baseline import BaselineStage
    from hook.stages.lock import LockStage
    from hook.stages.repair import RepairStage
    from hook.stages.wait import Reached

# A few rows; a stop request in the middle would leave open whether they were written.
_WRITE_SECONDS = 10.0
# Whoever locks rows of the history is another migrator or a person; both take long.
_LOCK_SECONDS = 5.0
_NOTHING = {"repair": "nothing to repair", "baseline": "the baseline is there already"}


@dataclass(frozen=True, slots=True)
class Editing:
    """What it takes to edit the history, besides a look at it.

    Attributes:
        record: None when no ledger is wanted.
        around_baseline: The events around a baseline.
    """

    reading: Reading
    lock: LockStage
    editor: HistoryEditor
    orders: Orders
    record: Record | None
    around_baseline: Around


BuildEditing = Callable[[], Editing]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the history found.

    Attributes:
        note: Puts into the journal what the report tells of the schema's level.
    """

    history: History
    change: Change
    note: Callable[[], None]


def repair(journal: Journal, build: BuildEditing, stage: RepairStage) -> Report:
    """Report what a repair changes, and make the changes if they are confirmed."""
    with contextlib.suppress(Stopped), _reached(journal, build) as (editing, reached):
        release = editing.reading.resolve_release(journal, reached)

        def look() -> Outcome[Seen]:
            outcome = stage.run(journal.ctx, *release)
            history, plan, change = outcome.value
            seen = Seen(history, change, lambda: note_plan(journal, plan))
            return Outcome(outcome.findings, seen)

        _Edit(journal, editing, look, release).carry_out(AROUND_REPAIR)
    return journal.report()


def baseline(journal: Journal, build: BuildEditing, stage: BaselineStage) -> Report:
    """Report what a baseline creates, and create it if that is confirmed."""
    with contextlib.suppress(Stopped), _reached(journal, build) as (editing, reached):

        def look() -> Outcome[Seen]:
            outcome = stage.run(journal.ctx, reached.session, reached.facts)
            history, change = outcome.value
            return Outcome(outcome.findings, Seen(history, change, lambda: None))

        found = MigrationSet((), "")
        if editing.orders.is_confirmed:
            resolve = stage.engine.resolve_callbacks
            found = journal.quietly("resolve", lambda: resolve(reached.facts))
            if refusal := judge_files(found):
                journal.stage("resolve", lambda: Outcome(refusal, None))
        release = Release(reached.session, reached.facts, found)
        _Edit(journal, editing, look, release).carry_out(editing.around_baseline)
    return journal.report()


@contextmanager
def _reached(journal: Journal, build: BuildEditing) -> Iterator[tuple[Editing, Reached]]:
    editing = journal.quietly("settings", build)
    with reach_database(journal, editing.reading) as reached:
        yield editing, reached


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit of the history: tell, and if confirmed lock, look again, change and verify."""

    journal: Journal
    editing: Editing
    look: Callable[[], Outcome[Seen]]
    release: Release

    def carry_out(self, around: Around) -> None:
        """Do what was asked for, with the callbacks of the events *around* it.

        Raises:
            Stopped: Something speaks against it, or went wrong.
        """
        journal = self.journal
        callbacks = callbacks_of_command(journal.command, self.release.migration_set.callbacks)
        has_callbacks = bool(callbacks) and self.editing.orders.is_confirmed
        told = journal.quietly("history", self.look)
        # What speaks against it may be over when the callbacks in front of it have run.
        if not has_callbacks or deciding_finding(told.findings) is None:
            journal.attempt("history", lambda: told)
        told.value.note()
        journal.after = journal.before
        if has_callbacks:
            self._edit_with_callbacks(told, around)
            return
        journal.stop_if_decided(told.findings)
        summary = told.value.change.summary
        if not summary:
            journal.summary = _NOTHING[journal.command]
        elif not self.editing.orders.is_confirmed:
            journal.summary = f"dry run, --yes is missing for: {summary}"
            journal.next_steps = (_confirmed(journal.command, self.editing.orders),)
        else:
            with self._lock(told.value.history) as lock:
                self._edit(lock, told)

    def _edit_with_callbacks(self, told: Outcome[Seen], around: Around) -> None:
        """Do it with the callbacks around it, which run also when there is nothing to do."""
        journal, reading, release = self.journal, self.editing.reading, self.release
        book = reading.read_callbacks(journal, release, journal.command)
        with (
            self._lock(told.value.history) as lock,
            begin_callbacks(journal, reading, release, book, self._cover(lock)) as firing,
        ):
            firing.fire(*around.before)
            try:
                self._edit(lock, told)
            except Stopped as stopped:
                firing.fire_after(stopped, around.error)
                raise
            firing.fire(around.after)

    def _lock(self, history: History) -> MigrationLock:
        ctx, release = self.journal.ctx, self.release
        run = self.editing.lock.run
        return self.journal.stage(
            "lock",
            lambda: run(ctx, history.schema, history.table, release.session, release.facts),
        )

    def _edit(self, lock: MigrationLock, told: Outcome[Seen]) -> None:
        journal = self.journal
        again = journal.quietly("history", self.look)
        if again.findings != told.findings or deciding_finding(told.findings) is not None:
            journal.stage("history", lambda: again)
        journal.stop_if_decided(again.findings)
        change, before = again.value.change, journal.before
        if change.summary:
            self._change(lock, change)
            self._record(again.value.history)
        journal.summary = change.summary or _NOTHING[journal.command]
        journal.stage("verify", self._verify)
        journal.after, journal.before = journal.before, before

    def _change(self, lock: MigrationLock, change: Change) -> None:
        journal, session = self.journal, self.release.session

        def make() -> Outcome[None]:
            self._refuse_lost(lock)
            self.editing.editor.make(session.writing(_WRITE_SECONDS, _LOCK_SECONDS), change)
            return Outcome((passed(journal.command, f"done: {change.summary}"),), None)

        journal.progress = Progress.UNKNOWN
        try:
            journal.stage(journal.command, make)
        except Stopped:
            if not session.is_lost:
                journal.progress = Progress.ROLLED_BACK
            raise
        journal.progress = Progress.COMMITTED

    def _cover(self, lock: MigrationLock) -> Cover:
        def refuse() -> None:
            self._refuse_lost(lock)

        return Cover(refuse, lock.mark, lambda: lock.is_lost, lock.has_survived)

    def _refuse_lost(self, lock: MigrationLock) -> None:
        lock.refuse_lost(self.release.session, "nothing of the history was changed yet.")

    def _record(self, history: History) -> None:
        """Put the change on record, now that the schema of the history is there for certain."""
        if self.editing.record is not None:
            self.editing.record.begin(self.journal, history)

    def _verify(self) -> Outcome[None]:
        seen = self.look().value
        seen.note()
        if not seen.change.summary:
            return Outcome((passed("verify", "nothing is left to be done"),), None)
        message = f"still to be done afterwards: {seen.change.summary}"
        hint = "Find out who else writes to the schema history, then run the command again."
        finding = failed(ExitCode.VERIFY_FAILED, f"{self.journal.command}-verify", message, hint)
        return Outcome((finding,), None)


def _confirmed(command: str, orders: Orders) -> str:
    limit = "" if orders.only is None else f" --version {orders.only}"
    return f"presync {command}{limit} --yes"
