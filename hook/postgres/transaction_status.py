"""The number of a transaction, and what the server says of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.errors import QueryFailed

if TYPE_CHECKING:
    from hook.postgres.session import Session

_NUMBER = "SELECT pg_catalog.pg_current_xact_id()"
_STATUS = "SELECT pg_catalog.pg_xact_status(%s::pg_catalog.text::pg_catalog.xid8)"
_IN_THE_FUTURE = "22023"
_ABORTED = "aborted"


def take_transaction_id(session: Session, seconds: float) -> str:
    """Return the number of the transaction that is open in *session*, empty when it has none.

    Nothing is raised: whatever went wrong, the next statement meets it as well.

    Args:
        session: Not read by anybody else.
        seconds: At most so long.
    """
    outcome = session.run(_NUMBER, seconds=seconds, shown=range(1))
    return "".join(row[0] or "" for result in outcome.results for row in result.rows)


def fetch_transaction_status(session: Session, number: str) -> str | None:
    """Return what became of transaction *number*; none when the server has forgotten that.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT

    Raises:
        HookError: As `Session.fetch` says.
    """
    try:
        status = session.fetch(_STATUS, (number,))[0][0]
    except QueryFailed as error:
        if error.sqlstate != _IN_THE_FUTURE:
            raise
        # It had not written the number down when it crashed, or was promoted.
        return _ABORTED
    return None if status is None else str(status)
