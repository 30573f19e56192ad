"""Sessions on which FLYWAY_INIT_SQL runs before anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hook.core.execution.init_sql import Piece, pieces_of
from hook.core.execution.refusal import refused_query
from hook.core.reporting.redaction import Redactor
from hook.errors import (
    ConfigError,
    DatabaseRejected,
    DatabaseUnreachable,
    DeadlineExceeded,
    HookError,
    LockContention,
)
from hook.postgres.connecting import connect

if TYPE_CHECKING:
    from datetime import timedelta

    from hook.clock import Bounds
    from hook.core.execution.sqlstate import ServerMessage
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget

_NAME = "FLYWAY_INIT_SQL"
_SECONDS = 60.0
_WAITS = "Find out what it waits for."
_HINT = "Correct FLYWAY_INIT_SQL; it runs on each new connection."
_NO_MISTAKE = (DatabaseRejected, DatabaseUnreachable, LockContention)
_STRING = r"'((?:[^']|'')*)'|\$([A-Za-z_]*)\$(.*?)\$\2\$"
_OWN_PARAMETER = (
    r"(?i)\bset\s+(?:session\s+|local\s+)?[\w\"]+\.[\w.\"]+\s*(?:=|\bto\b)\s*([^\s;']+)"
)


def connect_with(sql: str) -> Connect:
    """Return what opens sessions, as `hook.postgres.connecting.connect`, and runs *sql* on each.

    It costs a round trip, or one per statement, see `pieces_of`. *sql* may hold secrets: of
    an error, what it quotes is masked. Beyond the errors of `connect`, those that
    `hook.core.execution.refusal.refused_query` names are raised, and `ConfigError` where the server
    finds *sql* wrong.
    """

    def connect_and_run(
        target: ConnectionTarget,
        purpose: str,
        run_id: str,
        bounds: Bounds,
        connect_timeout: timedelta,
    ) -> Session:
        session = connect(target, purpose, run_id, bounds, connect_timeout)
        try:
            _run(session, sql, bounds)
        except HookError:
            session.close()
            raise
        return session

    return connect_and_run


def _run(session: Session, sql: str, bounds: Bounds) -> None:
    for piece in pieces_of(sql):
        outcome = session.run(piece.sql, seconds=_SECONDS)
        bounds.interrupt.raise_if_set()
        if outcome.is_lost:
            message = f"{session.peer.name}: connection lost in {_NAME}"
            raise DatabaseUnreachable(message, "Run again.")
        if outcome.is_timed_out and bounds.deadline is not None and bounds.remaining(0) <= 0:
            message = (
                f"{bounds.deadline.label} is used up: {session.peer.name}: {_NAME} has not ended"
            )
            raise DeadlineExceeded(message, _WAITS)
        if outcome.is_timed_out:
            message = f"{session.peer.name}: {_NAME} took longer than {_SECONDS:.0f}s"
            raise DatabaseUnreachable(message, _WAITS)
        if outcome.failure is not None:
            raise _refused(piece, outcome.completed, outcome.failure)
    if session.in_transaction:
        raise ConfigError((f"{_NAME} leaves a transaction open",), _HINT)


def _refused(piece: Piece, completed: int, failure: ServerMessage) -> HookError:
    if failure.position is None:
        place = f"statement {piece.number + completed + 1}"
    else:
        place = f"line {piece.line + piece.sql.count(chr(10), 0, failure.position - 1) + 1}"
    message = Redactor(_values_in(piece.sql)).text(failure.message)
    # Hints of the server may quote what is wrong.
    error = refused_query(failure._replace(message=message, hint=""), f"{_NAME}, {place}")
    # The rest is a mistake in the text, whatever the same answer would mean for a query of ours.
    return error if isinstance(error, _NO_MISTAKE) else ConfigError((error.message,), _HINT)


def _values_in(sql: str) -> Iterator[str]:
    """Yield what may be secret in *sql*: its strings, and the values of parameters of one's own."""
    for match in re.finditer(_STRING, sql, re.DOTALL):
        yield match[1] or match[3] or ""
    for match in re.finditer(_OWN_PARAMETER, sql):
        yield match[1]
