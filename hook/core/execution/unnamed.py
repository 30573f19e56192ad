"""Names of a login that nobody has given, so that libpq has taken its own.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from hook.errors import ConfigError, DatabaseRejected, HookError

_ADVICE = {
    frozenset({"user"}): "Name the user: none is set, and libpq takes the operating system's.",
    frozenset({"dbname"}): "Name the database: none is set, and libpq takes the user's name.",
    frozenset({"user", "dbname"}): (
        "Name the user and the database: none is set, and libpq takes the operating system's user"
        " for both."
    ),
}


def advise_names(failure: HookError, unnamed: AbstractSet[str]) -> HookError:
    """Return the *failure* of a login, its hint behind what to name if that may mend it."""
    advice = _ADVICE.get(frozenset(unnamed), "")
    if advice and isinstance(failure, (DatabaseRejected, ConfigError)):
        failure.hint = f"{advice} {failure.hint}".rstrip()
    return failure


def describe_unnamed(unnamed: AbstractSet[str], user: str, database: str) -> str:
    """Return where the names of a session come from, to be put behind a message.

    Args:
        unnamed: Of ``user`` and ``dbname``, those that nobody has set.
        user: Of the session.
        database: Of the session.
    """
    said = []
    if "user" in unnamed:
        said.append(f"no user is named, and libpq takes the operating system's: it is {user} now")
    if "dbname" in unnamed:
        said.append(f"no database is named, and libpq takes the user's name: {database}")
    return "".join(f"; {item}" for item in said)
