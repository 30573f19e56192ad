"""What the server says while it runs statements: results, notices, the first error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic

from hook.core.execution.sqlstate import ServerMessage
from hook.postgres.link import Exchange, Link, NoAnswer, message_of
from hook.postgres.patience import Patience, Wake
from hook.postgres.result_rows import ResultRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.pq.abc import PGresult

    from hook.core.execution.query_result import QueryResult

_NOTICES_KEPT = 100
_COMMAND_OK = pq.ExecStatus.COMMAND_OK
_ROW = pq.ExecStatus.SINGLE_TUPLE
_ROWS_END = pq.ExecStatus.TUPLES_OK


class ScriptOutcome(NamedTuple):
    """How far the server came with what was sent at once.

    Attributes:
        completed: Statements that finished, which is also the 0-based index of the
            one that did not. An error found while parsing a message (``failure.position``
            set, nothing completed) may lie in any statement: all are parsed before the
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
        is_timed_out: The limit given for it passed, with the same consequence.
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


class ScriptRecord:
    """What has happened so far of what was sent at once.

    Attributes:
        completed: Statements that finished.
        failure: The first error of the server, none when there was none.
        complaint: What libpq itself says, nearly always because the peer hung up.
    """

    def __init__(self, shown: range) -> None:
        """Keep the first rows of the statements *shown*, by index."""
        self.completed = 0
        self.failure: ServerMessage | None = None
        self.complaint: ServerMessage | None = None
        self._notices: list[ServerMessage] = []
        self._notices_dropped = 0
        self._results = ResultRows(shown)

    def keep_notice(self, diagnostic: Diagnostic) -> None:
        """Keep a notice, within bounds: a loop may raise millions."""
        if len(self._notices) < _NOTICES_KEPT:
            self._notices.append(message_of(diagnostic))
        else:
            self._notices_dropped += 1

    def take(self, result: PGresult) -> None:
        """Note what *result* says; rows are dropped unless they are shown."""
        status = result.status
        if status == _COMMAND_OK:
            self.completed += 1
        elif status == _ROW:
            self._results.add_row(result, self.completed)
        elif status == _ROWS_END:
            self._results.end(result, self.completed)
            self.completed += 1
        elif status == pq.ExecStatus.FATAL_ERROR:
            self._take_error(result)

    def _take_error(self, result: PGresult) -> None:
        failure = message_of(Diagnostic(result, "utf-8"))
        if failure.sqlstate:
            self.failure = self.failure or failure
        else:
            text = result.get_error_message()
            self.complaint = failure._replace(severity="ERROR", message=text)

    def outcome(self, *, is_lost: bool, stopped: Wake | None) -> ScriptOutcome:
        """Return it, *stopped* being what ended the wait early, if anything did."""
        return ScriptOutcome(
            self.completed,
            self.failure or (None if is_lost else self.complaint),
            tuple(self._notices),
            self._notices_dropped,
            tuple(self._results.kept),
            self._results.dropped,
            is_lost=is_lost,
            is_interrupted=stopped is Wake.INTERRUPT,
            is_timed_out=stopped is Wake.LIMIT,
        )


def follow(
    link: Link,
    patience: Patience,
    shown: range,
    work: Callable[[Exchange, ScriptRecord], None],
) -> ScriptOutcome:
    """Return what happens in *work*, be it that the connection is lost."""
    record = ScriptRecord(shown)
    exchange = Exchange(link, patience)
    link.add_notice_handler(record.keep_notice)
    try:
        work(exchange, record)
    except (psycopg.OperationalError, NoAnswer):
        pass  # the connection is closed, which the outcome tells
    finally:
        link.remove_notice_handler(record.keep_notice)
    is_lost = link.pgconn.status == pq.ConnStatus.BAD
    return record.outcome(is_lost=is_lost, stopped=exchange.stopped)
