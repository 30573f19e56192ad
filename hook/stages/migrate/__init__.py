"""Apply the pending migrations unit by unit, each until it is certain how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.callback_failure import events_after_failure
from hook.core.execution.group import Grouping, Unit, durations_of, requests_of, units_of
from hook.core.execution.ladder import Ladder, judge_ladder, rungs_on
from hook.core.execution.locked_out import OTHER_MIGRATOR
from hook.core.execution.mending import is_resumed_next
from hook.core.execution.no_callbacks import NoCallbacks
from hook.core.execution.progress import Progress, merged
from hook.core.outcome import from_error, passed
from hook.core.reporting.ledger import GOES_ON, begun_script
from hook.core.reporting.past_run import NO_RESUMPTION, Resumption
from hook.core.reporting.report import AppliedMigration
from hook.core.reporting.verdict import count_applied
from hook.core.schema_history.history import SYNTHETIC_TYPES
from hook.core.scripts.events import Event
from hook.errors import Effect, HookError, MigrationFailed, MigrationLocked
from hook.postgres.retry_gate import NO_GATE, Asking, RetryGate
from hook.stages import Context, Outcome, Watch, unwatched
from hook.stages.migrate.attempts import Attempts
from hook.stages.migrate.footing import Footing
from hook.stages.migrate.rules import Rules
from hook.stages.migrate.telling import Telling

if TYPE_CHECKING:
    from hook.core.execution.attempt import Place
    from hook.core.execution.prepared import PreparedScript
    from hook.core.execution.step_note import StepNote
    from hook.core.schema_history.history import History
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.postgres.lock import MigrationLock
    from hook.postgres.session import Session
    from hook.stages import Callbacks


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be applied, and where.

    Attributes:
        facts: Of *session*.
        lock: Held for the whole stage.
        next_rank: Rank of the first row to be written.
        begun: Called once the history is there, in front of the first script; told how far the
            database was changed for it.
        callbacks: What runs around the migrations, and between them.
        resumed: Where a run before this one was cut off.
        note: Called in front of a script that must not run twice; returns what that takes
            down of itself, none where it does not.
    """

    session: Session
    facts: ServerFacts
    lock: MigrationLock
    history: History
    scripts: tuple[PreparedScript, ...]
    next_rank: int
    begun: Callable[[Progress], None]
    callbacks: Callbacks = field(default_factory=NoCallbacks)
    resumed: Resumption = NO_RESUMPTION
    note: Callable[[PreparedScript], StepNote | None] = lambda _: None


class Migrated(NamedTuple):
    """What was applied, and the session to go on with: a lost one is replaced.

    Attributes:
        progress: How far the database was changed.
    """

    session: Session
    applied: tuple[AppliedMigration, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class MigrateStage:
    """Runs each unit of scripts within the lock ladder.

    Attributes:
        ladder: ``lock_timeout`` of each attempt.
        reconnect: Opens a session with the same primary after the one with these facts
            was lost, and waits until what that one did is decided.
        grouping: Which scripts share a transaction.
        watch: Begins to see whom the scripts harm.
        gate: Asked before each further attempt.
    """

    engine: Engine
    ladder: Ladder
    statement_timeout: timedelta
    reconnect: Callable[[Context, ServerFacts], tuple[Session, ServerFacts]]
    grouping: Grouping = Grouping.EACH
    watch: Callable[[Context], Watch] = unwatched
    gate: RetryGate = NO_GATE
    name: str = "migrate"

    def run(self, ctx: Context, work: Work) -> Outcome[Migrated]:
        """Apply everything in *work*; stop at the first that does not succeed."""
        footing = Footing(
            self.engine, self.reconnect, work.lock, work.session, work.facts, work.history
        )
        callbacks = work.callbacks
        # One for both, as they share the budget of the run.
        watch = callbacks.watch or self.watch(ctx)
        ladder = rungs_on(work.facts, self.ladder)
        rules = Rules(ladder, self.statement_timeout, callbacks.each, watch, self.gate)
        migrator = _Migrator(ctx, footing, rules, callbacks, work)
        try:
            migrator.apply_all(units_of(work.scripts, self.grouping))
        except HookError as error:
            last = from_error(migrator.passing_on(migrator.classified(error)))
        else:
            last = passed("migrate", count_applied(migrator.applied))
        finally:
            watch.close()
        progress = merged(footing.progress, callbacks.progress)
        failover = footing.failover
        lost = () if failover is None else failover.missing
        if failover is not None and failover.in_part:
            progress = Progress.UNKNOWN
        applied = tuple(item for item in migrator.applied if item.script not in lost)
        migrated = Migrated(footing.session, applied, progress)
        told = (*watch.take_findings(), *callbacks.take_findings())
        told += () if failover is None else (failover.finding(),)
        findings = (*judge_ladder(ladder, work.facts), last, *told)
        return Outcome(findings, migrated)


@dataclass(slots=True)
class _Migrator:
    """One run of the stage: the list grows.

    Attributes:
        failed_at: Where the migration that failed has ended.
        begun: Names of the scripts that there were attempts at.
        rank: Of the first row that nobody is to have written as yet.
    """

    ctx: Context
    footing: Footing
    rules: Rules
    callbacks: Callbacks
    work: Work
    applied: list[AppliedMigration] = field(default_factory=list)
    failed_at: Place | None = None
    begun: set[str] = field(default_factory=set)
    rank: int = field(init=False)

    def __post_init__(self) -> None:
        self.rank = self.work.next_rank
        self.callbacks.stand_on(self._hold_lock)

    def classified(self, error: HookError) -> HookError:
        """Return *error*, but never as a refusal once something is applied or was run.

        The codes of refusals promise that the database is untouched.
        """
        is_untouched = not self.applied and self.callbacks.progress is Progress.UNTOUCHED
        if is_untouched or error.exit_code.effect is not Effect.UNTOUCHED:
            return error
        failure = MigrationFailed(error.message, error.hint)
        failure.facts = error.facts
        return failure

    def passing_on(self, error: HookError) -> HookError:
        """Return *error*; what was cut off before goes on after it, if it was not begun here."""
        name = self.work.resumed.script
        if name and name not in self.begun:
            error.facts[GOES_ON] = name
        return error

    def apply_all(self, units: Iterable[Unit]) -> None:
        self.ctx.deadline.raise_if_over()
        self._create_history()
        self.work.begun(self.footing.progress)
        self.callbacks.run(Event.BEFORE_MIGRATE)
        try:
            self._apply_units(units)
        except HookError as error:
            self.rank += 1  # a row may tell that the script has failed
            self.callbacks.run_after(error, *events_after_failure(self.failed_at))
            raise
        if self.applied:
            self.callbacks.run(Event.AFTER_MIGRATE_APPLIED)
        self.callbacks.run(Event.AFTER_MIGRATE, Event.AFTER_MIGRATE_OPERATION_FINISH)

    def _create_history(self) -> None:
        planned = self.footing.history
        if not self.footing.engine.will_baseline(planned):
            created = self.footing.create_history(self.ctx)
        else:
            self.callbacks.run(Event.BEFORE_BASELINE)
            try:
                created = self.footing.create_history(self.ctx)
            except HookError as error:
                self.callbacks.run_after(error, Event.AFTER_BASELINE_ERROR)
                raise
            self.callbacks.run(Event.AFTER_BASELINE)
        if created is planned:
            return
        # Somebody who does not know the lock was faster, and maybe did more than that.
        strange = [
            row for row in created.rows[len(planned.rows) :] if row.type not in SYNTHETIC_TYPES
        ]
        if strange:
            raise MigrationLocked(
                f"{strange[0].script} was applied by somebody else meanwhile, without the lock",
                OTHER_MIGRATOR,
            )
        self.footing.progress = Progress.COMMITTED

    def _apply_units(self, units: Iterable[Unit]) -> None:
        self.rank = max(self.rank, self.footing.history.next_rank)
        self.footing.begin(self.ctx)
        is_versioned = True
        for unit in units:
            self.ctx.interrupt.raise_if_set()
            self.ctx.deadline.raise_if_over()
            self._hold_lock()
            # In a group the versions are not committed yet, and no callback sees them.
            preceding_ms = 0
            if is_versioned and any(item.migration.version is None for item in unit):
                preceding_ms = self._run_in_front_of_repeatables()
                self._hold_lock()
                is_versioned = False
            self._apply(unit, preceding_ms)
            self.rank += len(unit)
        if is_versioned:
            self.callbacks.run(Event.AFTER_VERSIONED)

    def _run_in_front_of_repeatables(self) -> int:
        began = self.ctx.clock.monotonic()
        self.callbacks.run(Event.AFTER_VERSIONED, Event.BEFORE_REPEATABLES)
        return self._ms_since(began)

    def _ms_since(self, began: float) -> int:
        return round((self.ctx.clock.monotonic() - began) * 1000)

    def _hold_lock(self) -> None:
        self.footing.hold_lock(self.ctx, self.rank)

    def _apply(self, unit: Unit, preceding_ms: int) -> None:
        telling = Telling(self.ctx.events, unit)
        telling.started(len(self.applied) + 1, len(self.work.scripts))
        began = self.ctx.clock.monotonic()
        asking = Asking(self.rules.gate, self.ctx.clock, requests_of(unit))
        attempts = Attempts(self.ctx, self.footing, self.rules, unit, self.rank, asking)
        attempts.preceding_ms = preceding_ms
        if any(item.migration.script == self.work.resumed.script for item in unit):
            attempts.resumes = True
            attempts.notes.settled, attempts.notes.found = self.work.resumed[1:]
        self.begun.update(item.migration.script for item in unit)
        try:
            if unit[0].is_run and unit[0].runs_once:
                attempts.notes.note = self.work.note(unit[0])
            attempts.run()
        except HookError as error:
            last = attempts.last
            self.failed_at = None if last is None else last.place
            if attempts.is_unsettled:
                error.facts[GOES_ON] = unit[0].migration.script
            elif attempts.resumes and (last is None or is_resumed_next(last)):
                noted = attempts.notes
                begun = begun_script(unit[0], noted.settled, found=noted.found)
                error.facts["cut_off"] = begun.facts()
            raise
        whole = self._ms_since(began)
        for script, duration in zip(unit, durations_of(unit, whole, attempts.last), strict=True):
            migration = script.migration
            applied = AppliedMigration(
                version=migration.version.text if migration.version else None,
                description=migration.description,
                script=migration.script,
                duration_ms=duration,
                attempts=attempts.made,
                transactional=script.in_transaction,
                executed=script.is_run,
                line=script.head_line,
                locks=script.requests if script.is_run else (),
            )
            self.applied.append(applied)
            telling.applied(applied)
