"""Ask how large the database is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Session


def fetch_database_size(session: Session) -> int | None:
    """Return the bytes of the database, none where the role may not ask.

    Raises:
        HookError: As `Session.fetch` says.
    """
    size = session.fetch(load_query("database_size"))[0][0]
    return None if size is None else int(size)
