"""Send SQL as one message and follow the server through it, statement by statement.

The simple query protocol runs the statements of one message in order and stops at the
first error; each finished statement is one result.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic

from hook.core.execution.sqlstate import ServerMessage
from hook.postgres.link import Exchange, Link, NoAnswer, message_of
from hook.postgres.patience import Patience, Wake
from hook.postgres.result_rows import ResultRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import Buffer
    from psycopg.pq.abc import PGconn, PGresult

    from hook.core.execution.query_result import QueryResult

_COPY_CHUNK = 65_536
_NOTICES_KEPT = 100
_FINISHED = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
_NO_COPY_DATA = b"the script has no data for this COPY"
_STOPPED = b"a stop was requested"
# libpq takes the message as a C string: it would silently run what precedes a NUL.
_HAS_NUL = ServerMessage("ERROR", "22021", 'invalid byte sequence for encoding "UTF8": 0x00')


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """How far the server came with one message.

    Attributes:
        completed: Statements that finished, which is also the 0-based index of the
            one that did not. An error found while parsing (``failure.position`` set,
            nothing completed) may lie in any statement: all are parsed before the
            first one runs.
        failure: The first error, none when there was none or no answer.
        notices: The first hundred notices and warnings.
        notices_dropped: How many more there were.
        results: The first rows of the first results that were to be kept.
        results_dropped: How many more results there were.
        is_lost: The connection is gone; what was not answered may or may not have
            happened.
        is_interrupted: A stop was requested and the statement cancelled. It may
            have finished all the same: *completed* tells.
        is_timed_out: The limit given for the message passed, with the same consequence.
    """

    completed: int
    failure: ServerMessage | None = None
    notices: tuple[ServerMessage, ...] = ()
    notices_dropped: int = 0
    results: tuple[QueryResult, ...] = ()
    results_dropped: int = 0
    is_lost: bool = False
    is_interrupted: bool = False
    is_timed_out: bool = False


def run_script(
    link: Link,
    message: bytes,
    copies: Sequence[Buffer],
    patience: Patience,
    shown: range = range(0),
) -> ScriptOutcome:
    """Run *message* to its end, feeding *copies* in the order of their COPY statements.

    The data of a COPY is UTF-8, without the end mark, and is sent piece by piece.

    Rows are read one by one and dropped, but for the first of the statements *shown*.
    Errors of the server are part of the outcome, never raised.
    """
    if b"\0" in message:
        return ScriptOutcome(0, _HAS_NUL)
    run = _ScriptRun(link, copies, patience, shown)
    link.add_notice_handler(run.keep_notice)
    try:
        run.follow(message)
    except (psycopg.OperationalError, NoAnswer):
        pass  # the connection is closed, which the outcome tells
    finally:
        link.remove_notice_handler(run.keep_notice)
    return run.outcome()


class _ScriptRun:
    """The state of one message under way."""

    def __init__(
        self, link: Link, copies: Sequence[Buffer], patience: Patience, shown: range
    ) -> None:
        self._link = link
        self._pgconn: PGconn = link.pgconn
        self._exchange = Exchange(link, patience)
        self._copies = iter(copies)
        self._completed = 0
        self._failure: ServerMessage | None = None
        self._complaint: ServerMessage | None = None
        self._notices: list[ServerMessage] = []
        self._notices_dropped = 0
        self._results = ResultRows(shown)

    def keep_notice(self, diagnostic: Diagnostic) -> None:
        """Keep a notice, within bounds: a loop may raise millions."""
        if len(self._notices) < _NOTICES_KEPT:
            self._notices.append(message_of(diagnostic))
        else:
            self._notices_dropped += 1

    def outcome(self) -> ScriptOutcome:
        """Return what has happened so far."""
        stopped = self._exchange.stopped
        is_lost = bool(self._pgconn.status == pq.ConnStatus.BAD)
        return ScriptOutcome(
            self._completed,
            self._failure or (None if is_lost else self._complaint),
            tuple(self._notices),
            self._notices_dropped,
            tuple(self._results.kept),
            self._results.dropped,
            is_lost=is_lost,
            is_interrupted=stopped is Wake.INTERRUPT,
            is_timed_out=stopped is Wake.LIMIT,
        )

    def follow(self, message: bytes) -> None:
        """Send *message* and take every result.

        Raises:
            psycopg.OperationalError: The connection was lost.
            NoAnswer: The server did not answer the cancel either.
        """
        self._pgconn.send_query(message)
        self._pgconn.set_single_row_mode()
        self._flush()
        while (result := self._next_result()) is not None:
            self._take(result)

    def _take(self, result: PGresult) -> None:
        if result.status == pq.ExecStatus.SINGLE_TUPLE:
            self._results.add_row(result, self._completed)
        elif result.status in _FINISHED:
            if result.status == pq.ExecStatus.TUPLES_OK:
                self._results.end(result, self._completed)
            self._completed += 1
        elif result.status == pq.ExecStatus.COPY_IN:
            self._feed()
        elif result.status == pq.ExecStatus.COPY_OUT:
            self._drop_rows()
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            self._take_error(result)

    def _take_error(self, result: PGresult) -> None:
        failure = message_of(Diagnostic(result, "utf-8"))
        if failure.sqlstate:
            self._failure = self._failure or failure
        else:  # from libpq itself, nearly always because the peer hung up
            text = result.get_error_message()
            self._complaint = failure._replace(severity="ERROR", message=text)

    def _next_result(self) -> PGresult | None:
        try:
            while self._pgconn.is_busy():
                self._read()
        except psycopg.OperationalError:
            # The last words of the server, such as 57P01, arrived before it hung up.
            return self._pgconn.get_result()
        while self._pgconn.notifies():
            pass  # LISTEN in a script: nobody reads them, and they would pile up
        return self._pgconn.get_result()

    def _read(self) -> None:
        self._exchange.until_ready(reading=True, writing=False)
        self._pgconn.consume_input()

    def _flush(self) -> None:
        """Send what is buffered; read meanwhile, or both sides would wait for the other."""
        while self._pgconn.flush():
            self._exchange.until_ready(reading=True, writing=True)
            self._pgconn.consume_input()

    def _feed(self) -> None:
        copy = next(self._copies, None)
        if copy is None:
            self._end_copy(_NO_COPY_DATA)
            return
        data = memoryview(copy)
        for start in range(0, len(data), _COPY_CHUNK):
            if self._exchange.stopped is not None:
                self._end_copy(_STOPPED)
                return
            while self._pgconn.put_copy_data(data[start : start + _COPY_CHUNK]) == 0:
                self._exchange.until_ready(reading=False, writing=True)
            self._flush()
        self._end_copy(None)

    def _end_copy(self, error: bytes | None) -> None:
        while self._pgconn.put_copy_end(error) == 0:
            self._exchange.until_ready(reading=False, writing=True)
        self._flush()

    def _drop_rows(self) -> None:
        """Read the rows of a ``COPY … TO STDOUT`` to their end; nobody wants them."""
        while (size := self._pgconn.get_copy_data(1)[0]) >= 0:
            if size == 0:
                self._read()
