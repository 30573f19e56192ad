"""The archive gate: does WAL lead from the newest usable backup to now, without a hole?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hook.catalogs import WalCatalog
from hook.clock import Background
from hook.core.archive import ArchiveEvidence, ServerWal
from hook.core.archive_judgement import judge_archive
from hook.core.archiver_judgement import judge_archiver
from hook.core.freshness import DEFAULT_CLOCK_SKEW, FreshnessPolicy, usable_backup
from hook.core.origin import ServerIdentity
from hook.core.outcome import Finding, Status, failed, from_error, unknown
from hook.core.wal import Recovery, parse_lsn, parse_segment
from hook.errors import BackupSourceMissing, BackupUnknown, ExitCode
from hook.postgres.wal import fetch_server_wal

if TYPE_CHECKING:
    from hook.core.backup import Backup
    from hook.postgres.session import Session
    from hook.stages import Context

Finish = Callable[[], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class ArchiveStage:
    """Judges the WAL archive of *catalog*, and the archiver of the server itself.

    Attributes:
        max_lag: How old the oldest WAL may be that is not archived.
        timeout: For the whole reading, whatever single requests may take.
    """

    catalog: WalCatalog
    max_lag: timedelta
    timeout: timedelta = timedelta(seconds=30)
    name: str = "archive"

    def start(self, ctx: Context, session: Session, identity: ServerIdentity) -> Finish:
        """Ask the server, begin to read the archive, and return what waits for it and judges.

        The server comes first: what it says is archived by then has to be there.

        Raises:
            HookError: The server could not be asked.
        """
        server = fetch_server_wal(session)
        now = ctx.clock.now()
        deadline = ctx.deadline.within(self.timeout, "the time to read the WAL archive")
        reading = Background(lambda: self._read(server, identity, now))

        def finish() -> tuple[Finding, ...]:
            archiver = judge_archiver(server.archiver)
            try:
                evidence = reading.result(deadline, ctx.interrupt)
            except BackupSourceMissing as error:
                return (archiver, from_error(error))
            except BackupUnknown as error:
                return (archiver, from_error(error, Status.UNKNOWN))
            if evidence is None:
                ctx.deadline.raise_if_over()
                return (archiver, self._no_answer())
            if isinstance(evidence, Finding):
                return (archiver, evidence)
            return (
                archiver,
                *judge_archive(evidence, server, self.max_lag, identity.system_identifier or ""),
            )

        return finish

    def _read(
        self, server: ServerWal, identity: ServerIdentity, now: datetime
    ) -> ArchiveEvidence | Finding:
        evidence = self.catalog.read_evidence()
        if identity.system_identifier is None:
            return unknown(
                ExitCode.UNKNOWN_BACKUP,
                "wal-cluster",
                "the server does not tell its system identifier, so the WAL may be of another"
                " cluster",
                "Grant EXECUTE on function pg_control_system() to the migrating role.",
            )
        # The age of the backup is another gate's: an old one begins the way as well.
        policy = FreshnessPolicy(timedelta.max, identity, DEFAULT_CLOCK_SKEW)
        backup = usable_backup(evidence, policy, now)
        if backup is None:
            return failed(
                ExitCode.NO_WAY_BACK,
                "wal-archive",
                f"there is no usable backup in {evidence.source} to replay WAL on",
                f"Take a full backup ({evidence.full_backup_command}).",
            )
        recovery = _recovery(backup, server)
        if recovery is None:
            return unknown(
                ExitCode.UNKNOWN_BACKUP,
                "wal-archive",
                f"backup {backup.label} does not tell where in the WAL it begins and ends",
                f"Take an online backup ({evidence.backup_command}).",
            )
        return self.catalog.read_archive(recovery)

    def _no_answer(self) -> Finding:
        return unknown(
            ExitCode.UNKNOWN_BACKUP,
            BackupUnknown.rule,
            f"{self.catalog.describe()} did not tell its WAL within"
            f" {self.timeout.total_seconds():g}s",
            "Check the endpoint, network policies and proxies between this pod and the storage.",
        )


@dataclass(frozen=True, slots=True)
class NoArchive:
    """Says that there is no archive to look at, and why."""

    reason: str
    name: str = "archive"

    def start(self, _ctx: Context, _session: Session, _identity: ServerIdentity) -> Finish:
        """Return what tells it; nothing is looked at."""
        return lambda: (Finding(Status.SKIPPED, "archive-source", self.reason),)


def _recovery(backup: Backup, server: ServerWal) -> Recovery | None:
    if backup.wal_start is None or backup.lsn_stop is None:
        return None
    start = parse_segment(backup.wal_start, server.segment_size)
    if start is None:
        return None
    return Recovery(start, parse_lsn(backup.lsn_stop), server.current, server.segment_size)
