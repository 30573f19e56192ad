"""The report of a run: one value from which every output is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.progress import Progress
from hook.core.outcome import Result
from hook.core.schema_history.history import MigrationInfo
from hook.core.scripts.script import Migration
from hook.errors import ExitCode

if TYPE_CHECKING:
    from hook.core.backups.backup_table import BackupTable
    from hook.core.backups.marker import Marker
    from hook.core.reporting.override import Override
    from hook.core.reporting.past_run import PastRun
    from hook.core.schema_history.info_filter import InfoFilter
    from hook.core.scripts.waivers import Waived
    from hook.core.sql.locks import LockRequest

SCHEMA = "presync.report/1"


class AppliedMigration(NamedTuple):
    """A migration that this run applied. Durations are whole milliseconds.

    Attributes:
        executed: Otherwise it was recorded as applied and not run.
        line: 1-based line of its first statement, 0 for a script without any.
        locks: What its statements asked for, as far as the script tells.
    """

    version: str | None
    description: str
    script: str
    duration_ms: int
    attempts: int
    transactional: bool
    executed: bool = True
    line: int = 0
    locks: tuple[LockRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class SetSummary:
    """The migrations of this release. *digest* is ``sha256:`` and hex.

    Attributes:
        undo: Scripts that would undo a version; they are never run.
    """

    digest: str
    count: int
    newest: str | None
    undo: tuple[Migration, ...] = ()


class Report(NamedTuple):
    """Everything a run found and did.

    Attributes:
        verdict: The one line that every reader sees, see `hook.core.reporting.verdict`.
        database: Server facts, ready for JSON; empty when never reached.
        before: ``{"version": …}`` as read before the run, empty when unknown.
        after: The same after the run.
        infos: The table of states, rendered by `info` only.
        runs: Past runs, rendered by ``info --runs`` only; none for everything else.
        shown: What of it is rendered, none for all.
        next_steps: Commands that exist, for whoever reads the failure.
        marker: Where the run began in the server's log, none when nobody looked.
        backups: Those that the gates looked at, none when nobody did.
        progress: How far the database was changed.
        waivers: What the scripts that are about to run allow.
    """

    command: str
    run_id: str
    verdict: str
    exit_code: ExitCode
    started_at: datetime
    finished_at: datetime
    duration_ms: int = 0
    results: tuple[Result, ...] = ()
    database: Mapping[str, object] = MappingProxyType({})
    migration_set: SetSummary | None = None
    before: Mapping[str, object] = MappingProxyType({})
    after: Mapping[str, object] = MappingProxyType({})
    migrations: tuple[AppliedMigration, ...] = ()
    pending: tuple[str, ...] = ()
    infos: tuple[MigrationInfo, ...] = ()
    runs: tuple[PastRun, ...] | None = None
    shown: InfoFilter | None = None
    overrides: tuple[Override, ...] = ()
    next_steps: tuple[str, ...] = ()
    marker: Marker | None = None
    backups: BackupTable | None = None
    progress: Progress = Progress.UNTOUCHED
    waivers: tuple[Waived, ...] = ()

    @property
    def has_way_back(self) -> bool:
        """Tell whether there is something to go back from, and a way to do it."""
        is_changed = self.progress in {Progress.COMMITTED, Progress.UNKNOWN}
        return (
            self.marker is not None
            and bool(self.marker.restore)
            and (is_changed or bool(self.migrations))
        )
