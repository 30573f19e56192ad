"""All attempts at one unit of migrations, until it is applied or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from hook.core.execution.attempt import (
    ApplyTask,
    Attempt,
    AttemptEnd,
    Limits,
    NextStep,
    is_row_of,
    judge_attempt,
    progress_after,
    with_toll,
)
from hook.core.execution.contended import Tries
from hook.core.execution.failover import without_what_was_later
from hook.core.execution.given_up import (
    GivenUp,
    failure_of,
    interruption_of,
    unknown_of,
    without_session,
)
from hook.core.execution.heartbeat import Pulse
from hook.core.execution.locked_out import locked_out
from hook.core.execution.mending import is_left_to_note, left_unasked, with_remains_of
from hook.core.execution.outside import Outside
from hook.core.execution.progress import Progress
from hook.core.execution.script_message import Moment
from hook.core.sessions.damage import first_look
from hook.errors import (
    DatabaseUnreachable,
    HookError,
    Interrupted,
    MigrationLocked,
    MigrationPartial,
)
from hook.stages import Context, Subject
from hook.stages.migrate.footing import Footing
from hook.stages.migrate.notes import Notes
from hook.stages.migrate.rules import Rules
from hook.stages.migrate.telling import Telling

if TYPE_CHECKING:
    from hook.core.execution.group import Unit
    from hook.postgres.retry_gate import Asking


@dataclass(slots=True)
class Attempts:
    """The attempts at *unit*, whose rows in the schema history begin with *rank*.

    Attributes:
        made: How many were begun.
        last: The last one that ended.
        done: Statements of a script without transaction that the next one need not run.
        resumes: See `ApplyTask.resumes`; a run before this one may have been cut off too.
        notes: What the ledger says of it, likewise.
        is_recorded: A failed row was written.
        preceding_ms: How long the callbacks in front of the first repeatable took, whose
            time in the history they are a part of, as in Flyway.
    """

    ctx: Context
    footing: Footing
    rules: Rules
    unit: Unit
    rank: int
    asking: Asking
    made: int = 0
    last: Attempt | None = None
    done: int = 0
    preceding_ms: int = 0
    resumes: bool = False
    notes: Notes = field(default_factory=Notes)
    is_recorded: bool = False

    def run(self) -> None:
        """Apply the unit.

        Raises:
            HookError: It was given up; the error names what that left behind.
        """
        try:
            attempt = self._attempt_until_decided()
        except HookError as error:
            raise self._cut_short(error) from error
        if attempt.end is not AttemptEnd.APPLIED:
            raise self._given_up(attempt)
        self.footing.committed |= dict(enumerate(self.unit, self.rank))

    def _attempt_until_decided(self) -> Attempt:
        first = self._attempt()
        if not self._is_worth_retrying(first):
            return first
        # Most runs have nothing to retry and never load tenacity.
        from hook.postgres.retry import OF_SCRIPTS, RetryPlan, retry_result  # noqa: PLC0415 - see above

        def announce(_attempts: int, _error: BaseException | None) -> None:
            if not self.asking.is_withholding:
                self._tell().retry(self.made, len(self.rules.ladder), self.last)
            self._ask()

        plan = RetryPlan(OF_SCRIPTS, self.ctx.clock, self.ctx.deadline, announce)
        return retry_result(first, self._is_worth_retrying, self._attempt_unless_withheld, plan)

    def _is_worth_retrying(self, attempt: Attempt) -> bool:
        is_last = self._rung >= len(self.rules.ladder) or self.rules.watch.is_spent
        return judge_attempt(attempt, self.made, is_last=is_last) is NextStep.RETRY

    @property
    def is_unsettled(self) -> bool:
        """Tell whether no more than the ledger says how far the unit came that was given up."""
        return not self.is_recorded and self.notes.are_all_there_is(self.last)

    @property
    def _rung(self) -> int:
        return self.made + self.asking.withheld

    def _ask(self) -> None:
        """Ask who is in the way, unless the session is lost, or what half a script made of it."""
        if not self.done and self.last is not None and not self.last.needs_session:
            self.asking.look(self.footing.session)

    def _attempt_unless_withheld(self) -> Attempt:
        self._ask()
        if self.asking.found:
            self._tell().in_the_way(self.asking, self._rung + 1, len(self.rules.ladder))
        if self.last is not None and self.asking.withholds():
            return self.last
        return self._attempt()

    def _attempt(self) -> Attempt:
        """Make one attempt; when its connection is lost, find out what became of it."""
        if self.made:
            self._look_again()
        self.made += 1
        tasks, footing, watch = self._tasks(), self.footing, self.rules.watch
        watch.begin(self._subject(tasks[0].limits))
        session = watch.over(footing.session)
        tell = partial(self._tell().progress, watch=watch)
        attempt = footing.engine.apply(session, tasks, Pulse(tell, self.ctx.events.pace))
        attempt = with_remains_of(with_toll(attempt, watch.end()), self.last)
        self._tell().answers(attempt)
        # Behind what was cut off, a name that is not there is wrong.
        self.resumes = self.resumes and attempt.done == max(self.done, self.notes.settled or 0)
        self.last, self.done = attempt, attempt.done
        self.notes.keep(attempt)
        footing.progress = progress_after(attempt, footing.progress)
        if attempt.end is AttemptEnd.LOST:
            self.resumes = not self.unit[0].in_transaction
            self.last = self._find_out(tasks, attempt)
        elif attempt.wants_new_session and not attempt.leftovers:
            self._regain()
        return self.last

    def _tasks(self) -> tuple[ApplyTask, ...]:
        ladder, footing = self.rules.ladder, self.footing
        lock_timeout = ladder[min(max(self._rung, 1), len(ladder)) - 1]
        limits = Limits.of(
            lock_timeout, self.rules.statement_timeout, self.ctx.deadline.remaining()
        )
        first = None if len(self.unit) == 1 else self.rank
        return tuple(
            ApplyTask(
                script.migration,
                footing.history,
                rank,
                footing.facts,
                limits,
                self.done,
                first,
                # What is only recorded has no callbacks, as in Flyway.
                self.rules.each if script.is_run else None,
                # The times of a group are what is left over of one, so all of them count it.
                0 if script.migration.version else self.preceding_ms,
                self.resumes,
                self.notes.settled,
                self.notes.note,
                self.notes.found,
            )
            for rank, script in enumerate(self.unit, self.rank)
        )

    def _subject(self, limits: Limits) -> Subject:
        """Return what is watched, and after how many seconds first."""
        pid, is_undone = self.footing.facts.backend_pid, self.unit[0].in_transaction
        seconds = first_look(limits.lock_timeout_ms, self.made, len(self.rules.ladder))
        return Subject(pid, seconds, is_undone)

    def _look_again(self) -> None:
        """See that lock, session and plan still stand before the next attempt."""
        if self.footing.session.is_lost:
            last = self.last
            if last is not None and last.leftovers and not is_left_to_note(last):
                raise DatabaseUnreachable("connection lost between two attempts")
            self._regain()
        self.footing.hold_lock(self.ctx, self.rank)
        if not self.done:  # else what the script has SET may not let us read the history
            self.footing.refuse_changed_history(self.rank)

    def _regain(self) -> None:
        self.done = 0
        self.footing.regain(self.ctx)

    def _find_out(self, tasks: Sequence[ApplyTask], lost: Attempt) -> Attempt:
        """Find out what became of an attempt whose connection was lost.

        The history rows travel in the scripts' own transaction: once the lost
        backend is gone, they are there exactly if the COMMIT happened.

        Raises:
            HookError: It cannot be found out, or the lock is lost as well.
        """
        self._tell().lost(lost)
        try:
            self._regain()
            history = self.footing.engine.read_history(self.footing.session, self.footing.facts)
        except HookError as error:
            if lost.place.moment is Moment.UNSENT and not lost.leftovers:
                raise
            self.last = lost = left_unasked(lost, error)
            raise unknown_of(self._as_given_up(lost), error) from error
        self.last = lost = without_what_was_later(lost, self.footing.failover)
        rows = {item.installed_rank: item for item in history.rows}
        is_recorded = all(
            task.rank in rows and is_row_of(rows[task.rank], task.migration) for task in tasks
        )
        # A standby that was promoted may lack what the script did, and not only its row.
        if not is_recorded and lost.is_complete and self.footing.failover is None:
            applied = replace(lost, end=AttemptEnd.APPLIED)
            is_recorded = self.footing.engine.record(self.footing.session, tasks[lost.at], applied)
        if is_recorded:
            self.footing.progress = Progress.COMMITTED
            return replace(lost, end=AttemptEnd.APPLIED)
        self.last = lost = self.notes.ask(self.footing.session, lost)
        is_undone = lost.place.moment is not Moment.UNSENT and not lost.may_leave_more
        if is_undone and not lost.leftovers:
            self.footing.progress = Progress.ROLLED_BACK
        if lost.is_known or not lost.leftovers:
            self._hold_lock_after(lost)
        return lost

    def _hold_lock_after(self, lost: Attempt) -> None:
        """Have the lock, which may be lost with the connection of the attempt *lost*."""
        footing = self.footing
        try:
            footing.hold_lock(self.ctx, self.rank)
        except MigrationLocked as error:
            if footing.failover is not None or not footing.lock.is_lost:
                raise
            successor = footing.lock.find_successor(footing.session)
            raise locked_out(self.unit[lost.at].migration.script, lost, successor) from error

    def _cut_short(self, error: HookError) -> HookError:
        """Return what *error* means that came between or around the attempts."""
        last = self.last
        if last is None or isinstance(error, MigrationPartial):
            return error
        if isinstance(error, Interrupted) and not error.situation:
            return self._given_up(replace(last, end=AttemptEnd.INTERRUPTED))
        self.last = last = self.notes.hand_on(last, self.footing, self.ctx)
        if last.leftovers:
            return self._given_up(last)
        return without_session(error, self._as_given_up(last))

    def _given_up(self, last: Attempt) -> HookError:
        """Return the error for a script that ended with *last*, after putting it on record."""
        self.last = last = self.notes.hand_on(last, self.footing, self.ctx)
        given_up = self._as_given_up(last)
        if last.leftovers:
            self.is_recorded = self._record(given_up.task, last)
            given_up = replace(given_up, is_recorded=self.is_recorded)
        if last.end is AttemptEnd.INTERRUPTED:
            return interruption_of(given_up)
        return failure_of(given_up)

    def _as_given_up(self, last: Attempt) -> GivenUp:
        ctx, others, signal = self.ctx, len(self.unit) - 1, self.ctx.interrupt.signal_name
        tries = Tries(self.made, self.asking.withheld, self.asking.found)
        outside = Outside.of(ctx.deadline.label, self.rules.statement_timeout, signal)
        return GivenUp(self._tasks()[last.at], last, tries, others=others, outside=outside)

    def _record(self, task: ApplyTask, last: Attempt) -> bool:
        """Write a failed row, so that no later run takes the script for one never begun."""
        self.footing.progress = Progress.UNKNOWN
        self.footing.reach(self.ctx)
        return self.footing.engine.record(self.footing.session, task, last)

    def _tell(self) -> Telling:
        return Telling(self.ctx.events, self.unit)
