"""Decides whether what is not archived yet has waited too long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.backups.archive import ServerWal
from hook.core.outcome import Finding, failed, passed, unknown
from hook.core.span import describe_span
from hook.core.text import counted
from hook.errors import ExitCode

# Beginning of a segment and what the server writes without anybody's doing fit in here;
# a row and its commit do not.
IDLE_BYTES = 128
# A segment that has just been finished is no queue.
_UNSEEN_QUEUE = 1
_ARCHIVER = "pg_stat_archiver, the server's log"


class Waiting(NamedTuple):
    """What is not in the archive yet: *finished* segments, and *size* bytes in all."""

    first: int
    finished: int
    size: int


class Lag(NamedTuple):
    """How far the archive is behind the server.

    Attributes:
        span: How long WAL has been waiting, none when that is not known.
    """

    finding: Finding
    span: timedelta | None = None


def judge_lag(waiting: Waiting, server: ServerWal, max_lag: timedelta) -> Lag:
    """Judge how long *waiting* has been so."""
    facts: dict[str, object] = {"waiting": waiting.finished, "waiting_bytes": waiting.size}
    begin = waiting.first * server.segment_size
    if _is_idle(begin, waiting, server):
        idle = passed("wal-lag", "all that was changed is archived", **facts)
        return Lag(idle, timedelta(0))
    what = f"{_bytes(waiting.size)} of WAL not archived"
    if waiting.finished > _UNSEEN_QUEUE and server.archiver.queue is None:
        untold = unknown(
            ExitCode.UNKNOWN_BACKUP,
            "wal-lag",
            f"{counted(waiting.finished, 'finished segment')} not archived yet, and since when"
            " cannot be seen without pg_monitor",
            "Grant pg_monitor to the migrating role.",
            **facts,
        )
        return Lag(untold)
    since = _waiting_since(begin, server)
    if since is None:
        untold = unknown(
            ExitCode.UNKNOWN_BACKUP,
            "wal-lag",
            f"{what}, and the server does not tell since when",
            f"Run SELECT pg_switch_wal(), and see that archiving works ({_ARCHIVER}).",
            **facts,
        )
        return Lag(untold)
    lag = max(server.time - since, timedelta(0))
    facts |= {"lag_ms": lag // timedelta(milliseconds=1)}
    message = f"{what} since {describe_span(lag)} (limit {describe_span(max_lag)})"
    if lag <= max_lag:
        return Lag(passed("wal-lag", message, **facts), lag)
    behind = failed(
        ExitCode.NO_WAY_BACK,
        "wal-lag",
        message,
        "Let the archiver catch up; where little is written, set archive_timeout below"
        " PRESYNC_ARCHIVE_MAX_LAG or run SELECT pg_switch_wal().",
        **facts,
    )
    return Lag(behind, lag)


def _is_idle(begin: int, waiting: Waiting, server: ServerWal) -> bool:
    """Tell whether nothing was changed since *begin*, where the archive ends.

    An idle server goes on writing: the beginning of a segment, what transactions run, a
    checkpoint. That is never archived, however long one waits.
    """
    checkpoint = server.checkpoint
    is_last_change = checkpoint is not None and checkpoint.is_last_change
    until = checkpoint.redo if checkpoint and is_last_change else server.position
    return not waiting.finished and until - begin <= IDLE_BYTES


def _waiting_since(begin: int, server: ServerWal) -> datetime | None:
    """Return when the WAL from *begin* on was written at the earliest.

    That is when the WAL before it was archived, or when the oldest waiting segment was
    finished. A server that had been idle may have woken a moment ago: had it changed
    anything one checkpoint earlier, that one, which may take as long again, would have
    begun behind it.
    """
    archiver, checkpoint = server.archiver, server.checkpoint
    if archiver.waiting_since is None and checkpoint and checkpoint.redo - begin <= IDLE_BYTES:
        earliest = server.time - 2 * checkpoint.every
        return max(earliest, archiver.last_archived_at or earliest)
    told = [item for item in (archiver.waiting_since, archiver.last_archived_at) if item]
    return min(told, default=None)


def _bytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{max(1, size // 2**10)} KiB"
