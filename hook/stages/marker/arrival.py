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
from hook.errors import BackupUnknown
from hook.postgres.wal import fetch_server_wal

if TYPE_CHECKING:
    from hook.clock import Deadline
    from hook.postgres.session import Session
    from hook.stages import Context

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_ONE_LOOK = timedelta(seconds=1)
_EARLY_LOOK = timedelta(seconds=10)
_SILENCE = Progress()


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

    def is_early(self, ctx: Context, segment: str) -> bool:
        """Tell whether *segment*, or what is written behind it, is there by now.

        A storage that does not answer does not say so; it is asked again later.
        """
        bound = ctx.deadline.within(max(min(self.wait, _EARLY_LOOK), _ONE_LOOK), "the first look")
        try:
            return self._look(ctx, segment, bound) in {Sight.THERE, Sight.UNTOLD}
        except BackupUnknown:
            return False

    def await_archived(
        self, ctx: Context, session: Session, marker: Marker, rights: MarkerRights
    ) -> Finding | None:
        """Return none as soon as the marker's WAL is there, or why that is not so in time."""
        deadline = ctx.deadline.within(self.wait, "PRESYNC_MARKER_WAIT")
        heartbeat, pause = Heartbeat(), _FIRST_PAUSE
        level = "info"  # archiving that works takes a moment as well
        # Until the storage has answered once, nothing is known of what it holds.
        unknown_yet: Finding | None = self.no_answer(max(self.wait, _ONE_LOOK))
        while True:
            try:
                sight = self._look_again(ctx, marker.segment, deadline)
                unknown_yet = unknown_yet if sight is None else None
            except BackupUnknown as error:
                sight, unknown_yet = None, from_error(error, Status.UNKNOWN)
            if sight is Sight.THERE:
                return None
            if sight is Sight.UNTOLD:
                return judge_untold(marker, self.repository)
            if deadline.remaining() <= 0:
                break
            if heartbeat.is_due(ctx.clock.monotonic()):
                told = {"stage": "marker", "segment": marker.segment, "level": level}
                message = f"{self.repository.lacks(f'WAL {marker.segment}')} yet"
                ctx.events("retry.scheduled", message, **told)
                level = "warning"
            ctx.clock.sleep(min(pause, deadline.remaining()))
            pause = min(2 * pause, _LONGEST_PAUSE)
        ctx.deadline.raise_if_over()
        if unknown_yet is not None:
            return unknown_yet
        why = why_not_archived(fetch_server_wal(session).archiver, rights)
        return judge_not_archived(marker, self.repository, self.wait, why)

    def no_answer(self, limit: timedelta, progress: Progress = _SILENCE) -> Finding:
        """Return what it means that the repository has not answered within *limit*."""
        source = self.catalog.describe()
        return judge_overdue(
            f"{source} did not answer", f"{source} was not read to its end", limit, progress
        )

    def _look_again(self, ctx: Context, segment: str, deadline: Deadline) -> Sight | None:
        """Look once more; what arrives within the last pause is seen as well."""
        left = max(timedelta(seconds=deadline.remaining()), _ONE_LOOK)
        return self._look(ctx, segment, ctx.deadline.within(left, deadline.name))

    def _look(self, ctx: Context, segment: str, bound: Deadline) -> Sight | None:
        """Return what is seen of *segment*, none when the storage does not answer in time."""
        return run_bounded(lambda: Sight(self.catalog.has_segment(segment)), bound, ctx.interrupt)
