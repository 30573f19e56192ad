"""Have a backup made, once, and wait for it; the gates then judge what the storage holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from hook.clock import run_bounded
from hook.core.backups.backup_made import Made, Wait, Waited, tell_left, tell_waited
from hook.core.execution.heartbeat import Heartbeat
from hook.core.outcome import from_error
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
            findings as well, with what becomes of the backup.
        """
        trigger = self.open_trigger()
        making = _Making(ctx, self, trigger)
        try:
            wait: Wait | HookError = making.wait(Wanted(ctx.run_id, size), keep_alive)
        except HookError as error:
            wait = error
        finally:
            left = trigger.close()
        if isinstance(wait, HookError):
            finding = from_error(tell_left(wait, trigger.describe(), making.made, left.rest))
        else:
            finding = tell_waited(wait, left.rest)
        return Outcome((finding, *left.findings), None)


class _Making:
    """The one backup that a stage has made by *trigger*."""

    def __init__(self, ctx: Context, stage: TriggerStage, trigger: Trigger) -> None:
        self._ctx = ctx
        self._stage = stage
        self._trigger = trigger
        self._began = ctx.clock.monotonic()
        self._deadline = ctx.deadline.within(stage.timeout, SETTING)
        self._begun: Begun | None = None

    @property
    def made(self) -> Made | None:
        """Return the backup as it is now, none as long as nobody knows of one."""
        return None if self._begun is None else self._describe(self._begun)

    def wait(self, wanted: Wanted, keep_alive: Callable[[], None]) -> Wait:
        """Begin and wait, see `TriggerStage.run`."""
        begun = self._begin(wanted)
        heartbeat, failures = Heartbeat(), 0
        while self._deadline.remaining() > 0:
            standing = Standing(Phase.RUNNING)
            try:
                standing = self._ask(self._trigger.look) or standing
                failures = 0
            except (BackupUnknown, BackupSourceMissing) as error:
                failures += 1
                if failures == _FAILED_LOOKS:
                    return Wait(self._describe(begun), Waited.SILENT, error.message)
                standing = Standing(Phase.RUNNING, error.message)
            if standing.phase is Phase.ENDED:
                return Wait(self._describe(begun), Waited.ENDED)
            if standing.phase is Phase.FAILED:
                return Wait(self._describe(begun), Waited.FAILED, standing.detail)
            if heartbeat.is_due(self._ctx.clock.monotonic()):
                self._tell_progress(self._describe(begun), standing)
            keep_alive()
            pause = self._trigger.poll.total_seconds()
            self._ctx.clock.sleep(min(pause, self._deadline.remaining()))
        self._ctx.deadline.raise_if_over()
        return Wait(self._describe(begun), Waited.UNFINISHED, SETTING)

    def _begin(self, wanted: Wanted) -> Begun:
        begun = self._ask(lambda: self._trigger.begin(wanted))
        if begun is None:
            self._ctx.deadline.raise_if_over()
            raise BackupUnknown(
                f"{self._trigger.describe()} did not begin within"
                f" {self._stage.request_timeout.total_seconds():g}s",
                "Check network policies and proxies between this pod and what makes the backup;"
                " the next run takes up what has begun all the same.",
            )
        self._begun = begun
        verb = "taken up" if begun.is_adopted else "begun"
        self._tell("backup.started", f"{begun.name} {verb}", begun.name)
        return begun

    def _ask(self, work: Callable[[], T]) -> T | None:
        within = self._deadline.within(self._stage.request_timeout, "the time for one request")
        return run_bounded(work, within, self._ctx.interrupt)

    def _describe(self, begun: Begun) -> Made:
        waited = timedelta(seconds=self._ctx.clock.monotonic() - self._began)
        return Made(begun.name, self._trigger.describe(), begun.is_adopted, waited)

    def _tell_progress(self, made: Made, standing: Standing) -> None:
        detail = f": {standing.detail}" if standing.detail else ""
        waited = made.waited // timedelta(milliseconds=1)
        self._tell(
            "backup.progress", f"{made.name} is being made{detail}", made.name, waited_ms=waited
        )

    def _tell(self, event: str, message: str, backup: str, **facts: object) -> None:
        self._ctx.events(event, message, stage=self._stage.name, backup=backup, **facts)
