"""Connections to PostgreSQL: reads that return rows, and scripts sent whole."""

from __future__ import annotations

import select
import sys
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg import pq

from hook.errors import LockContention
from hook.postgres.failed_read import census_of, lost, refusal_of
from hook.postgres.link import Link, NoAnswer, Peer, Query, read_only, take_leave
from hook.postgres.patience import BlockerLook, Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from psycopg.abc import Buffer

    from hook.core.execution.dry_run import DryRun
    from hook.core.execution.sqlstate import ServerMessage
    from hook.postgres.patience import Lookout
    from hook.postgres.script_record import ScriptOutcome

Row = tuple[Any, ...]
# More statements than any message has.
_ALL = sys.maxsize
# When in a wait whose end is known there is time enough left for a look.
_EARLY = 0.1
# What comes unasked may be the last word of a backend that has given back its locks already,
# and closes the connection in a moment.
_FAREWELL = 1.0
T = TypeVar("T")

_ACTIVE = pq.TransactionStatus.ACTIVE
_IN_TRANSACTION = frozenset({pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR})


class Session:
    """One connection. It is never used by two threads."""

    def __init__(
        self, link: Link, peer: Peer, patience: Patience, dry_run: DryRun | None = None
    ) -> None:
        """Speak through *link* to *peer*, waiting with *patience*; see `dry` for *dry_run*."""
        self._link = link
        self._patience = patience
        self._dry_run = dry_run
        self.peer = peer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Return the backend's process id as the login told it."""
        return self.peer.pid

    @property
    def is_lost(self) -> bool:
        """Tell whether the connection is gone; an idle one is looked at, nothing is sent."""
        pgconn = self._link.pgconn
        if pgconn.status == pq.ConnStatus.OK and pgconn.transaction_status != _ACTIVE:
            try:
                patience = 0.0
                while select.select([pgconn.socket], [], [], patience)[0]:
                    pgconn.consume_input()
                    patience = _FAREWELL
            except psycopg.OperationalError:
                return True
        return bool(pgconn.status == pq.ConnStatus.BAD)

    def reported(self, setting: str) -> str:
        """Return what the server last reported of *setting*, empty if it reports none.

        Only a few settings are reported, ``standard_conforming_strings`` among them:
        https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC
        """
        value = self._link.pgconn.parameter_status(setting.encode())
        return "" if value is None else value.decode()

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open, be it failed."""
        if self._dry_run is not None:
            return self._dry_run.in_transaction
        return self._link.pgconn.transaction_status in _IN_TRANSACTION

    def shielded(self, seconds: float) -> Session:
        """Return this session for cleaning up: deaf to stop requests, *seconds* per answer."""
        return self._waiting(Patience(seconds=seconds))

    def writing(self, seconds: float, waiting: float) -> Session:
        """Return this session for one write, deaf to stop requests as `shielded` is.

        It is given up after *waiting* seconds if somebody is in its way, whom the error names.
        """
        onlook = self._patience.onlook
        lookout = None if onlook is None else BlockerLook(waiting, onlook)
        return self._waiting(Patience(seconds=seconds, lookout=lookout))

    def hasty(self, seconds: float) -> Session:
        """Return this session for reads of which one that takes *seconds* closes it."""
        patience = self._patience._replace(seconds=seconds, is_graceful=False, onlook=None)
        return self._waiting(patience)

    def watched(self, lookout: Lookout) -> Session:
        """Return this session for scripts, each of which is cancelled if *lookout* gives up."""
        return self._waiting(self._patience._replace(lookout=lookout))

    def _waiting(self, patience: Patience) -> Session:
        return Session(self._link, self.peer, patience, self._dry_run)

    def dry(self, dry_run: DryRun) -> Session:
        """Return this session for a dry run: what it would run goes to *dry_run* instead.

        Its reads are answered by the server, which refuses a read that would write.
        """
        return Session(self._link, self.peer, self._patience, dry_run)

    def execute(self, statements: str) -> None:
        """Run *statements* of presync's own, sent as one message, for their effect.

        Raises:
            HookError: As `fetch`.
        """
        if self._dry_run is not None:
            self._dry_run.keep(statements.encode())
        else:
            self.fetch(statements)

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of one read; ``%s`` in *query* are bound to *parameters*.

        Raises:
            Interrupted: A stop was requested; the read is cancelled.
            DatabaseUnreachable: The connection is lost, or no answer came in a minute.
            LockContention: Neither did one, as somebody is in the way.
            DeadlineExceeded: The deadline of the run passed meanwhile.
            DatabaseRejected: A right is missing.
            HookError: As `hook.core.execution.refusal.refused_query` says.
        """

        def read() -> list[Row]:
            cursor = self._link.execute(query.encode(), tuple(parameters) or None)
            return cursor.fetchall() if cursor.description is not None else []

        is_dry = self._dry_run is not None
        return self._ask((lambda: read_only(self._link, read)) if is_dry else read)

    def parse(self, texts: Sequence[bytes]) -> tuple[ServerMessage | None, ...]:
        """Return what the server's parser says against each of *texts*, none when nothing.

        Nothing is executed, a COMMIT as little as a DROP. Outside of an aborted
        transaction the parser of a query also looks at the tables it names.

        Args:
            texts: UTF-8. Sent at once, so all of them together should be no more than a few MB.

        Raises:
            HookError: As `fetch`; what is wrong with a text is returned, not raised.
        """
        from hook.postgres.parsing import (  # noqa: PLC0415 - a run with nothing to do has no script
            parse_texts,
        )

        return self._ask(lambda: parse_texts(self._link, texts))

    def run(
        self,
        message: str | bytes,
        copies: Sequence[Buffer] = (),
        *,
        seconds: float | None = None,
        on_wait: Callable[[float], None] | None = None,
        shown: range = range(0),
    ) -> ScriptOutcome:
        """Run the statements of *message*, sent as one message of the simple protocol.

        Args:
            message: SQL, at most about 1 GB.
            copies: Data for each ``COPY … FROM STDIN`` in it, in order, UTF-8.
            seconds: Cancel after so long.
            on_wait: Told the seconds waited so far, every second.
            shown: The statements, by index, whose first rows are part of the outcome.

        Returns:
            What happened, also when it went wrong; nothing is raised for it.
        """
        from hook.postgres.script_record import ScriptOutcome  # noqa: PLC0415 - only who has a script
        from hook.postgres.script_run import run_script  # noqa: PLC0415 - only who has a script

        data = message if isinstance(message, bytes) else message.encode()

        def work(patience: Patience) -> ScriptOutcome:
            if self._dry_run is not None:
                self._dry_run.keep(data, [bytes(copy) for copy in copies])
                return ScriptOutcome(_ALL)
            return run_script(self._link, data, copies, patience, shown)

        return self._send(work, seconds, on_wait)

    def stream(
        self,
        texts: Iterable[bytes],
        *,
        seconds: float | None = None,
        on_wait: Callable[[float], None] | None = None,
        shown: range = range(0),
    ) -> ScriptOutcome:
        """Run *texts*, one statement each, sent one behind the other; see `run` for the rest.

        Not for COPY with the client, nor for a dry run, which nobody could read.
        """
        from hook.postgres.streaming import run_stream  # noqa: PLC0415 - only long scripts

        assert self._dry_run is None  # noqa: S101 - see `Sender.compose`
        return self._send(
            lambda patience: run_stream(self._link, texts, patience, shown), seconds, on_wait
        )

    def _send(
        self,
        work: Callable[[Patience], ScriptOutcome],
        seconds: float | None,
        on_wait: Callable[[float], None] | None,
    ) -> ScriptOutcome:
        """Do *work* unless something speaks against beginning it."""
        from hook.postgres.script_record import ScriptOutcome  # noqa: PLC0415 - only who has a script

        if self._patience.interrupt is not None and self._patience.interrupt.is_set:
            return ScriptOutcome(0, is_interrupted=True)
        if self.is_lost:
            return ScriptOutcome(0, is_lost=True)
        return work(self._patience._replace(on_wait=on_wait).at_most(seconds))

    @property
    def dry_run(self) -> DryRun | None:
        """Return what takes down, in place of the server, all that would change the database."""
        return self._dry_run

    def go_on_as(self, other: Session) -> None:
        """Go on with the connection of *other*, which must not be used any more."""
        self._link.close()
        self._link, self.peer, self._patience = other._link, other.peer, other._patience

    def ask_at_close(self, query: str, parameters: Sequence[object]) -> None:
        """Have `close` ask *query* for its effect on a backend that a pool may keep."""
        self._link.parting = Query(query, parameters)

    def close(self) -> None:
        """Close the connection; the server rolls back what is open. Never fails."""
        take_leave(self._link)

    def _ask(self, read: Callable[[], T]) -> T:
        """Return what *read* returns; its errors become those that `fetch` names."""
        began = time.monotonic()
        try:
            return self._ask_with(read, self._patience.for_an_answer())
        except LockContention:
            # A lock_timeout of the role's, say: who was in the way is only seen while we wait.
            took = time.monotonic() - began
            again = self._patience.for_another_look(took * _EARLY)
            if census_of(self._link) is not None or self.in_transaction or again is None:
                raise
            return self._ask_with(read, again)

    def _ask_with(self, read: Callable[[], T], patience: Patience) -> T:
        self._raise_if_interrupted()
        self._link.patience = patience
        self._link.stopped = None
        try:
            answer = read()
        except (psycopg.Error, NoAnswer) as error:
            self._raise_if_interrupted()
            refusal = refusal_of(error, self._link, self.peer.name, self._patience.bounds)
            if refusal is None and self.is_lost:
                refusal = lost(error, self.peer.name)
            if refusal is None:
                raise  # a mistake of the caller
            try:
                raise refusal from error
            finally:
                # It would hold itself, and through its traceback all that its callers hold.
                del refusal
        self._raise_if_interrupted()
        return answer

    def _raise_if_interrupted(self) -> None:
        if self._patience.interrupt is not None:
            self._patience.interrupt.raise_if_set()
