"""Makes a used session as good as a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hook.postgres.session import Session


def renew_session(session: Session) -> None:
    """Drop everything that was left in *session*: settings, temporary tables, locks, cursors.

    https://www.postgresql.org/docs/current/sql-discard.html

    Raises:
        HookError: As `Session.fetch`.
    """
    session.execute("DISCARD ALL")
