"""What a session is brought into before a script or a callback runs in it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from hook.core.sessions.lock_key import migration_lock_key
from hook.core.sql.sql_text import quote_identifier, quote_literal
from hook.postgres.lock import marking_statement

if TYPE_CHECKING:
    from hook.core.schema_history.history import History
    from hook.postgres.session import Session


def begin_anew(replayed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return what takes back all that was SET in a session, but for what *replayed* sets again."""
    return ("RESET ALL", "SET TimeZone = 'UTC'", *replayed)


@lru_cache(maxsize=1)  # the same for nearly all scripts
def session_state(
    schema: str, search_path: str, replayed: tuple[str, ...] = (), marked: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the statements after which a session is as if it were new.

    The schema of the history goes in front of the role's own search path, as in
    Flyway and to the letter: SET would normalise a text that scripts can read. The
    time zone is the one Flyway's image has, so that neither the times in the history
    nor a conversion of ``timestamp`` depends on who runs.

    Args:
        schema: Of the schema history.
        search_path: ``current_setting('search_path')`` as it was after the login and
            what was run on each connection.
        replayed: Statements that set again what was set there, be it another time zone.
        marked: What marks the backend again, see `marking`.
    """
    path = quote_literal(_path_with(schema, search_path))
    return _state(path, begin_anew(replayed), marked)


def marking(session: Session, history: History) -> tuple[str, ...]:
    """Return what marks the backend of *session* again as at work on *history*.

    A script may have given back all advisory locks of the session, also by DISCARD ALL. To
    whoever reads what a run would do the mark says nothing, and `check` leaves none: a run
    would wait for it.
    """
    if session.dry_run is not None:
        return ()
    return (marking_statement(migration_lock_key(history.schema, history.table)),)


def callback_state(schema: str, search_path: str, begin: tuple[str, ...]) -> tuple[str, ...]:
    """Return the same for a callback, which may run before *schema* is there.

    Where earlier callbacks have left settings that hold on, *begin* is nothing, else `begin_anew`.

    As in Flyway, the search path then is the session's own; the server is asked each time,
    since the callback before may have created the schema.
    """
    path = _path_with(schema, search_path)
    if path == search_path:
        return _state(quote_literal(path), begin)
    is_there = (
        "EXISTS (SELECT FROM pg_catalog.pg_namespace AS n"
        f" WHERE n.nspname OPERATOR(pg_catalog.=) {quote_literal(schema)})"
    )
    either = (
        f"CASE WHEN {is_there} THEN {quote_literal(path)} ELSE {quote_literal(search_path)} END"
    )
    return _state(either, begin)


def _path_with(schema: str, search_path: str) -> str:
    if search_path == schema or search_path.startswith(f"{schema},"):
        return search_path
    return f"{quote_identifier(schema)},{search_path}"


def _state(path: str, begin: tuple[str, ...], marked: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the statements; *path* is the expression that the search path is set to."""
    return (
        # Back to the role of the login, or the one that ALTER ROLE … SET role gave it.
        "SET SESSION AUTHORIZATION DEFAULT",
        *marked,
        *begin,
        f"SELECT pg_catalog.set_config('search_path', {path}, false)",
        "SET standard_conforming_strings = on",
    )
