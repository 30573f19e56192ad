"""What an error of the server means for a migration, by SQLSTATE alone.

Source: PostgreSQL manual, appendix "PostgreSQL Error Codes",
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from typing import NamedTuple

_CONNECTION_EXCEPTION = "08"
_UNIQUE_VIOLATION = "23505"
_READ_ONLY = "25006"
_INTERNAL_ERROR = "XX000"
_SYSTEM_CATALOG = "pg_catalog"
_LAST_WORDS = "FATAL"

# statement_timeout, an administrator and our own cancel share the code, and only we know
# whether it was ours.
_QUERY_CANCELED = "57014"

# Lost against other sessions; the transaction is rolled back and the session lives on.
_CONTENTION = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "55P03",  # lock_not_available: lock_timeout or NOWAIT
    }
)

# The session is gone, or is not with a writable primary, and the transaction with it.
_SESSION_LOST = frozenset(
    {
        "25P03",  # idle_in_transaction_session_timeout
        "25P04",  # transaction_timeout
        "53300",  # too_many_connections
        "57P01",  # admin_shutdown, pg_terminate_backend
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now: starting up, shutting down, in recovery
        "57P05",  # idle_session_timeout
        _READ_ONLY,
    }
)

# The one place where a message is read: these races have no SQLSTATE of their own.
# The server raises them with elog(), whose texts are never translated.
_CATALOG_RACES = ("tuple concurrently updated", "tuple concurrently deleted")
_CATALOG_RACE_ATTEMPTS = 3

# What the server lacks at the moment, whatever the script says. Not 53400, a limit that
# somebody has set; nor class XX, a fault that comes back or must not be provoked again.
STATE_OF_SERVER = frozenset(
    {
        "53000",  # insufficient_resources
        "53100",  # disk_full
        "53200",  # out_of_memory, and of the memory for locks
        "57000",  # operator_intervention
        "58000",  # system_error
        "58030",  # io_error
    }
)

# insufficient resources, operator intervention, system error, internal error
_SERVER_CLASSES = ("53", "57", "58", "XX")


class ServerMessage(NamedTuple):
    """An error or notice as the server reported it.

    Attributes:
        severity: In English, whatever the language of the server is.
        position: 1-based character in the text that was sent, none for run-time errors.
        function: The function of the server that reported it, in any language the same.
        by_script: The SQL that was sent has brought it about, whatever the code means elsewhere.
    """

    severity: str
    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""
    position: int | None = None
    context: str = ""
    schema: str = ""
    table: str = ""
    constraint: str = ""
    function: str = ""
    by_script: bool = False


def is_transient(failure: ServerMessage) -> bool:
    """Tell whether the same transaction may succeed when it is run again."""
    return (
        failure.sqlstate in _CONTENTION or needs_new_session(failure) or _is_catalog_race(failure)
    )


def is_cancel(failure: ServerMessage) -> bool:
    """Tell whether a statement was cancelled, by whomever or by a time limit."""
    return failure.sqlstate == _QUERY_CANCELED


def needs_new_session(failure: ServerMessage) -> bool:
    """Tell whether trying again takes a new connection, looked up and checked afresh.

    25006 is among them: after a failover the old primary answers as a standby.
    """
    if failure.by_script:
        return False
    return failure.sqlstate in _SESSION_LOST or failure.sqlstate.startswith(_CONNECTION_EXCEPTION)


def is_refusal_to_write(failure: ServerMessage) -> bool:
    """Tell whether the transaction was read-only, be it for the server or for its own sake."""
    return failure.sqlstate == _READ_ONLY


def ends_session(failure: ServerMessage) -> bool:
    """Tell whether *failure* are the last words of the backend itself, and not of a pooler.

    A pooler that gives up a client may leave the backend at work; and it names no function.
    """
    return failure.severity == _LAST_WORDS and bool(failure.function)


def is_about_server(failure: ServerMessage) -> bool:
    """Tell whether *failure* says nothing of the SQL that was sent, only of server or session."""
    return needs_new_session(failure) or failure.sqlstate.startswith(_SERVER_CLASSES)


def is_state_of_server(failure: ServerMessage) -> bool:
    """Tell whether the same script may succeed once somebody has looked after the server.

    Unlike what `is_transient` tells, trying again at once does not help.
    """
    return failure.sqlstate in STATE_OF_SERVER


def may_pass(failure: ServerMessage) -> bool:
    """Tell whether the same SQL may succeed another time, at once or not."""
    return is_transient(failure) or is_cancel(failure) or is_state_of_server(failure)


def retry_limit(failure: ServerMessage) -> int | None:
    """Return how many attempts *failure* is worth, none when only time limits them.

    A catalog race is over in milliseconds; when it returns it is not a race.
    """
    if not is_transient(failure):
        return 1
    return _CATALOG_RACE_ATTEMPTS if _is_catalog_race(failure) else None


def _is_catalog_race(failure: ServerMessage) -> bool:
    """Tell whether two sessions changed the same catalog row (GRANT, CREATE OR REPLACE)."""
    if failure.sqlstate == _UNIQUE_VIOLATION:
        return failure.schema == _SYSTEM_CATALOG
    return failure.sqlstate == _INTERNAL_ERROR and failure.message.startswith(_CATALOG_RACES)
