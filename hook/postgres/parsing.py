"""Let the server parse SQL without running it: Parse messages of the extended protocol.

A text is parsed when its Parse message arrives; it would run only with a Bind and an
Execute behind it. The messages are pipelined, each followed by its own Sync, so that
many texts cost one round trip and an error in one leaves the others alone.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic, error_from_result

from hook.core.execution.sqlstate import ServerMessage, is_about_server
from hook.postgres.link import Exchange, Link, message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGconn, PGresult

# The unnamed statement: each Parse replaces the last, and nothing is left behind.
_UNNAMED = b""


def parse_texts(link: Link, texts: Sequence[bytes]) -> tuple[ServerMessage | None, ...]:
    """Return the error of each of *texts*, none where the server had none.

    Raises:
        psycopg.Error: The connection is lost, or an error is not about a text.
        NoAnswer: The server hangs.
    """
    results = _Parsing(link).follow(texts)
    failed = (result for result in results if result.status == pq.ExecStatus.FATAL_ERROR)
    for result in failed:
        error = error_from_result(result, encoding="utf-8")
        if error.sqlstate is None or is_about_server(message_of(error.diag)):
            raise error
    return tuple(_failure(result) for result in results)


def _failure(result: PGresult) -> ServerMessage | None:
    if result.status == pq.ExecStatus.COMMAND_OK:
        return None
    return message_of(Diagnostic(result, "utf-8"))


class _Parsing:
    """One pipeline of Parse messages."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._pgconn: PGconn = link.pgconn
        self._exchange = Exchange(link, link.patience)

    def follow(self, texts: Sequence[bytes]) -> list[PGresult]:
        """Return one result for each of *texts*; the pipeline is closed again."""
        self._pgconn.enter_pipeline_mode()
        try:
            for text in texts:
                self._pgconn.send_prepare(_UNNAMED, text)
                self._pgconn.pipeline_sync()
            self._flush()
            results = [self._next_answer() for _ in texts]
        finally:
            self._link.stopped = self._exchange.stopped
        self._pgconn.exit_pipeline_mode()
        return results

    def _flush(self) -> None:
        """Send what is buffered; read meanwhile, or both sides would wait for the other."""
        while self._pgconn.flush():
            self._exchange.until_ready(reading=True, writing=True)
            self._pgconn.consume_input()

    def _next_answer(self) -> PGresult:
        """Return the next result; what libpq puts behind it is taken too."""
        result = self._next_result()
        if result is None:
            raise psycopg.OperationalError("the server's answer ended early")
        self._next_result()  # nothing, which ends the results of one message
        self._next_result()  # the answer to Sync
        return result

    def _next_result(self) -> PGresult | None:
        while self._pgconn.is_busy():
            self._exchange.until_ready(reading=True, writing=False)
            self._pgconn.consume_input()
        return self._pgconn.get_result()
