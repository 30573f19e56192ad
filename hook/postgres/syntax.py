"""Which statements the server's own parser refuses, found out without running any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hook.core.execution.sqlstate import ServerMessage
from hook.core.execution.syntax_probe import ABORTED, silent_probe
from hook.core.sql.utf8 import offset_behind
from hook.errors import QueryFailed

if TYPE_CHECKING:
    from hook.core.sql.statement_list import Statement
    from hook.postgres.session import Session

# One round trip each. libpq keeps what it sends and receives in memory.
_BATCH_STATEMENTS = 500
_BATCH_BYTES = 1_000_000
# The server logs the error with the statement; whoever reads the log is told.
_PROVOKED = (
    "SELECT 1 OPERATOR(pg_catalog./) 0"
    " /* presync provokes this error to have pending scripts parsed, not run */"
)
_DIVISION_BY_ZERO = "22012"
_STRINGS = "standard_conforming_strings"
_CLEANUP_SECONDS = 5.0


def find_syntax_errors(
    session: Session, statements: Iterable[Statement], between: Callable[[], None]
) -> list[tuple[Statement, ServerMessage]]:
    """Return the statements that the server's parser refuses, with its errors, in order.

    The position of an error is that of a byte. Names are not looked up, and bodies of
    functions in quotes are strings like others.

    Args:
        session: Outside of transactions; left as it is found.
        statements: In standard string syntax.
        between: Called before each batch; what it raises ends the search.

    Raises:
        HookError: As `Session.fetch` says.
    """
    with _standard_strings(session):
        suspects = _suspects(session, statements, between)
        return _refused(session, suspects, between) if suspects else []


def _suspects(
    session: Session, statements: Iterable[Statement], between: Callable[[], None]
) -> list[Statement]:
    """Return those that may be wrong, after asking without a trace in the server's log."""
    suspects: list[Statement] = []
    for batch in _batches(statements):
        between()
        probes = [silent_probe(item) for item in batch]
        answers = iter(session.parse([probe for probe in probes if probe is not None]))
        suspects += [
            item
            for item, probe in zip(batch, probes, strict=True)
            if probe is None or next(answers) is not None
        ]
    return suspects


def _refused(
    session: Session, suspects: Sequence[Statement], between: Callable[[], None]
) -> list[tuple[Statement, ServerMessage]]:
    found: list[tuple[Statement, ServerMessage]] = []
    with _aborted_transaction(session):
        for batch in _batches(suspects):
            between()
            answers = session.parse([item.sql for item in batch])
            found += [
                (item, _in_bytes(session, item.sql, answer))
                for item, answer in zip(batch, answers, strict=True)
                if answer is not None and answer.sqlstate != ABORTED
            ]
    return found


def _batches(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    batch: list[Statement] = []
    size = 0
    for statement in statements:
        batch.append(statement)
        size += statement.end - statement.start
        if len(batch) >= _BATCH_STATEMENTS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextmanager
def _standard_strings(session: Session) -> Iterator[None]:
    """Give a backslash in quotes no meaning, whatever the role's own settings say."""
    found = session.reported(_STRINGS)
    if found in {"on", ""}:
        yield
        return
    session.fetch(f"SET {_STRINGS} = on")
    try:
        yield
    finally:
        session.shielded(_CLEANUP_SECONDS).run(f"SET {_STRINGS} = {found}")


@contextmanager
def _aborted_transaction(session: Session) -> Iterator[None]:
    """Open a transaction that has failed already, so that nothing but parsing can happen."""
    session.fetch("BEGIN")
    try:
        _provoke_error(session)
        yield
    finally:
        session.shielded(_CLEANUP_SECONDS).run("ROLLBACK")


def _provoke_error(session: Session) -> None:
    try:
        session.fetch(_PROVOKED)
    except QueryFailed as error:
        if error.sqlstate != _DIVISION_BY_ZERO:
            raise


def _in_bytes(session: Session, sql: bytes, failure: ServerMessage) -> ServerMessage:
    """Return *failure* with its position in bytes; only without an encoding it is so already."""
    if failure.position is None or session.reported("server_encoding") == "SQL_ASCII":
        return failure
    return failure._replace(position=offset_behind(sql, failure.position - 1) + 1)
