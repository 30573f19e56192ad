"""Clocks that are not right, in front of the backup gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hook.catalogs.opening import Catalogs
from hook.clock import Clock
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding, Status
from hook.errors import ExitCode
from hook.stages.backup import BackupStage
from tests.testbed.backup_gate import ignore, running_context

HOUR = timedelta(hours=1)
_NONE = timedelta(0)


class WrongClock:
    """A clock beside the right one."""

    def __init__(self, right: Clock, off: timedelta) -> None:
        self.right = right
        self.off = off

    def now(self) -> datetime:
        """Return the wrong time."""
        return self.right.now() + self.off

    def monotonic(self) -> float:
        """Return what no clock on the wall changes."""
        return self.right.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep as long as anybody."""
        self.right.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Off:
    """How far ahead of the right time each clock is; the backup host's is in the backups."""

    node: timedelta = _NONE
    server: timedelta = _NONE
    storage: timedelta = _NONE


RIGHT = Off()


def judge_by(
    catalogs: Catalogs, identity: ServerIdentity, off: Off, max_age: timedelta = 24 * HOUR
) -> tuple[Finding, ...]:
    """Return what the gate says of the backups in *catalogs*, its own clock as *off* has it."""
    stage = BackupStage(catalogs.backups, max_age, HOUR)
    with running_context() as ctx:
        here = ctx._replace(clock=WrongClock(ctx.clock, off.node))
        ahead = off.server - off.node
        return stage.start(here, identity._replace(clock_ahead=ahead), ignore)()


def clocks_told(findings: tuple[Finding, ...]) -> Iterator[str]:
    """Yield the clocks that *findings* tell this machine's apart from; both times are shown."""
    for item in findings:
        if item.rule == "backup-clock":
            assert (item.status, item.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
            other = str(item.facts["clock"])
            assert f"this machine's clock ({item.facts['here_at']}) and the {other}" in item.message
            assert f"({item.facts['there_at']}) lie " in item.message
            assert " apart (limit 5m)" in item.message
            assert f"of the {other}, then run again." in item.hint
            yield other
