"""Runs scripts once, together with their rows in the schema history.

A transactional script goes to the server with its history row and the COMMIT, in one
message unless it is long, so that neither can exist without the other; of several in one
transaction the last one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.attempt import Attempt, AttemptEnd, Limits, Place
from hook.core.execution.script_message import Moment, Own, ScriptMessage
from hook.core.execution.statement_stream import Sendable
from hook.core.sql.statement_list import StatementList
from hook.engines.flyway.history_row import NewRow, render_check, render_insert
from hook.engines.flyway.sending import CLEANUP_SECONDS, Sender

if TYPE_CHECKING:
    from hook.core.execution.callback_book import EachCallbacks
    from hook.core.execution.step_note import StepNote
    from hook.postgres.session import Session

_PROBES = (
    "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"
)  # fmt: skip
_NO_PATH = frozenset({"", '""'})


class Writing(NamedTuple):
    """The session state between scripts, and the rows that tell how one ended.

    Attributes:
        session_state: Statements that bring any session into the same state, so
            that nothing a script has SET leaks into the next one.
        history: Quoted name of the schema history.
        row: For success; the server measures the time since BEGIN.
    """

    session_state: tuple[str, ...]
    history: str
    row: NewRow

    def row_of(self, attempt: Attempt) -> NewRow:
        """Return the row for *attempt*, which has ended, with its duration."""
        success = attempt.end is AttemptEnd.APPLIED
        took = attempt.duration_ms + self.row.preceding_ms
        return self.row._replace(success=success, execution_time=took)

    def recording(self, lock_timeout_ms: int, row: NewRow) -> tuple[Own, ...]:
        """Return what writes *row* in the transaction that is open.

        A script may have left another role without rights on the history, another
        search path, or a time limit of a millisecond.
        """
        return (*_before_row(self.session_state, lock_timeout_ms), *self._write(row))

    def recording_alone(self, row: NewRow) -> tuple[tuple[Own, ...], ...]:
        """Return the messages that write *row* when no transaction is open.

        A script may have made all transactions read-only; that ends with the first one.
        """
        return (
            tuple(own(Moment.RECORDING, self.session_state)),
            (Own(Moment.RECORDING, "SET LOCAL lock_timeout = 0"), *self._write(row)),
        )

    def _write(self, row: NewRow) -> tuple[Own, Own]:
        return (
            Own(Moment.RECORDING, render_insert(self.history, row)),
            Own(Moment.CONFIRMING, render_check(self.history, row)),
        )


def record_alone(
    session: Session, writing: Writing, attempt: Attempt, note: StepNote | None
) -> bool:
    """Write the row of *attempt* when no transaction is open; return whether it is there.

    Beside a failed row the *note* of the script is void, or it would be gone on with behind
    what somebody undoes. Where that cannot be written, the row is all the same.
    """
    shielded = session.shielded(CLEANUP_SECONDS)

    def is_done(message: Iterable[Own]) -> bool:
        outcome = shielded.run(";\n".join(item.sql for item in message))
        return outcome.failure is None and not outcome.is_lost

    state, row = writing.recording_alone(writing.row_of(attempt))
    if not is_done(state):
        return False
    if note is None or attempt.end is AttemptEnd.APPLIED:
        return is_done(row)
    return is_done((*row, Own(Moment.NOTING, note.forgetting))) or is_done(row)


@lru_cache(maxsize=1)  # the same for nearly all scripts
def _before_row(session_state: tuple[str, ...], lock_timeout_ms: int) -> tuple[Own, ...]:
    limit = f"SET LOCAL lock_timeout = {lock_timeout_ms}"
    return tuple(own(Moment.RECORDING, (*session_state, limit)))


def own(moment: Moment, statements: Iterable[str]) -> Iterator[Own]:
    """Yield *statements* as those of presync's own at *moment*."""
    return (Own(moment, sql) for sql in statements)


class Part(NamedTuple):
    """A script of those that run in one transaction, with the callbacks around it if any."""

    statements: StatementList
    writing: Writing
    each: EachCallbacks | None = None


def apply_in_transaction(sender: Sender, parts: Iterable[Part], count: int) -> Attempt:
    """Run *count* scripts and their history rows in one transaction; all stay, or nothing.

    The session must be in its state between scripts, and is so again afterwards: a
    rollback takes back what the scripts have SET as well.

    Args:
        sender: The conversation with the server.
        parts: The scripts in running order, read one by one.
        count: How many they are.
    """
    ended: list[int] = []
    try:
        for at, part in enumerate(parts):
            attempt = _send_part(sender, part, is_first=at == 0, is_last=at == count - 1)
            if attempt.end is not AttemptEnd.APPLIED:
                return replace(_within(attempt, at), script_ends_ms=tuple(ended))
            ended.append(attempt.duration_ms)
            # Whoever still knows this one does not need its text: the next one needs the room.
            part.statements.source.release()
        return sender.end(AttemptEnd.APPLIED, script_ends_ms=tuple(ended))
    finally:
        # Nothing is open after the COMMIT.
        sender.roll_back()


def _send_part(sender: Sender, part: Part, *, is_first: bool, is_last: bool) -> Attempt:
    before = (*(_BEGIN if is_first else ()), *_limits(sender))
    after = (_closing if is_last else _recording)(sender.limits, part.writing)
    if part.each is not None:
        return _send_with_callbacks(sender, part.statements, part.each, (before, after))
    return send_all(sender, sender.compose(part.statements, before, after))


def _send_with_callbacks(
    sender: Sender,
    statements: StatementList,
    each: EachCallbacks,
    around: tuple[tuple[Own, ...], tuple[Own, ...]],
) -> Attempt:
    """Send a script and its callbacks within the transaction that is open, or is opened.

    In as many messages as there are changes from one file to the other.

    Args:
        sender: The conversation with the server.
        statements: The script.
        each: Its callbacks.
        around: What is sent in front of it all, and behind.
    """
    from hook.core.execution.script_program import steps_in_transaction  # noqa: PLC0415 - rarely needed

    before, after = around
    nothing = statements[:0]
    attempt = send_all(sender, (ScriptMessage(nothing, before),))
    for step in steps_in_transaction(statements, each):
        if attempt.end is AttemptEnd.APPLIED:
            messages = sender.compose(step.statements)
            attempt = send_all(sender, messages, already=1).in_callback(step.callback)
    if attempt.end is AttemptEnd.APPLIED:
        attempt = send_all(sender, (ScriptMessage(nothing, (), after),), already=1)
    return attempt


def send_all(sender: Sender, messages: Iterable[Sendable], already: int = 0) -> Attempt:
    """Send *messages* until one fails; *already* so many were sent in the same transaction."""
    attempt: Attempt | None = None
    for number, message in enumerate(messages, already):
        attempt = sender.send(message)
        if attempt.end is not AttemptEnd.APPLIED:
            return _begun(attempt, message) if number else attempt
    return attempt or sender.end(AttemptEnd.APPLIED)


def _begun(attempt: Attempt, later: Sendable) -> Attempt:
    """Return *attempt*, which ended with or in front of a *later* message than the first."""
    if attempt.place.moment is not Moment.UNSENT:
        return attempt
    found = later.find(0, None)
    return replace(attempt, place=Place(found.moment, found.line))


_BEGIN = (Own(Moment.OPENING, "BEGIN"),)


def opening(sender: Sender) -> tuple[Own, ...]:
    """Return what begins a transaction of scripts."""
    return (*_BEGIN, *_limits(sender))


def _limits(sender: Sender) -> tuple[Own, ...]:
    """Return how long may be waited: for locks, for the script, and for us between two messages.

    A node that vanishes in front of a second message, or amid the data of a COPY, would else
    leave its locks in force for the two hours after which the server looks for it.
    """
    lock, statement = sender.limits.lock_timeout_ms, sender.limits.statement_timeout_ms
    return _local_limits(lock, statement, sender.session.peer.keepalives)


@lru_cache(maxsize=1)  # the same for nearly all scripts
def _local_limits(lock_ms: int, statement_ms: int, keepalives: tuple[str, ...]) -> tuple[Own, ...]:
    names = ("lock_timeout", "statement_timeout", *_PROBES)
    limits = map("SET LOCAL {} = {}".format, names, (lock_ms, statement_ms, *keepalives))
    return tuple(own(Moment.OPENING, limits))


def _recording(limits: Limits, writing: Writing) -> tuple[Own, ...]:
    return writing.recording(limits.lock_timeout_ms, writing.row)


def _closing(limits: Limits, writing: Writing) -> tuple[Own, ...]:
    return (
        # Deferred triggers run while role and search path are still the script's own.
        Own(Moment.COMMIT, "SET CONSTRAINTS ALL IMMEDIATE"),
        *_recording(limits, writing),
        Own(Moment.COMMIT, "COMMIT"),
    )


def _within(attempt: Attempt, at: int) -> Attempt:
    """Return *attempt* as one that ended in script *at* of its transaction."""
    if at and attempt.place.moment is Moment.UNSENT:
        # Of this script nothing was sent, of the transaction much was.
        return replace(attempt, at=at, place=Place(Moment.OPENING))
    return replace(attempt, at=at)
