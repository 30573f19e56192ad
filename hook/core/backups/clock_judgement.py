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
    """Return what stands against the clock from which the ages of backups count.

    A storage that tells its own time is compared with this machine. Where there is none,
    ages count from this machine's clock, and the server's is the only other one.

    Args:
        evidence: What the catalog listed.
        server: The database that is to be migrated.
        limit: How far two honest clocks may lie apart.
        now: The time on this machine.
    """
    if evidence.clock is not None:
        skew, other = abs(now - evidence.clock), f"that of {evidence.source}"
        hint = "Synchronise the clocks of this node and of the storage, then run again."
    else:
        skew, other = abs(server.clock_ahead), "that of the database server"
        hint = "Synchronise the clocks of this node and of the database server, then run again."
    if skew <= limit:
        return ()
    finding = unknown(
        ExitCode.UNKNOWN_BACKUP,
        "backup-clock",
        f"this machine's clock and {other} lie {describe_span(skew)} apart"
        f" (limit {describe_span(limit)})",
        hint,
        skew_ms=skew // timedelta(milliseconds=1),
    )
    return (finding,)
