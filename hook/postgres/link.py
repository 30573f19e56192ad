"""A psycopg connection whose waits end when a stop is requested."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import psycopg
from psycopg import pq
from psycopg.rows import TupleRow
from psycopg.waiting import Ready
from psycopg.waiting import Wait as Direction

from hook.core.execution.sqlstate import ServerMessage
from hook.postgres.patience import Patience, Wait, Wake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.abc import PQGen
    from psycopg.errors import Diagnostic

_KEEPALIVES = (
    b"keepalives_idle", b"keepalives_interval", b"keepalives_count", b"tcp_user_timeout"
)  # fmt: skip
_CANCEL_SECONDS = 2.0
_EFFECT_SECONDS = 0.5
_GRACE_SECONDS = 4.0
_PARTING_SECONDS = 3.0

T = TypeVar("T")


class NoAnswer(Exception):
    """The server answered neither the question nor the request to cancel it."""


class Peer(NamedTuple):
    """The other end of a session, known for good once the login is done.

    Attributes:
        name: The target and the purpose, for messages.
        pid: Of the backend, as the login told it; a pooler tells its own.
        host: The host name or socket folder that was dialled.
        keepalives: How it is found out that the other end vanished: seconds of silence before
            a first probe, seconds between them, how many, and the milliseconds that what was
            sent may go without an answer; ``0`` is the system's default.
    """

    name: str
    pid: int
    host: str
    port: int
    keepalives: tuple[str, ...]


class Query(NamedTuple):
    """A read, or a call for its effect; ``%s`` in *text* are bound to *parameters*."""

    text: str
    parameters: Sequence[object]


class Link(psycopg.Connection[TupleRow]):
    """The connection below a session; psycopg's own waiting is replaced.

    `psycopg.Connection.wait` only looks for Python-level exceptions ten times a
    second, and a stop request is none.

    Attributes:
        patience: How long, and for what, is waited.
        stopped: What ended the last wait early, none when nothing did.
        parting: What the server is asked for in the end, see `Session.ask_at_close`.
    """

    patience = Patience()
    stopped: Wake | None = None
    parting: Query | None = None

    def keepalives(self) -> tuple[str, ...]:
        """Return the settings of `Peer.keepalives` that the connection was made with."""
        used = {option.keyword: option.val or b"0" for option in self.pgconn.info}
        # libpq takes a negative number for none.
        return tuple(str(max(0, int(used[name]))) for name in _KEEPALIVES)

    def wait(
        self,
        gen: PQGen[T],
        interval: float = 0.0,  # noqa: ARG002 - psycopg's signature
        timeout: float | None = None,
    ) -> T:
        """Drive *gen* to its end; a stop or the limit cancels the statement.

        Raises:
            NoAnswer: The server answered neither the statement nor the cancel.
            psycopg.Error: What *gen* raised.
        """
        exchange = Exchange(self, self.patience.at_most(timeout))
        try:
            wanted = next(gen)
            while True:
                exchange.until_ready(
                    reading=bool(wanted & Direction.R), writing=bool(wanted & Direction.W)
                )
                # To be told that a direction is ready which is not costs one empty read.
                wanted = gen.send(Ready(wanted))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            self.stopped = exchange.stopped


def take_leave(link: Link) -> None:
    """Ask what is to be asked in the end, and close *link*.

    Not amid a transaction: a backend whose client leaves it there is ended by a pool, too.
    """
    parting, link.parting = link.parting, None
    if parting is not None and link.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        link.patience = Patience(seconds=_PARTING_SECONDS, is_graceful=False)
        # Without an answer the connection is lost, and what was asked for moot.
        with contextlib.suppress(psycopg.Error, NoAnswer):
            link.execute(parting.text.encode(), tuple(parting.parameters))
    link.close()


def read_only(link: Link, read: Callable[[], T]) -> T:
    """Return what *read* returns; a statement of it that would write fails.

    It is no setting of the session, which behind a pooler somebody else would inherit.

    Raises:
        psycopg.Error: What *read* raises.
    """
    link.execute(b"BEGIN TRANSACTION READ ONLY")
    try:
        return read()
    finally:
        with contextlib.suppress(psycopg.Error):
            link.execute(b"ROLLBACK")


class Exchange:
    """One message to the server and the wait for its whole answer."""

    def __init__(self, link: Link, patience: Patience) -> None:
        """Begin to wait now."""
        self._link = link
        self._is_graceful = patience.is_graceful
        self._wait = Wait(patience)
        self._gives_up_at = math.inf
        self.stopped: Wake | None = None

    def until_ready(self, *, reading: bool, writing: bool) -> None:
        """Wait for the socket; when anything else comes first, cancel and wait on.

        The answer to the cancel is awaited, because until then nobody knows whether
        the statement, or the COMMIT, has happened.

        Raises:
            NoAnswer: There was none, not even to the cancel. The connection is closed.
            psycopg.OperationalError: The connection is already closed.
        """
        while True:
            wake = self._wait.until_ready(
                self._link.pgconn.socket, reading=reading, writing=writing
            )
            if wake is Wake.SOCKET:
                return
            self._end_early(wake)

    def look(self) -> None:
        """Cancel if anything has come by now that ends the wait early; do not wait.

        For whoever has so much to send and to read that there is never a wait.

        Raises:
            NoAnswer: The connection is closed.
        """
        wake = self._wait.look()
        if wake is not None:
            self._end_early(wake)

    def _end_early(self, wake: Wake) -> None:
        is_over = self.stopped is not None and time.monotonic() >= self._gives_up_at
        if is_over or not self._is_graceful:
            self.stopped = self.stopped or wake
            self._link.pgconn.finish()
            raise NoAnswer
        # A cancel that fails is followed by the end of the grace.
        with contextlib.suppress(psycopg.Error):
            self._link.cancel_safe(timeout=_CANCEL_SECONDS)
        if self.stopped is None:
            self.stopped = wake
            self._gives_up_at = time.monotonic() + _GRACE_SECONDS
        # A server ignores a cancel while it reads what was sent, and so between two
        # statements that were sent one behind the other; then it takes another one.
        self._wait.give_up_after(_EFFECT_SECONDS)


def message_of(diagnostic: Diagnostic) -> ServerMessage:
    """Return *diagnostic* as a value."""
    position = diagnostic.statement_position
    return ServerMessage(
        severity=diagnostic.severity_nonlocalized or diagnostic.severity or "",
        sqlstate=diagnostic.sqlstate or "",
        message=diagnostic.message_primary or "",
        detail=diagnostic.message_detail or "",
        hint=diagnostic.message_hint or "",
        position=int(position) if position else None,
        context=diagnostic.context or "",
        schema=diagnostic.schema_name or "",
        table=diagnostic.table_name or "",
        constraint=diagnostic.constraint_name or "",
        function=diagnostic.source_function or "",
    )
