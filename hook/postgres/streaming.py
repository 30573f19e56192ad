"""Send statements one behind the other without a wait in between, and follow the server.

Each is sent by the extended protocol, through libpq's pipeline mode: however many they are,
they cost one round trip, and the server holds one at a time, where it would keep all of a
message of the simple protocol that it has parsed. At the first error it skips the rest.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING

The answers are read while more is sent: both sides would else wait for the other once what
lies between them is full. libpq keeps a copy of each statement until it is answered, so no
more than a megabyte of them is under way; that takes the server longer than its answer travels.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import psycopg

from hook.core.execution.sqlstate import ServerMessage
from hook.postgres.link import Exchange, Link
from hook.postgres.script_record import ScriptOutcome, ScriptRecord, follow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg.pq.abc import PGconn

    from hook.postgres.patience import Patience

_CHUNK = 65_536
_UNDER_WAY = 1_000_000
# The server may have been between two statements when it was asked to cancel.
_CUT_SHORT = ServerMessage("ERROR", "57014", "canceled before the next statement was sent")


def run_stream(
    link: Link, texts: Iterable[bytes], patience: Patience, shown: range = range(0)
) -> ScriptOutcome:
    """Run *texts*, each one statement and no COPY that asks for data or sends any.

    They should run in a transaction block: what the first ones of them did would else be
    undone, or not, by rules that differ between servers.

    Rows are read one by one and dropped, but for the first of the statements *shown*.
    Errors of the server are part of the outcome, never raised; *texts* may raise.
    """

    def work(exchange: Exchange, record: ScriptRecord) -> None:
        _Stream(link.pgconn, exchange, record).follow(texts)

    return follow(link, patience, shown, work)


class _Stream:
    """The state of one pipeline."""

    def __init__(self, pgconn: PGconn, exchange: Exchange, record: ScriptRecord) -> None:
        self._pgconn = pgconn
        self._exchange = exchange
        self._record = record
        # The sizes of the statements that are under way.
        self._unanswered: deque[int] = deque()
        self._under_way = 0

    def follow(self, texts: Iterable[bytes]) -> None:
        """Send *texts* and take every result; the pipeline is closed again.

        Raises:
            psycopg.OperationalError: The connection was lost.
            NoAnswer: The server did not answer the cancel either.
        """
        self._pgconn.enter_pipeline_mode()
        try:
            try:
                self._send_all(texts)
            finally:
                self._close()
        except psycopg.OperationalError:
            self._take_last_words()
            raise

    def _send_all(self, texts: Iterable[bytes]) -> None:
        """Send *texts* until anything speaks against it."""
        size = 0
        for text in texts:
            if size >= _CHUNK:
                size = 0
                self._make_room()
            if self._exchange.stopped is not None:
                self._record.failure = self._record.failure or _CUT_SHORT
            if self._record.failure is not None:
                return
            self._send(text)
            size += len(text)

    def _send(self, text: bytes) -> None:
        self._pgconn.send_query_params(text, None)
        self._unanswered.append(len(text))
        self._under_way += len(text)
        if len(self._unanswered) == 1:
            self._pgconn.set_single_row_mode()

    def _make_room(self) -> None:
        """Send what is buffered, and wait until more may be under way."""
        self._exchange.look()
        # Else the server keeps its answers to itself until there are many.
        self._pgconn.send_flush_request()
        self._flush()
        while self._under_way > _UNDER_WAY and self._exchange.stopped is None:
            self._exchange.until_ready(reading=True, writing=False)
            self._take_arrived()

    def _flush(self) -> None:
        """Send what is buffered, and take what has arrived."""
        while self._pgconn.flush():
            self._exchange.until_ready(reading=True, writing=True)
            self._take_arrived()
        self._take_arrived()

    def _close(self) -> None:
        """Await the answers to all that was sent."""
        self._pgconn.pipeline_sync()
        self._flush()
        while self._unanswered:
            self._exchange.until_ready(reading=True, writing=False)
            self._take_arrived()
        while self._pgconn.is_busy():
            self._exchange.until_ready(reading=True, writing=False)
            self._pgconn.consume_input()
        self._pgconn.get_result()  # the answer to Sync
        self._pgconn.exit_pipeline_mode()

    def _take_arrived(self) -> None:
        self._pgconn.consume_input()
        while self._pgconn.notifies():
            pass  # LISTEN in a script: nobody reads them, and they would pile up
        while self._unanswered and not self._pgconn.is_busy():
            is_ended = self._takes_an_end()
            # Of what is skipped there are no rows.
            if is_ended and self._unanswered and self._record.failure is None:
                self._pgconn.set_single_row_mode()

    def _takes_an_end(self) -> bool:
        """Take the next result; tell whether it was the end of those of one statement."""
        result = self._pgconn.get_result()
        if result is not None:
            self._record.take(result)
            return False
        self._under_way -= self._unanswered.popleft()
        return True

    def _take_last_words(self) -> None:
        """Take what the server said, such as 57P01, before it hung up."""
        while self._unanswered and self._record.complaint is None:
            self._takes_an_end()
