"""Decides whether ages can be told at all: two clocks, or more, have to agree about the time."""

from __future__ import annotations

from datetime import datetime, timedelta

from hook.core.backups.backup import Evidence
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding, unknown
from hook.core.span import describe_span
from hook.errors import ExitCode


def judge_clocks(
    evidence: Evidence, server: ServerIdentity, limit: timedelta, now: datetime
) -> tuple[Finding, ...]:
    """Return what stands against the clocks from which the ages of backups count.

    A storage that tells its own time is compared with this machine. Where there is none,
    ages count from this machine's clock, and the server's is the only other one. That one is
    compared as well where it dated the backups: one that is ahead makes them look younger.

    Args:
        evidence: What the catalog listed.
        server: The database that is to be migrated.
        limit: How far two honest clocks may lie apart.
        now: The time on this machine.
    """
    skews = []
    if evidence.clock is not None:
        skews.append((abs(now - evidence.clock), f"that of {evidence.source}", "the storage"))
    if evidence.clock is None or evidence.is_dated_by_server:
        dates = ", which dates the backups," if evidence.is_dated_by_server else ""
        other = f"that of the database server{dates}"
        skews.append((abs(server.clock_ahead), other, "the database server"))
    return tuple(_tell(skew, other, host, limit) for skew, other, host in skews if skew > limit)


def _tell(skew: timedelta, other: str, host: str, limit: timedelta) -> Finding:
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        "backup-clock",
        f"this machine's clock and {other} lie {describe_span(skew)} apart"
        f" (limit {describe_span(limit)})",
        f"Synchronise the clocks of this node and of {host}, then run again.",
        skew_ms=skew // timedelta(milliseconds=1),
    )
