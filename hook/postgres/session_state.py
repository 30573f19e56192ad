"""Read what a script finds in its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Session

# What decides where a script works, as whom, and what its text means there.
_SETTINGS = (
    "search_path",
    "TimeZone",
    "DateStyle",
    "client_encoding",
    "standard_conforming_strings",
    "session_replication_role",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "default_tablespace",
    "row_security",
    "idle_in_transaction_session_timeout",
)


def fetch_session_state(session: Session) -> dict[str, str]:
    """Return the role, the login and the settings by name.

    Raises:
        HookError: As `Session.fetch`.
    """
    ((role, login, settings),) = session.fetch(load_query("session_state"), (list(_SETTINGS),))
    return {"role": role, "login": login, **dict(settings)}
