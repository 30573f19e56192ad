"""Decides whether ages can be told at all: all clocks have to agree about the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.backups.backup import Evidence
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.usability import format_instant
from hook.core.outcome import Finding, unknown
from hook.core.span import describe_span
from hook.errors import ExitCode


class Asked(NamedTuple):
    """When the storage was asked, by this machine's clock: its own time is of a moment between."""

    began: datetime
    ended: datetime


class _Other(NamedTuple):
    """Another clock, and this machine's at the same moment, or the nearest that it can be."""

    host: str
    theirs: datetime
    ours: datetime
    of: str = ""

    @property
    def skew(self) -> timedelta:
        return abs(self.theirs - self.ours)


def judge_clocks(
    evidence: Evidence, server: ServerIdentity, limit: timedelta, asked: Asked
) -> tuple[Finding, ...]:
    """Return what stands against the clocks from which the ages of backups count.

    This machine's is compared with the storage's, where that tells its own time, and with the
    database server's, whatever backs it up: the host of the server dates the backups of most
    systems, and no age counts for anything where two clocks contradict each other.

    Args:
        evidence: What the catalog listed.
        server: The database that is to be migrated.
        limit: How far two honest clocks may lie apart.
        asked: When this machine asked the storage.
    """
    others = tuple(_others(evidence, server, asked))
    wrong = tuple(other for other in others if other.skew > limit)
    is_ours = len(wrong) > 1 and abs(_ahead(wrong[0]) - _ahead(wrong[1])) <= limit
    return tuple(_tell(other, limit, is_ours=is_ours) for other in wrong)


def _others(evidence: Evidence, server: ServerIdentity, asked: Asked) -> Iterator[_Other]:
    if evidence.clock is not None:
        nearest = min(max(evidence.clock, asked.began), asked.ended)
        yield _Other("storage", evidence.clock, nearest, f" for {evidence.source}")
    yield _Other("database server", asked.ended + server.clock_ahead, asked.ended)


def _ahead(other: _Other) -> timedelta:
    return other.theirs - other.ours


def _tell(other: _Other, limit: timedelta, *, is_ours: bool) -> Finding:
    nodes = "this node, which the other two contradict," if is_ours else "this node"
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        "backup-clock",
        f"this machine's clock ({format_instant(other.ours)}) and the {other.host}'s"
        f" ({format_instant(other.theirs)}) lie {describe_span(other.skew)} apart"
        f" (limit {describe_span(limit)}){other.of}",
        f"Synchronise the clocks of {nodes} and of the {other.host}, then run again.",
        clock=other.host,
        here_at=format_instant(other.ours),
        there_at=format_instant(other.theirs),
        skew_ms=other.skew // timedelta(milliseconds=1),
    )
