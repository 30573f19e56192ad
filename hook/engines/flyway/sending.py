"""Sends what one attempt consists of, and understands the answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd, Limits, Place
from hook.core.execution.composition import compose_messages, compose_readable
from hook.core.execution.failure_line import failure_line
from hook.core.execution.heartbeat import Heartbeat, Pulse
from hook.core.execution.query_result import RESULTS_KEPT, QueryResult
from hook.core.execution.read_only import with_culprit
from hook.core.execution.script_message import Found, Moment, Own, ScriptMessage
from hook.core.execution.sqlstate import ServerMessage, is_refusal_to_write
from hook.core.execution.statement_stream import Sendable, StatementStream
from hook.core.execution.work import Underway
from hook.core.sql.client_encoding import SENT_IN
from hook.core.sql.summary import summarize
from hook.core.sql.utf8 import offset_behind
from hook.errors import HookError
from hook.postgres.write_state import fetch_write_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hook.core.sql.statement_list import Statement, StatementList
    from hook.postgres.script_record import ScriptOutcome
    from hook.postgres.session import Session

CLEANUP_SECONDS = 5.0
_NOTICES_KEPT = 100
_QUERY_CANCELED = "57014"
_FEATURE_NOT_SUPPORTED = "0A000"


@dataclass(slots=True)
class Sender:
    """One attempt's conversation with the server.

    Attributes:
        shows_results: What queries return is kept for the log.
        running: The statement under way, none when it is not known which one is.
    """

    session: Session
    limits: Limits
    pulse: Pulse
    shows_results: bool = False
    began: float = field(default_factory=time.monotonic)
    notices: list[ServerMessage] = field(default_factory=list)
    notices_dropped: int = 0
    results: list[QueryResult] = field(default_factory=list)
    results_dropped: int = 0
    running: Statement | None = None
    heartbeat: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        self.heartbeat = Heartbeat(self.pulse.every)
        self.heartbeat.is_due(self.began)  # a quick script says nothing

    def compose(
        self, statements: StatementList, before: tuple[Own, ...] = (), after: tuple[Own, ...] = ()
    ) -> Iterator[Sendable]:
        """Yield what to send of a script, between statements of ours."""
        is_read = self.session.dry_run is not None
        return (compose_readable if is_read else compose_messages)(statements, before, after)

    def send(self, message: Sendable) -> Attempt:
        """Run *message*; the attempt returned is the whole one so far."""
        if self.session.is_lost:
            return self.end(AttemptEnd.LOST)
        if message.statements and self._is_misread:
            return self._misread(message, 0)
        if not isinstance(message, StatementStream):
            return self._send_message(message)
        attempt = self._send_stream(message)
        # Of one that was set in the middle the server tells at the end, when it is at rest.
        if attempt.end is AttemptEnd.APPLIED and self._is_misread:
            return self._misread(message, message.count)
        return attempt

    @property
    def _encoding(self) -> str:
        return self.session.reported("client_encoding")

    @property
    def _is_misread(self) -> bool:
        return self._encoding not in {SENT_IN, ""}

    def _misread(self, message: Sendable, completed: int) -> Attempt:
        problem = f"client_encoding is {self._encoding}, but scripts are sent in {SENT_IN}"
        failure = ServerMessage("ERROR", _FEATURE_NOT_SUPPORTED, problem)
        return self.end(AttemptEnd.FAILED, self._place(message, completed, failure), failure)

    def _send_message(self, message: ScriptMessage) -> Attempt:
        data, copies = message.encode(), message.copies
        is_long = message.is_most_of_script
        # To tell of a long one it would have to be read again.
        is_known = len(message.statements) == 1 and not is_long
        self.running = message.statements[0] if is_known else None
        if is_long:
            copies = tuple(memoryview(bytes(copy)) for copy in copies)
            message.statements.source.release()
        outcome = self.session.run(
            data,
            copies,
            seconds=self._left(),
            on_wait=self._beat,
            shown=self._shown(message),
        )
        self._beat()
        return self._understand(message, outcome)

    def _send_stream(self, stream: StatementStream) -> Attempt:
        self.running = None
        outcome = self.session.stream(
            stream.texts(), seconds=self._left(), on_wait=self._beat, shown=self._shown(stream)
        )
        self._beat()
        if outcome.failure is not None:
            failure = stream.as_in_message(outcome.completed, outcome.failure)
            outcome = outcome._replace(failure=failure)
        return self._understand(stream, outcome)

    def send_shielded(self, message: ScriptMessage, seconds: float = CLEANUP_SECONDS) -> Attempt:
        """Run *message* within *seconds*, whatever stop request there is."""
        outcome = self.session.shielded(seconds).run(message.encode())
        return self._understand(message, outcome)

    def roll_back(self) -> None:
        """Roll back what is open."""
        if self.session.in_transaction and not self.session.is_lost:
            self.session.shielded(CLEANUP_SECONDS).run("ROLLBACK")

    def told_apart(self, attempt: Attempt) -> Attempt:
        """Return *attempt*, rolled back, as failed by the script if that made itself read-only.

        What nobody can tell counts as the server's doing.
        """
        failure = attempt.failure
        if failure is None or not is_refusal_to_write(failure) or self.session.is_lost:
            return attempt
        try:
            state = fetch_write_state(self.session.shielded(CLEANUP_SECONDS))
        except HookError:
            return attempt
        return with_culprit(attempt, state, self._elapsed() * 1000)

    def end(
        self,
        end: AttemptEnd,
        place: Place = Place(Moment.UNSENT),  # noqa: B008 - frozen
        failure: ServerMessage | None = None,
        script_ends_ms: tuple[int, ...] = (),
    ) -> Attempt:
        """Return the attempt as it has ended now."""
        return Attempt(
            end,
            round(self._elapsed() * 1000),
            place,
            failure,
            tuple(self.notices),
            self.notices_dropped,
            script_ends_ms=script_ends_ms,
            results=tuple(self.results),
            results_dropped=self.results_dropped,
        )

    def _shown(self, message: Sendable) -> range:
        first = len(message.before)
        return range(first, first + len(message.statements)) if self.shows_results else range(0)

    def _left(self) -> float:
        return max(0.0, self.limits.seconds - self._elapsed())

    def _elapsed(self) -> float:
        return time.monotonic() - self.began

    def _beat(self, _waited: float = 0.0) -> None:
        """Speak now and then, whether the script is one message or many."""
        if self.heartbeat.is_due(time.monotonic()):
            self.pulse.tell(Underway(self._elapsed(), *self._running()))

    def _running(self) -> tuple[int, str]:
        if self.running is None:
            return 0, ""
        return self.running.line, summarize(self.running)

    def _understand(self, message: Sendable, outcome: ScriptOutcome) -> Attempt:
        room = _NOTICES_KEPT - len(self.notices)
        self.notices += outcome.notices[:room]
        self.notices_dropped += len(outcome.notices[room:]) + outcome.notices_dropped
        self._keep_results(message, outcome)
        failure = outcome.failure
        if failure is None and outcome.completed >= message.count:
            # The COMMIT was answered; whatever came afterwards does not matter.
            return self.end(AttemptEnd.APPLIED)
        if failure is None and not outcome.is_lost:
            # Nothing was sent: the stop request was there first.
            return self.end(AttemptEnd.INTERRUPTED)
        place = self._place(message, outcome.completed, failure)
        return self.end(_end_of(outcome), place, failure)

    def _keep_results(self, message: Sendable, outcome: ScriptOutcome) -> None:
        room = RESULTS_KEPT - len(self.results)
        for result in outcome.results[:room]:
            statement = message.statements[result.index - len(message.before)]
            self.results.append(replace(result, statement=summarize(statement)))
        self.results_dropped += len(outcome.results[room:]) + outcome.results_dropped

    def _place(self, message: Sendable, completed: int, failure: ServerMessage | None) -> Place:
        found = message.find(completed, self._offset(message, completed, failure))
        return Place(found.moment, _line(found, failure), _head(found))

    def _offset(
        self, message: Sendable, completed: int, failure: ServerMessage | None
    ) -> int | None:
        """Return the byte that *failure* points at, if it points anywhere."""
        if failure is None or failure.position is None:
            return None
        if self.session.reported("server_encoding") == "SQL_ASCII":
            return failure.position - 1  # without an encoding the server counts bytes
        return offset_behind(message.sent_with(completed), failure.position - 1)


def _line(found: Found, failure: ServerMessage | None) -> int:
    if found.statement is None or failure is None or failure.position is not None:
        return found.line
    return failure_line(found.statement, failure)


def _head(found: Found) -> str:
    return "" if found.statement is None else summarize(found.statement)


def _end_of(outcome: ScriptOutcome) -> AttemptEnd:
    if outcome.is_lost:
        return AttemptEnd.LOST
    # Any other error would have come without the stop request too.
    is_cancelled = outcome.failure is not None and outcome.failure.sqlstate == _QUERY_CANCELED
    if is_cancelled and outcome.is_interrupted:
        return AttemptEnd.INTERRUPTED
    if is_cancelled and outcome.is_timed_out:
        return AttemptEnd.OUT_OF_TIME
    return AttemptEnd.FAILED
