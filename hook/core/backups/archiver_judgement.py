"""Decides whether the server archives its WAL, by the server's own word."""

from __future__ import annotations

from datetime import datetime

from hook.core.backups.archive import Archiver
from hook.core.outcome import Finding, failed, passed, warned
from hook.core.text import counted
from hook.errors import ExitCode

# Whatever the backups are made with: a command of another system archives where no gate looks.
_ARCHIVE = (
    "Set archive_mode=on, which takes a restart, and archive_command to what the backup system"
    " archives with: `pgbackrest --stanza=… archive-push %p`, `wal-g wal-push %p`,"
    " `barman-wal-archive … %p`."
)


def judge_archiver(archiver: Archiver) -> Finding:
    """Judge the server's own word on its archiving; that nothing is lost it cannot know."""
    facts: dict[str, object] = {
        "last_archived": archiver.last_archived,
        "last_archived_at": _instant(archiver.last_archived_at),
        "failures": archiver.failures,
        "queue": archiver.queue,
    }
    if archiver.is_off:
        return failed(
            ExitCode.NO_WAY_BACK,
            "archiver",
            f"the server archives no WAL: {why_off(archiver)}",
            _ARCHIVE,
            **facts,
        )
    if archiver.is_failing:
        return failed(
            ExitCode.NO_WAY_BACK,
            "archiver",
            f"archiving fails: {archiver.last_failed} at {_instant(archiver.last_failed_at)}"
            f" ({counted(archiver.failures, 'failure')} so far)",
            "Read the server's log for what archive_command says; `pgbackrest check` or"
            " `barman check` tries it.",
            **facts,
        )
    queue = "how many wait cannot be seen without pg_monitor"
    if archiver.queue is not None:
        queue = f"{counted(archiver.queue, 'segment')} waiting"
    if archiver.last_archived is None:
        since = _instant(archiver.statistics_since)
        when = "yet" if since is None else f"since its statistics were reset at {since}"
        message = f"the server has archived nothing {when}"
        hint = "See with `pgbackrest check` or `barman check` that archiving works."
        return warned("archiver", f"{message}; {queue}", hint, **facts)
    message = f"last archived {archiver.last_archived} at {_instant(archiver.last_archived_at)}"
    return passed("archiver", f"{message}; {queue}", **facts)


def why_off(archiver: Archiver) -> str:
    """Return which of the server's settings keeps it from archiving."""
    if archiver.mode == "off":
        return "archive_mode is off"
    if archiver.wal_level == "minimal":
        return "wal_level is minimal"
    return "neither archive_command nor archive_library is set"


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
