"""Sees the WAL of a marker arrive in the repository, or hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

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


class Placed(NamedTuple):
    """A marker, and what is known beside it.

    Attributes:
        rights: What the role was allowed to do.
        against: What speaks against relying on it.
        before: Segments that a restore to it reads as well, and that nobody has seen yet.
    """

    marker: Marker
    rights: MarkerRights
    against: Finding | None
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """Looks for segments in the repository of *catalog*.

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
            return self._await(ctx, segment, _ANY, self._deadline(ctx))
        except BackupSourceMissing as error:
            return from_error(error)

    def await_archived(self, ctx: Context, session: Session, placed: Placed) -> Finding | None:
        """Return none as soon as all WAL of a restore is there, or why that is not so in time.

        An asynchronous archiver sends several segments at once, and may come to the marker's
        before those in front of it; what it drops instead never comes.
        """
        marker, deadline = placed.marker, self._deadline(ctx)
        for segment in (marker.segment, *placed.before):
            known = self._await(ctx, segment, _SETTLED, deadline)
            if isinstance(known, Finding):
                return known
            if known is Sight.UNTOLD:
                return judge_untold(marker, self.repository)
            if known is Sight.ABSENT:
                why = why_not_archived(fetch_server_wal(session).archiver, placed.rights)
                return judge_not_archived(marker, segment, self.repository, self.wait, why)
        return None

    def no_answer(self, limit: timedelta, progress: Progress = _SILENCE) -> Finding:
        """Return what it means that the repository has not answered within *limit*."""
        source = self.catalog.describe()
        return judge_overdue(
            f"{source} did not answer", f"{source} was not read to its end", limit, progress
        )

    def _deadline(self, ctx: Context) -> Deadline:
        return ctx.deadline.within(self.wait, "PRESYNC_MARKER_WAIT")

    def _await(
        self, ctx: Context, segment: str, until: tuple[Sight, ...], deadline: Deadline
    ) -> Sight | Finding:
        """Look for *segment* until one of *until* is seen or the time is over; return the last."""
        heartbeat, pause = Heartbeat(), _FIRST_PAUSE
        level = "info"  # archiving that works takes a moment as well
        # Until the storage has answered once, nothing is known of what it holds.
        left = timedelta(seconds=round(deadline.remaining(), 1))
        known: Sight | Finding = self.no_answer(max(left, _ONE_LOOK))
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
