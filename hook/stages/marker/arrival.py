"""Sees the WAL of a marker arrive in the repository, or hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.catalogs import WalCatalog
from hook.clock import run_bounded
from hook.core.backups.marker import (
    Marker,
    MarkerRights,
    Repository,
    Sight,
    judge_not_archived,
    judge_untold,
    why_not_archived,
)
from hook.core.backups.overdue import Progress, judge_overdue
from hook.core.execution.heartbeat import Heartbeat
from hook.core.outcome import Finding, Status, from_error
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.postgres.wal import fetch_server_wal

if TYPE_CHECKING:
    from hook.clock import Deadline
    from hook.postgres.session import Session
    from hook.stages import Context

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_ONE_LOOK = timedelta(seconds=1)
_SILENCE = Progress()
_ANY = tuple(Sight)
# By these, waiting longer changes nothing.
_SETTLED = (Sight.THERE, Sight.UNTOLD)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Looks for one segment in the repository of *catalog*.

    Attributes:
        is_told: A command tells what is there, and nothing is looked at.
        wait: How long it may take.
    """

    catalog: WalCatalog
    is_told: bool
    wait: timedelta

    @property
    def repository(self) -> Repository:
        """Return the repository as it is told of."""
        return Repository(self.catalog.describe(), is_told=self.is_told)

    def look_before(self, ctx: Context, segment: str) -> Sight | Finding:
        """Return what is seen of *segment* while the server still writes it, or why nothing is."""
        try:
            return self._await(ctx, segment, _ANY)
        except BackupSourceMissing as error:
            return from_error(error)

    def await_archived(
        self, ctx: Context, session: Session, marker: Marker, rights: MarkerRights
    ) -> Finding | None:
        """Return none as soon as the marker's WAL is there, or why that is not so in time."""
        known = self._await(ctx, marker.segment, _SETTLED)
        if isinstance(known, Finding):
            return known
        if known is Sight.THERE:
            return None
        if known is Sight.UNTOLD:
            return judge_untold(marker, self.repository)
        why = why_not_archived(fetch_server_wal(session).archiver, rights)
        return judge_not_archived(marker, self.repository, self.wait, why)

    def no_answer(self, limit: timedelta, progress: Progress = _SILENCE) -> Finding:
        """Return what it means that the repository has not answered within *limit*."""
        source = self.catalog.describe()
        return judge_overdue(
            f"{source} did not answer", f"{source} was not read to its end", limit, progress
        )

    def _await(self, ctx: Context, segment: str, until: tuple[Sight, ...]) -> Sight | Finding:
        """Look for *segment* until one of *until* is seen or the time is over; return the last."""
        deadline = ctx.deadline.within(self.wait, "PRESYNC_MARKER_WAIT")
        heartbeat, pause = Heartbeat(), _FIRST_PAUSE
        level = "info"  # archiving that works takes a moment as well
        # Until the storage has answered once, nothing is known of what it holds.
        known: Sight | Finding = self.no_answer(max(self.wait, _ONE_LOOK))
        while True:
            answer = self._look(ctx, segment, deadline)
            known = known if answer is None else answer
            if known in until or deadline.remaining() <= 0:
                break
            if heartbeat.is_due(ctx.clock.monotonic()):
                told = {"stage": "marker", "segment": segment, "level": level}
                ctx.events("retry.scheduled", f"{self._still(segment, known)} yet", **told)
                level = "warning"
            ctx.clock.sleep(min(pause, deadline.remaining()))
            pause = min(2 * pause, _LONGEST_PAUSE)
        if known not in until:
            ctx.deadline.raise_if_over()
        return known

    def _still(self, segment: str, known: Sight | Finding) -> str:
        """Return what the wait is for."""
        if isinstance(known, Sight):
            return self.repository.lacks(f"WAL {segment}")
        return f"{self.catalog.describe()} does not say whether it has WAL {segment}"

    def _look(self, ctx: Context, segment: str, deadline: Deadline) -> Sight | Finding | None:
        """Look once; what arrives within the last pause is seen as well.

        Returns:
            What is seen, why that cannot be told, or none when no answer comes in time.
        """
        left = max(timedelta(seconds=deadline.remaining()), _ONE_LOOK)
        bound = ctx.deadline.within(left, deadline.name)
        try:
            return run_bounded(
                lambda: Sight(self.catalog.has_segment(segment)), bound, ctx.interrupt
            )
        except BackupUnknown as error:
            return from_error(error, Status.UNKNOWN)
