"""Apply the pending migrations one by one, each until it is certain how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.attempt import (
    ApplyTask,
    Attempt,
    AttemptEnd,
    Limits,
    NextStep,
    failure_of,
    interrupted_in,
    judge_attempt,
)
from hook.core.outcome import Finding, from_error, passed
from hook.core.report import AppliedMigration
from hook.core.script import Migration
from hook.errors import (
    HookError,
    Interrupted,
    MigrationLocked,
    MigrationPartial,
)
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.history import History
    from hook.core.prepared import PreparedScript
    from hook.core.server import ServerFacts
    from hook.engines import Engine
    from hook.postgres.lock import MigrationLock
    from hook.postgres.session import Session

_FIRST_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=30)
_JITTER = 0.25


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be applied, and where.

    Attributes:
        facts: Of *session*'s server when the run began.
        lock: Held for the whole stage.
        next_rank: Rank of the first row to be written.
    """

    session: Session
    facts: ServerFacts
    lock: MigrationLock
    history: History
    scripts: tuple[PreparedScript, ...]
    next_rank: int


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was applied, and the session to go on with: a lost one is replaced."""

    session: Session
    applied: tuple[AppliedMigration, ...]


@dataclass(frozen=True, slots=True)
class MigrateStage:
    """Runs each script within the lock ladder.

    Attributes:
        ladder: ``lock_timeout`` of each attempt.
        reconnect: Opens a session with the same primary after one was lost, and
            waits until what the lost one did is decided.
    """

    engine: Engine
    ladder: tuple[timedelta, ...]
    statement_timeout: timedelta
    reconnect: Callable[[Context, Session, ServerFacts], Session]
    name: str = "migrate"

    def run(self, ctx: Context, work: Work) -> Outcome[Migrated]:
        """Apply everything in *work*; stop at the first that does not succeed."""
        migrator = _Migrator(self, ctx, work, work.session, work.history)
        findings: tuple[Finding, ...]
        try:
            migrator.apply_all()
        except HookError as error:
            findings = (from_error(error),)
        else:
            findings = (passed("migrate", f"{len(migrator.applied)} migrations applied"),)
        return Outcome(findings, Migrated(migrator.session, tuple(migrator.applied)))


@dataclass(slots=True)
class _Migrator:
    """One run of the stage: the session may be replaced, the list grows."""

    stage: MigrateStage
    ctx: Context
    work: Work
    session: Session
    history: History
    applied: list[AppliedMigration] = field(default_factory=list)

    def apply_all(self) -> None:
        if not self.history.exists:
            self.history = self.stage.engine.create_history(
                self.session, self.history, self.work.facts
            )
        first = max(self.work.next_rank, self.history.next_rank)
        for rank, script in enumerate(self.work.scripts, start=first):
            self.ctx.interrupt.raise_if_set()
            self.ctx.deadline.raise_if_over()
            self._refuse_without_lock()
            self._apply(script, rank)

    def _refuse_without_lock(self) -> None:
        if self.work.lock.is_lost:
            raise MigrationLocked(
                "the connection that held the migration lock is lost",
                "Run again; what was applied so far is recorded.",
            )

    def _apply(self, script: PreparedScript, rank: int) -> None:
        migration = script.migration
        self.ctx.events(
            "migration.started",
            f"applying {migration.script}",
            script=migration.script,
            version=migration.version.text if migration.version else None,
            transactional=script.in_transaction,
        )
        began = self.ctx.clock.monotonic()
        attempt, attempts = self._attempt_until_decided(script, rank)
        if attempt.end is not AttemptEnd.APPLIED:
            raise self._failure(migration, attempt, attempts)
        duration_ms = round((self.ctx.clock.monotonic() - began) * 1000)
        applied = AppliedMigration(
            version=migration.version.text if migration.version else None,
            description=migration.description,
            script=migration.script,
            duration_ms=duration_ms,
            attempts=attempts,
            transactional=script.in_transaction,
        )
        self.applied.append(applied)
        self.ctx.events(
            "migration.applied",
            f"applied {migration.script} in {duration_ms} ms",
            script=migration.script,
            version=applied.version,
            duration_ms=duration_ms,
            attempts=attempts,
        )

    def _attempt_until_decided(self, script: PreparedScript, rank: int) -> tuple[Attempt, int]:
        """Return the deciding attempt and how many there were."""
        made = 0

        def attempt_once(_number: int = 1) -> Attempt:
            nonlocal made
            made += 1
            return self._attempt(script, rank, made)

        def is_worth_retrying(attempt: Attempt) -> bool:
            is_last = made >= len(self.stage.ladder)
            return judge_attempt(attempt, made, is_last=is_last) is NextStep.RETRY

        attempt = attempt_once()
        if is_worth_retrying(attempt):
            attempt = self._retry(script, attempt, attempt_once, is_worth_retrying)
        return attempt, made

    def _retry(
        self,
        script: PreparedScript,
        first: Attempt,
        attempt_once: Callable[[int], Attempt],
        is_worth_retrying: Callable[[Attempt], bool],
    ) -> Attempt:
        from hook.postgres.retry import Pauses, RetryPlan, retry_result  # noqa: PLC0415 - see there

        pending = [first]

        def work(number: int) -> Attempt:
            # The first attempt was made without tenacity, which most runs never load.
            return pending.pop() if pending else attempt_once(number)

        def announce(attempts: int, _error: BaseException | None) -> None:
            self.ctx.events(
                "retry.scheduled",
                f"{script.migration.script}: attempt {attempts} of {len(self.stage.ladder)} lost",
                script=script.migration.script,
                attempts=attempts,
            )

        pauses = Pauses(_FIRST_PAUSE, _LONGEST_PAUSE, _JITTER)
        plan = RetryPlan(pauses, self.ctx.clock, self.ctx.deadline, announce)
        return retry_result(is_worth_retrying, work, plan)

    def _attempt(self, script: PreparedScript, rank: int, number: int) -> Attempt:
        ladder = self.stage.ladder
        lock_timeout = ladder[min(number, len(ladder)) - 1]
        remaining = self.ctx.deadline.remaining()
        statement_seconds = min(self.stage.statement_timeout.total_seconds(), max(remaining, 1.0))
        limits = Limits(
            lock_timeout_ms=round(lock_timeout.total_seconds() * 1000),
            statement_timeout_ms=round(statement_seconds * 1000),
            seconds=remaining,
        )
        task = ApplyTask(script.migration, self.history, rank, self.work.facts, limits)
        attempt = self.stage.engine.apply(self.session, task, self._on_wait(script.migration))
        if attempt.end is AttemptEnd.LOST:
            return self._resolve(script, rank, attempt)
        return attempt

    def _on_wait(self, migration: Migration) -> Callable[[float], None]:
        def tell(seconds: float) -> None:
            self.ctx.events(
                "migration.progress",
                f"{migration.script} running for {seconds:.0f}s",
                script=migration.script,
                elapsed_ms=round(seconds * 1000),
            )

        return tell

    def _resolve(self, script: PreparedScript, rank: int, lost: Attempt) -> Attempt:
        """Find out what became of an attempt whose connection was lost.

        The history row travels in the script's own transaction: once the lost
        backend is gone, it is there exactly if the COMMIT happened.

        Raises:
            MigrationPartial: It cannot be found out, or the script had no transaction.
        """
        name = script.migration.script
        self.ctx.events("connection.lost", f"{name}: connection lost, finding out", script=name)
        try:
            self.session = self.stage.reconnect(self.ctx, self.session, self.work.facts)
            self._refuse_without_lock()
            history = self.stage.engine.read_history(self.session, self.work.facts)
        except Interrupted:
            raise
        except HookError as error:
            raise MigrationPartial(
                f"{name}: connection lost, and whether it was committed is unknown:"
                f" {error.message}",
                f"Look for {name} in the schema history before running again.",
            ) from error
        row = next((row for row in history.rows if row.installed_rank == rank), None)
        if row is not None and row.script == script.migration.script and row.success:
            return Attempt(AttemptEnd.APPLIED, lost.duration_ms)
        if script.in_transaction:
            return lost
        raise MigrationPartial(
            f"{name}: connection lost while it ran without a transaction",
            "Look which of its statements took effect before running again.",
        )

    def _failure(self, migration: Migration, attempt: Attempt, attempts: int) -> HookError:
        if attempt.end is AttemptEnd.INTERRUPTED:
            return Interrupted(self.ctx.interrupt.signal_name, interrupted_in(migration, attempt))
        return failure_of(migration, attempt, attempts)
