"""Why the server refused a connection or a query of ours, as an error with a next step."""

from __future__ import annotations

from hook.core.execution.sqlstate import ServerMessage, needs_new_session
from hook.errors import (
    BudgetExceeded,
    ConfigError,
    ConnectionLost,
    DatabaseRejected,
    DatabaseUnreachable,
    HookError,
    LockContention,
    QueryFailed,
    Unsupported,
)

_INVALID_AUTHORIZATION = "28"
_INSUFFICIENT_RESOURCES = "53"
_INTERVENTION = "57P"
_INSUFFICIENT_PRIVILEGE = "42501"
_UNKNOWN_DATABASE = "3D000"
_DATABASE_DROPPED = "57P04"
_NO_DATABASE = frozenset({_UNKNOWN_DATABASE, _DATABASE_DROPPED})
_NOT_ACCEPTING = "55000"
_FEATURE_NOT_SUPPORTED = "0A000"
_LOCK_NOT_AVAILABLE = "55P03"
_QUERY_CANCELED = "57014"
_INTERNAL_ERROR = "XX"

_CREDENTIALS = (
    "Check user, password and the server's pg_hba.conf; the password comes from the source"
    " that `presync config` shows."
)
_NO_DATABASE_HINT = "Create the database, or correct its name in the connection settings."
_CONNECTIONS = (
    "Let the database take connections again: ALTER DATABASE … ALLOW_CONNECTIONS true, from another"
    " database."
)
_RESOURCES = "Wait until the server has connections, memory and disk to spare, then run again."


def refused_connection(failure: ServerMessage, where: str) -> HookError:
    """Return what the server's answer to a login means.

    `DatabaseUnreachable` alone is worth another attempt.

    Args:
        failure: The error that ended the login.
        where: The target as `ConnectionTarget.describe` tells it.
    """
    state = failure.sqlstate
    message = f"{where}: {failure.message} ({state})"
    if state.startswith(_INVALID_AUTHORIZATION):
        return DatabaseRejected(message, failure.hint or _CREDENTIALS)
    if state == _INSUFFICIENT_PRIVILEGE:
        return DatabaseRejected(message, "Grant CONNECT on the database to the role.")
    if state == _FEATURE_NOT_SUPPORTED:
        return Unsupported(message, failure.hint)
    if _is_passing(failure) or state == _NOT_ACCEPTING or state.startswith(_INTERNAL_ERROR):
        hint = _CONNECTIONS if state == _NOT_ACCEPTING else _RESOURCES
        return DatabaseUnreachable(message, failure.hint or hint)
    hint = _NO_DATABASE_HINT if state in _NO_DATABASE else "Correct the connection settings."
    return ConfigError((message,), failure.hint or hint)


def refused_query(failure: ServerMessage, where: str) -> HookError:
    """Return what the failure of a read of our own means."""
    state = failure.sqlstate
    message = f"{where}: {failure.message} ({state})"
    error: HookError = QueryFailed(message, failure.hint, state)
    if state == _INSUFFICIENT_PRIVILEGE or state.startswith(_INVALID_AUTHORIZATION):
        error = DatabaseRejected(
            message, "Grant the missing right to the role that presync logs in as."
        )
    elif _is_passing(failure):
        kind = ConnectionLost if needs_new_session(failure) else DatabaseUnreachable
        error = kind(message, failure.hint or _RESOURCES)
    elif state == _LOCK_NOT_AVAILABLE:
        error = LockContention(message, "Find who locks the object, and run again.")
    elif state == _QUERY_CANCELED:
        hint = "Find who cancelled it, or raise the role's statement_timeout."
        error = BudgetExceeded(message, hint)
    elif state == _FEATURE_NOT_SUPPORTED:
        error = Unsupported(message, failure.hint)
    return error


def _is_passing(failure: ServerMessage) -> bool:
    """Tell whether waiting or another server may help."""
    return failure.sqlstate not in _NO_DATABASE and (
        needs_new_session(failure)
        or failure.sqlstate.startswith((_INSUFFICIENT_RESOURCES, _INTERVENTION))
    )
