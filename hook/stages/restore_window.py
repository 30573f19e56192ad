"""The archive gate of a managed service: how close to now can it restore?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.catalogs import BackupCatalog
from hook.catalogs.reading import await_reading
from hook.clock import Background
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.overdue import READING_TIMEOUT, Progress, judge_overdue
from hook.core.backups.restore_window import WindowJudgement, judge_restore_window
from hook.core.outcome import Finding

if TYPE_CHECKING:
    from hook.stages import Context

Finish = Callable[[], tuple[Finding, ...]]
Note = Callable[[WindowJudgement], None]


@dataclass(frozen=True, slots=True)
class RestoreWindowStage:
    """Judges what *catalog* says that a restore can reach.

    Attributes:
        max_lag: How far back the end of the window may lie.
        timeout: For the whole reading, whatever single requests may take.
    """

    catalog: BackupCatalog
    max_lag: timedelta
    timeout: timedelta = READING_TIMEOUT
    name: str = "archive"

    def start(self, ctx: Context, _session: object, server: ServerIdentity, note: Note) -> Finish:
        """Begin to ask the service, and return what waits for it and judges.

        What is made of its window is given to *note* as well.

        What is returned raises:
            DeadlineExceeded: The deadline of the whole run ended first.
            Interrupted: A stop was requested meanwhile.
        """
        deadline = ctx.deadline.within(self.timeout, "the time to read the restore window")
        reading = Background(self.catalog.read_evidence)

        def finish() -> tuple[Finding, ...]:
            evidence = await_reading(reading, deadline, ctx.bounds, self._no_answer)
            if isinstance(evidence, Finding):
                return (evidence,)
            judgement = judge_restore_window(evidence, server, self.max_lag, ctx.clock.now())
            note(judgement)
            return (judgement.finding,)

        return finish

    def _no_answer(self) -> Finding:
        silent = f"{self.catalog.describe()} did not tell its restore window"
        return judge_overdue(silent, silent, self.timeout, Progress())
