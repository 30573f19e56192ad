"""Have a backup made, once, and wait for it; the gates then judge what the storage holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from hook.clock import Background, Deadline
from hook.core.backups.backup_made import (
    Made,
    tell_ended,
    tell_failed,
    tell_silent,
    tell_unfinished,
)
from hook.core.execution.heartbeat import Heartbeat
from hook.core.outcome import Finding, from_error
from hook.errors import BackupSourceMissing, BackupUnknown, HookError
from hook.stages import Outcome
from hook.triggers import Begun, Phase, Standing, Trigger, Wanted

if TYPE_CHECKING:
    from hook.stages import Context

T = TypeVar("T")

SETTING = "PRESYNC_BACKUP_TRIGGER_TIMEOUT"
# A single failure to look may be a passing one.
_FAILED_LOOKS = 5


@dataclass(frozen=True, slots=True)
class TriggerStage:
    """Makes at most one backup by what *open_trigger* returns.

    Attributes:
        timeout: For the backup, from beginning to end.
        request_timeout: For one question to whoever makes it.
    """

    open_trigger: Callable[[], Trigger]
    timeout: timedelta
    request_timeout: timedelta = timedelta(seconds=60)
    name: str = "trigger"

    def run(self, ctx: Context, size: int | None, keep_alive: Callable[[], None]) -> Outcome[None]:
        """Begin a backup, or take up one that is being made, and wait for its end.

        Args:
            ctx: The run.
            size: Of the database, none where the role may not see it.
            keep_alive: Called between two looks, so that waiting ends no session.

        Returns:
            How the wait ended, and behind it what stays half-done. A backup that could not be
            begun, the deadline of the run, a stop request, and what *keep_alive* raises are
            findings as well: whatever stays is told beside them.
        """
        findings: list[Finding] = []
        trigger = self.open_trigger()
        try:
            wanted = Wanted(ctx.run_id, size)
            findings.append(self._make(ctx, trigger, wanted, keep_alive))
        except HookError as error:
            findings.append(from_error(error))
        finally:
            findings += trigger.close()
        return Outcome(tuple(findings), None)

    def _make(
        self, ctx: Context, trigger: Trigger, wanted: Wanted, keep_alive: Callable[[], None]
    ) -> Finding:
        started = ctx.clock.monotonic()
        deadline = ctx.deadline.within(self.timeout, SETTING)
        begun = self._ask(ctx, deadline, lambda: trigger.begin(wanted))
        if begun is None:
            ctx.deadline.raise_if_over()
            raise BackupUnknown(
                f"{trigger.describe()} did not begin within"
                f" {self.request_timeout.total_seconds():g}s",
                "Check network policies and proxies between this pod and what makes the backup.",
            )
        verb = "taken up" if begun.is_adopted else "begun"
        ctx.events("backup.started", f"{begun.name} {verb}", stage=self.name, backup=begun.name)

        def made() -> Made:
            waited = timedelta(seconds=ctx.clock.monotonic() - started)
            return Made(begun.name, trigger.describe(), begun.is_adopted, waited)

        return self._watch(ctx, deadline, _Watched(trigger, begun, made, keep_alive))

    def _watch(self, ctx: Context, deadline: Deadline, watched: _Watched) -> Finding:
        heartbeat, failures = Heartbeat(), 0
        while deadline.remaining() > 0:
            standing = Standing(Phase.RUNNING)
            try:
                standing = self._ask(ctx, deadline, watched.trigger.look) or standing
                failures = 0
            except (BackupUnknown, BackupSourceMissing) as error:
                failures += 1
                if failures == _FAILED_LOOKS:
                    return tell_silent(watched.made(), error.message)
                standing = Standing(Phase.RUNNING, error.message)
            if standing.phase is Phase.ENDED:
                return tell_ended(watched.made())
            if standing.phase is Phase.FAILED:
                return tell_failed(watched.made(), standing.detail)
            if heartbeat.is_due(ctx.clock.monotonic()):
                self._tell_progress(ctx, watched, standing)
            watched.keep_alive()
            pause = watched.trigger.poll.total_seconds()
            ctx.clock.sleep(min(pause, deadline.remaining()))
        ctx.deadline.raise_if_over()
        return tell_unfinished(watched.made(), SETTING)

    def _ask(self, ctx: Context, deadline: Deadline, work: Callable[[], T]) -> T | None:
        within = deadline.within(self.request_timeout, "the time for one request")
        return Background(work).result(within, ctx.interrupt)

    def _tell_progress(self, ctx: Context, watched: _Watched, standing: Standing) -> None:
        detail = f": {standing.detail}" if standing.detail else ""
        waited = watched.made().waited // timedelta(milliseconds=1)
        ctx.events(
            "backup.progress",
            f"{watched.begun.name} is being made{detail}",
            stage=self.name,
            backup=watched.begun.name,
            waited_ms=waited,
        )


@dataclass(frozen=True, slots=True)
class _Watched:
    """A backup that is being made, and what to do meanwhile."""

    trigger: Trigger
    begun: Begun
    made: Callable[[], Made]
    keep_alive: Callable[[], None]
