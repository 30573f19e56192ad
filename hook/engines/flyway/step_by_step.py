"""Runs a script that PostgreSQL refuses inside a transaction, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.mending import who_clears_up
from hook.core.execution.script_message import Moment, Own, ScriptMessage
from hook.core.execution.script_program import Program
from hook.core.sql.index_build import read_reach
from hook.core.sql.leftovers import (
    is_only_work,
    lets_others_pass,
    may_be_resumed,
    may_stop_halfway,
)
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.stepwise import is_begun_alone, is_of_session
from hook.engines.flyway.apply import Writing, own
from hook.engines.flyway.detaching import Detaching
from hook.engines.flyway.index_repair import IndexRepair
from hook.engines.flyway.noting import Noting
from hook.engines.flyway.sending import Sender
from hook.errors import ConnectionLost
from hook.postgres.indexes import fetch_invalid_indexes

if TYPE_CHECKING:
    from hook.core.execution.attempt import ApplyTask

# After these nobody knows the time limits of the session.
_FORGETS_LIMITS = frozenset({"DISCARD", "RESET"})
_ENDS_TRANSACTION = frozenset({"COMMIT", "END", "PREPARE"})
_UNLIMITED = 0
_COMMIT = Own(Moment.COMMIT, "COMMIT")


def apply_step_by_step(
    sender: Sender, body: StatementList, writing: Writing, task: ApplyTask
) -> Attempt:
    """Run *body*, the script of *task*, once, see `StepByStep.apply`."""
    program = Program.of(body, task.each)
    return StepByStep(sender, program, writing, task).apply()


@dataclass(slots=True)
class StepByStep:
    """One attempt at a script without transaction.

    Attributes:
        program: The statements of the script, and of the callbacks around it.
        task: The script.
        lock_timeout_ms: What the session was told last, none when that is not known.
        done: How many statements are settled, see `Attempt.done`. A transaction that
            the script itself opens settles as a whole.
        is_ready: The session is in the state that the next statement is to find.
        noting: What the ledger is told.
        found: See `Attempt.found`.
    """

    sender: Sender
    program: Program
    writing: Writing
    task: ApplyTask
    lock_timeout_ms: int | None = None
    done: int = field(init=False)
    is_ready: bool = field(init=False)
    noting: Noting = field(init=False)
    found: bool = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.task.done or self.task.settled or 0
        self.is_ready = self.task.done > 0
        self.noting = Noting(self.sender, self.program, self.task)
        self.found = self.task.found

    def apply(self) -> Attempt:
        """Run what is not done yet, then write the history row.

        Raises:
            HookError: The database could not be asked for its invalid indexes, or a stop
                was requested; no statement was sent.
        """
        session, repair = self.sender.session, self._look_around()
        if repair is None:
            return self._stopped(self.sender.end(AttemptEnd.LOST))
        if not self.is_ready:
            attempt = self._make_ready()
            if attempt.end is not AttemptEnd.APPLIED:
                return self._stopped(attempt)
        begin = self.done
        for index in range(begin, len(self.program)):
            attempt = self._run(index, repair)
            is_resumed = index == begin and self.task.resumes
            if is_resumed and self._is_done_already(index, repair, attempt):
                attempt = self.sender.end(AttemptEnd.APPLIED)
            if attempt.end is not AttemptEnd.APPLIED:
                return self._failed(attempt, index, repair)
            if not session.in_transaction:
                self.done, self.found = index + 1, False
        return self._record()

    def _look_around(self) -> IndexRepair | None:
        """Return who knows which indexes are invalid by now, none when the connection is lost."""
        session = self.sender.session
        if session.is_lost:
            return None
        try:
            repair = IndexRepair(self.sender, self._nothing, fetch_invalid_indexes(session))
            self.noting.look_around()
        except ConnectionLost:
            return None
        return repair

    def _make_ready(self) -> Attempt:
        """Bring a new session to where the next statement is to run, and note that it does."""
        is_behind = self.done < len(self.program)
        attempt = self._set_up(self.program.statement(self.done) if is_behind else None)
        for index in range(self.done):
            statements = self.program[index].statements
            if attempt.end is AttemptEnd.APPLIED and is_of_session(statements[0]):
                attempt = self._again(statements)
        if attempt.end is AttemptEnd.APPLIED:
            attempt = self.noting.begin(self.done, found=self.found)
        self.is_ready = attempt.end is AttemptEnd.APPLIED
        return attempt

    def _again(self, statements: StatementList) -> Attempt:
        """Run once more what another session was told; its failure is none of the script's."""
        if statements[0].head == "RESET":
            self.lock_timeout_ms = None
        attempt = self.sender.send(ScriptMessage(statements))
        if attempt.place.moment is not Moment.SCRIPT:
            return attempt
        return replace(attempt, place=replace(attempt.place, moment=Moment.OPENING))

    def _set_up(self, first: Statement | None) -> Attempt:
        """Bring the session into the state of a script's start."""
        state = tuple(own(Moment.OPENING, self.writing.session_state))
        return self._limit(_UNLIMITED if first is None else self._limit_for(first), state)

    def _run(self, index: int, repair: IndexRepair) -> Attempt:
        step = self.program[index]
        wanted = self._limit_for(step.statements[0])
        if wanted != self.lock_timeout_ms:
            attempt = self._limit(wanted)
            if attempt.end is not AttemptEnd.APPLIED:
                return attempt
        attempt = repair.clear_the_way(step.statements[0])
        if attempt.end is not AttemptEnd.APPLIED:
            return attempt
        if repair.is_built(step.statements[0]):
            return self.sender.end(AttemptEnd.APPLIED)
        attempt = self._send(index, step.statements)
        if step.statements[0].head in _FORGETS_LIMITS:
            self.lock_timeout_ms = None
        return attempt.in_callback(step.callback)

    def _send(self, index: int, one: StatementList) -> Attempt:
        """Send the single statement *one*, the note of it with it as far as that can be."""
        if self.noting.knows(one[0]):
            return self.noting.send(index, one, self.done)
        if is_begun_alone(one[0]):
            attempt = self._begin_alone(one[0])
            if attempt.end is not AttemptEnd.APPLIED:
                return attempt
        return self.sender.send(Detaching(self.sender).message_for(one))

    def _begin_alone(self, statement: Statement) -> Attempt:
        """Note that *statement* is begun, and whether there is what it is to take away."""
        repair, detaching = IndexRepair(self.sender, self._nothing, ()), Detaching(self.sender)
        self.found |= repair.is_there(statement) or detaching.is_there(statement)
        return self.noting.write(self.done, found=self.found)

    def _is_done_already(self, index: int, repair: IndexRepair, attempt: Attempt) -> bool:
        """Tell whether *attempt* at statement *index* failed as an earlier one had done it.

        Ask only of the statement that was under way when that one was cut off: of any other
        the same answer of the server means that its name is wrong. So it does of that one, if
        nothing was there when it was begun.
        """
        if not self.found:
            return False
        statement = self.program.statement(index)
        detaching = Detaching(self.sender)
        return repair.is_dropped(statement, attempt) or detaching.is_done(statement, attempt)

    def _limit_for(self, statement: Statement) -> int:
        if lets_others_pass(statement):
            return _UNLIMITED
        return self.sender.limits.lock_timeout_ms

    def _limit(self, lock_timeout_ms: int, state: tuple[Own, ...] = ()) -> Attempt:
        """Set the session's time limits, behind *state*; a script may set its own later."""
        limits = (
            f"SET lock_timeout = {lock_timeout_ms}",
            f"SET statement_timeout = {self.sender.limits.statement_timeout_ms}",
        )
        self.lock_timeout_ms = lock_timeout_ms
        before = (*state, *own(Moment.OPENING, limits))
        return self.sender.send(ScriptMessage(self._nothing, before))

    def _failed(self, attempt: Attempt, index: int, repair: IndexRepair) -> Attempt:
        """Return *attempt*, which ended at statement *index*, with all that it left behind."""
        self.sender.roll_back()
        if attempt.place.moment not in {Moment.CLEARING, Moment.FINISHING, Moment.SCRIPT}:
            return self._stopped(attempt)
        statement = self.program.statement(index)
        uncertain: tuple[str, ...] = ()
        remains = Detaching(self.sender).left_by(statement, attempt)
        if remains is None:
            uncertain = self._uncertain(attempt, index)
            remains = repair.left_by(statement, attempt)
        return self._stopped(
            replace(
                attempt,
                left_behind=(*uncertain, *remains.left_behind),
                for_next_run=remains.for_next_run,
                in_doubt=remains.in_doubt,
                out_of_reach=remains.out_of_reach,
            )
        )

    def _uncertain(self, attempt: Attempt, index: int) -> tuple[str, ...]:
        """Name what nobody can say of: whether statement *index* took effect, or a part of it.

        In a transaction of the script's own, nothing did before its COMMIT was sent.
        """
        if attempt.place.moment is Moment.CLEARING:
            return ()
        step = self.program[index]
        first, last = self.program.statement(self.done), step.statements[0]
        if attempt.end is AttemptEnd.LOST:
            # An index of which that was lost is looked for by the next attempt, see `IndexRepair`.
            is_mended = read_reach(last) is not None and may_be_resumed(last)
            is_repeated = self.done == index and (is_mended or is_only_work(last))
            is_known = is_repeated or (self.done != index and last.head not in _ENDS_TRANSACTION)
        else:
            was_refused = attempt.failure is not None and attempt.failure.position is not None
            is_whole = self.noting.whole == index or not may_stop_halfway(last)
            is_known = self.done != index or was_refused or is_whole
        if is_known:
            return ()
        is_one = first == last or first.source is not last.source
        lines = f"line {last.line}" if is_one else f"lines {first.line} to {last.line}"
        file = "" if step.callback is None else f" of {step.callback.script}"
        return (f"what {lines}{file} may have done",)

    def _stopped(self, attempt: Attempt) -> Attempt:
        place = attempt.place
        if place.moment is Moment.OPENING and attempt.end is AttemptEnd.LOST:
            place = Place(Moment.UNSENT)
        line, callbacks = self.program.settled(self.done)
        is_noted = self.noting.note is not None and (self.is_ready or self.task.settled is not None)
        stopped = replace(
            attempt,
            place=place,
            done=self.done if self.is_ready else 0,
            found=self.found,
            is_noted=is_noted,
            may_hold=is_noted and self.noting.is_watched,
            done_line=line,
            done_objects=self.program.finished(self.done),
            done_callbacks=callbacks,
        )
        return who_clears_up(stopped, may_repeat=self.program.may_repeat(self.done))

    def _record(self) -> Attempt:
        """Write the history row, also after a stop request: the script has taken effect."""
        row = self.writing.row_of(self.sender.end(AttemptEnd.APPLIED))
        messages = self.writing.recording_alone(row)
        if self.sender.session.in_transaction:  # which the script has left open
            messages = ((*self.writing.recording(_UNLIMITED, row), _COMMIT),)
        for message in messages:
            attempt = self.sender.send_shielded(ScriptMessage(self._nothing, message))
            if attempt.end is not AttemptEnd.APPLIED:
                self.sender.roll_back()
                return self._stopped(attempt)
        return self.sender.end(AttemptEnd.APPLIED)

    @property
    def _nothing(self) -> StatementList:
        return self.program.script[:0]
