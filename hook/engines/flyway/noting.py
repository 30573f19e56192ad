"""Takes down in the ledger how far a script without transaction is, and what only its session has.

What may change something is sent with its note in one of three ways:

- together, ``BEGIN; note; statement; COMMIT`` in one message, so that both are there or none;
- together and watched, where statements of the script may leave something in the session:
  ``BEGIN; statement; note; COMMIT; correction``, as the note also says what the session
  holds by then, of which some is gone with the COMMIT;
- around, what commits by itself or refuses a transaction: a note that it is under way, the
  statement alone, and a note that it has ended. Nobody goes on who finds the first of them.

What only sets something in a watched session goes between two looks at its settings. All
else may be run again, and is noted with the statement behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.script_message import Moment, Own, ScriptMessage
from hook.core.execution.sqlstate import ServerMessage, may_pass
from hook.core.sessions.lock_key import migration_lock_key, work_mark_key
from hook.core.sql.stepwise import (
    is_held,
    is_noted_around,
    is_of_session,
    is_watched,
    leaves_in_session,
)
from hook.core.sql.summary import summarize
from hook.errors import DatabaseUnreachable, DeadlineExceeded, HookError, Interrupted

if TYPE_CHECKING:
    from hook.core.execution.attempt import ApplyTask
    from hook.core.execution.script_program import Program
    from hook.core.execution.step_note import StepNote
    from hook.core.sql.statement_list import Statement, StatementList
    from hook.engines.flyway.sending import Sender

_BEGIN = Own(Moment.OPENING, "BEGIN")
_COMMIT = Own(Moment.COMMIT, "COMMIT")
# What deferred triggers leave in the session is there when that is looked at.
_DEFERRED = Own(Moment.COMMIT, "SET CONSTRAINTS ALL IMMEDIATE")
_AROUND = frozenset({Moment.OPENING, Moment.NOTING})
# A function may call what commits, or refuses a transaction block as VACUUM does.
_REFUSES_BLOCK = frozenset({"25001", "2D000"})
# They have to be the first of a transaction, or end with it, and change nothing behind it.
_OF_TRANSACTION = frozenset(
    {
        "CONSTRAINTS", "LOCAL", "TRANSACTION", "TRANSACTION_DEFERRABLE", "TRANSACTION_ISOLATION",
    }
)  # fmt: skip
_SETTING_WORDS = 3
_NOT_READ = "functions, which could not be looked at,"


@dataclass(slots=True)
class Noting:
    """The notes of one attempt.

    Attributes:
        note: See `ApplyTask.note`, none once the ledger cannot be written either.
        is_watched: The script may leave something in the session.
        unseen: What may keep something there that the server does not tell.
        mark: Key of the lock that our own backend holds.
        whole: Index of the step last sent that is in one transaction with its note.
    """

    sender: Sender
    program: Program
    task: ApplyTask
    note: StepNote | None = field(init=False)
    is_watched: bool = field(init=False)
    unseen: tuple[str, ...] = ()
    mark: int = field(init=False)
    whole: int | None = None

    def __post_init__(self) -> None:
        # What has begun without a note cannot be noted any more.
        is_noted = not self.task.done or self.task.settled is not None
        self.note = self.task.note if is_noted else None
        self.is_watched = self.note is not None and is_watched(self.program.script)
        history = self.task.history
        self.mark = work_mark_key(migration_lock_key(history.schema, history.table))

    def look_around(self) -> None:
        """Find out what may keep something in the session that nobody can ask for.

        Where that cannot be found out either, all of it may.

        Raises:
            HookError: A stop was requested, or the connection is lost.
        """
        if self.note is None or not self.is_watched:
            return
        session = self.sender.session
        try:
            # To tell the text of a function may take a lock on what it reads.
            session.execute(f"SET lock_timeout = {self.sender.limits.lock_timeout_ms}")
            rows = session.fetch(self.note.look.unseen)
        except (Interrupted, DeadlineExceeded, DatabaseUnreachable):
            raise
        except HookError:
            rows = [(_NOT_READ,)]
        self.unseen = tuple(f"what {name} may keep" for (name,) in rows)

    def begin(self, done: int, *, found: bool) -> Attempt:
        """Note how far the script is, or see that this cannot be noted."""
        if self.note is None:
            return self.sender.end(AttemptEnd.APPLIED)
        ahead = (Own(Moment.NOTING, self.note.look.beginning),) if self.is_watched else ()
        attempt = self._send((*ahead, self._own(self.note, done, found=found)))
        is_refused = attempt.end is AttemptEnd.FAILED and self.task.settled is None
        if not is_refused or attempt.failure is None or may_pass(attempt.failure):
            return attempt
        self.note = None
        why = f"how far the script comes cannot be noted: {attempt.failure.message}"
        self.sender.notices.append(ServerMessage("WARNING", attempt.failure.sqlstate, why))
        return self.sender.end(AttemptEnd.APPLIED)

    def write(self, done: int, *, found: bool) -> Attempt:
        """Note how far the script is, if anything is noted."""
        if self.note is None:
            return self.sender.end(AttemptEnd.APPLIED)
        return self._send((self._own(self.note, done, found=found),))

    def knows(self, statement: Statement) -> bool:
        """Tell whether *statement* is sent by `send`."""
        is_setting = self.is_watched and is_of_session(statement)
        return self.note is not None and (
            is_held(statement) or is_noted_around(statement) or is_setting
        )

    def send(self, index: int, one: StatementList, done: int) -> Attempt:
        """Send the single statement *one*, of the step *index*, with what is noted of it.

        Args:
            index: Of its step.
            one: The statement, see `knows`.
            done: How many are settled in front of it.
        """
        note = self.note
        assert note is not None  # noqa: S101 - see `knows`
        if is_of_session(one[0]):
            return self._send_setting(one, note)
        if is_noted_around(one[0]):
            return self._send_around(index, one, done, note)
        self.whole = index
        if self.is_watched:
            return self._send_watched(index, one, done, note)
        return self._send_together(index, one, note)

    def _send_together(self, index: int, one: StatementList, note: StepNote) -> Attempt:
        ahead = (_BEGIN, Own(Moment.NOTING, note.setting(index + 1)))
        return _as_its_own(self.sender.send(ScriptMessage(one, ahead, (_COMMIT,))), one[0])

    def _send_watched(self, index: int, one: StatementList, done: int, note: StepNote) -> Attempt:
        writing, correcting = note.looking(index + 1, self._told(index + 1), self.mark)
        behind = (_DEFERRED, Own(Moment.NOTING, writing), _COMMIT, Own(Moment.NOTED, correcting))
        attempt = self.sender.send(ScriptMessage(one, (_BEGIN,), behind))
        if attempt.place.moment is Moment.NOTED:
            # It is committed; what is to be corrected makes the next run more careful than need be.
            return self.sender.end(AttemptEnd.APPLIED)
        if not _goes_alone(attempt):
            return _as_its_own(attempt, one[0])
        self.sender.roll_back()
        self.whole = None
        return self._send_around(index, one, done, note)

    def _send_around(self, index: int, one: StatementList, done: int, note: StepNote) -> Attempt:
        under_way = f"how far line {one[0].line} came"
        attempt = self._send((self._own(note, done, under_way),))
        if attempt.end is not AttemptEnd.APPLIED:
            return attempt
        attempt = self.sender.send(ScriptMessage(one))
        if attempt.end is not AttemptEnd.APPLIED:
            return attempt
        behind = ScriptMessage(self._nothing, (self._own(note, index + 1),))
        noted = self.sender.send_shielded(behind)
        if noted.end not in {AttemptEnd.APPLIED, AttemptEnd.LOST}:
            self.sender.roll_back()
            self.note = None  # which keeps saying that nobody knows
        return attempt

    def _send_setting(self, one: StatementList, note: StepNote) -> Attempt:
        """Send what each session of the script is told, which is no reason not to go on."""
        is_of_transaction = not _OF_TRANSACTION.isdisjoint(one[0].words(_SETTING_WORDS))
        if one[0].head == "SHOW" or is_of_transaction:
            return self.sender.send(ScriptMessage(one))
        before, after = (Own(Moment.NOTING, sql) for sql in (note.look.before, note.look.after))
        return self.sender.send(ScriptMessage(one, (before,), (after,)))

    def _own(self, note: StepNote, done: int, *more: str, found: bool = False) -> Own:
        if not self.is_watched:
            return Own(Moment.NOTING, note.setting(done, found=found))
        told = (*more, *self._told(done))
        return Own(Moment.NOTING, note.looking(done, told, self.mark, found=found)[0])

    def _told(self, done: int) -> tuple[str, ...]:
        """Return what may be kept unseen behind *done* statements."""
        ran = (self.program.statement(index) for index in range(done if self.unseen else 0))
        return self.unseen if any(map(leaves_in_session, ran)) else ()

    def _send(self, notes: tuple[Own, ...]) -> Attempt:
        return self.sender.send(ScriptMessage(self._nothing, notes))

    @property
    def _nothing(self) -> StatementList:
        return self.program.script[:0]


def _goes_alone(attempt: Attempt) -> bool:
    """Tell whether it was the transaction around the statement that failed, which changed nothing.

    A function may have left another role, which may not write to the ledger.
    """
    if attempt.end is not AttemptEnd.FAILED or attempt.failure is None or may_pass(attempt.failure):
        return False
    return attempt.place.moment is Moment.NOTING or attempt.failure.sqlstate in _REFUSES_BLOCK


def _as_its_own(attempt: Attempt, statement: Statement) -> Attempt:
    """Return *attempt*; without the transaction it would be *statement* that ends it.

    So it is at the COMMIT, and where the answer to all of the message is lost.
    """
    moment, is_lost = attempt.place.moment, attempt.end is AttemptEnd.LOST
    if moment is not Moment.COMMIT and not (is_lost and moment in _AROUND):
        return attempt
    place = Place(Moment.SCRIPT, statement.line, summarize(statement))
    return replace(attempt, place=place)
