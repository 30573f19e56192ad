"""The settings by which a server recovers what a tool only fetched, as a shell writes them."""

from __future__ import annotations

import shlex


def recover_to(lsn: str, timeline: str, action: str) -> tuple[str, ...]:
    """Return the lines that end a recovery at *lsn* with *action*."""
    return (
        f"recovery_target_lsn = '{lsn}'",
        f"recovery_target_timeline = '{timeline}'",
        f"recovery_target_action = '{action}'",
    )


def fetch_and_configure(fetch: str, folder: str, lines: tuple[str, ...]) -> str:
    """Return what runs *fetch*, and leaves *lines* for the server in *folder*."""
    quoted = " ".join(shlex.quote(line) for line in lines)
    configure = f"printf '%s\\n' {quoted} >> {folder}/postgresql.auto.conf"
    return f"{fetch} && {configure} && touch {folder}/recovery.signal"


def as_value(text: str) -> str:
    """Return *text* as a value in a configuration file, where a backslash is no letter."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
