"""The backup gate: is there a usable backup, young enough, of this very cluster?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from hook.catalogs import BackupCatalog
from hook.catalogs.reading import await_reading
from hook.clock import Background, Clock
from hook.core.backups.backup import Evidence
from hook.core.backups.clock_judgement import Asked
from hook.core.backups.freshness import Freshness, judge_freshness
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.overdue import READING_TIMEOUT, Progress, judge_overdue
from hook.core.backups.usability import DEFAULT_CLOCK_SKEW, FreshnessPolicy
from hook.core.outcome import Finding, failed, warned
from hook.errors import ExitCode
from hook.stages import Context

Finish = Callable[[], tuple[Finding, ...]]
Note = Callable[[Freshness], None]


@dataclass(frozen=True, slots=True)
class BackupStage:
    """Judges the backups of *catalog*; none means that nobody wants one.

    Attributes:
        max_age: How old the newest usable backup may be.
        timeout: For the whole reading, whatever single requests may take.
        progress: Tells how far the reading has come.
        clock_skew: How far two honest clocks may lie apart.
    """

    catalog: BackupCatalog | None
    max_age: timedelta
    timeout: timedelta = READING_TIMEOUT
    progress: Callable[[], Progress] = Progress
    clock_skew: timedelta = DEFAULT_CLOCK_SKEW
    name: str = "backup"

    def start(self, ctx: Context, server: ServerIdentity, note: Note) -> Finish:
        """Begin to read the evidence, and return what waits for it and judges.

        What is made of the backups is given to *note* as well.

        What is returned raises:
            DeadlineExceeded: The deadline of the whole run ended first.
            Interrupted: A stop was requested meanwhile.
        """
        catalog = self.catalog
        if catalog is None:
            message = "no backup is required by PRESYNC_BACKUP_SOURCE=none"
            return lambda: (warned("backup-source", message),)
        deadline = ctx.deadline.within(self.timeout, "the time to read the backups")
        reading = Background(lambda: _read(catalog, ctx.clock))

        def finish() -> tuple[Finding, ...]:
            answer = await_reading(reading, deadline, ctx.bounds, lambda: self._no_answer(catalog))
            if isinstance(answer, Finding):
                return (answer,)
            evidence, asked = answer
            policy = FreshnessPolicy(self.max_age, server, self.clock_skew)
            freshness = judge_freshness(evidence, policy, ctx.clock.now(), asked)
            note(freshness)
            return freshness.findings

        return finish

    def _no_answer(self, catalog: BackupCatalog) -> Finding:
        source = catalog.describe()
        return judge_overdue(
            f"{source} did not answer",
            f"{source} was not read to its end",
            self.timeout,
            self.progress(),
        )


def _read(catalog: BackupCatalog, clock: Clock) -> tuple[Evidence, Asked]:
    """Return the evidence, and when it was read: other gates may be waited for meanwhile."""
    began = clock.now()
    evidence = catalog.read_evidence()
    return evidence, Asked(began, clock.now())


@dataclass(frozen=True, slots=True)
class NoBackupSource:
    """Refuses: nobody said where the backups are, nor that none is wanted."""

    name: str = "backup"

    def start(self, _ctx: Context, _server: ServerIdentity, _note: Note) -> Finish:
        """Return what refuses; nothing is looked at."""
        return lambda: (
            failed(
                ExitCode.CONFIG,
                "backup-source",
                "nothing can prove a way back: PRESYNC_BACKUP_SOURCE is not set",
                "Set PRESYNC_BACKUP_SOURCE to the backup repository, or to none on purpose.",
            ),
        )
