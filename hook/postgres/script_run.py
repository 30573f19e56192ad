"""Send SQL as one message and follow the server through it, statement by statement.

The simple query protocol runs the statements of one message in order and stops at the
first error; each finished statement is one result.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from hook.core.execution.sqlstate import ServerMessage
from hook.postgres.link import Exchange, Link
from hook.postgres.patience import Patience
from hook.postgres.script_record import ScriptOutcome, ScriptRecord, follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import Buffer
    from psycopg.pq.abc import PGconn, PGresult

_COPY_CHUNK = 65_536
_COPY_IN, _COPY_OUT = pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT
_NO_COPY_DATA = b"the script has no data for this COPY"
_STOPPED = b"a stop was requested"
# libpq takes the message as a C string: it would silently run what precedes a NUL.
_HAS_NUL = ServerMessage("ERROR", "22021", 'invalid byte sequence for encoding "UTF8": 0x00')


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

    def work(exchange: Exchange, record: ScriptRecord) -> None:
        _ScriptRun(link.pgconn, exchange, copies, record).follow(message)

    return follow(link, patience, shown, work)


class _ScriptRun:
    """The state of one message under way."""

    def __init__(
        self, pgconn: PGconn, exchange: Exchange, copies: Sequence[Buffer], record: ScriptRecord
    ) -> None:
        self._pgconn = pgconn
        self._exchange = exchange
        self._copies = iter(copies)
        self._record = record

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
            status = result.status
            if status == _COPY_IN:
                self._feed()
            elif status == _COPY_OUT:
                self._drop_rows()
            else:
                self._record.take(result)

    def _next_result(self) -> PGresult | None:
        if self._pgconn.is_busy():
            self._await_result()
        return self._pgconn.get_result()

    def _await_result(self) -> None:
        # The last words of the server, such as 57P01, may arrive before it hangs up.
        with contextlib.suppress(psycopg.OperationalError):
            while self._pgconn.is_busy():
                self._read()

    def _read(self) -> None:
        self._exchange.until_ready(reading=True, writing=False)
        self._pgconn.consume_input()
        while self._pgconn.notifies():
            pass  # LISTEN in a script: nobody reads them, and they would pile up

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
