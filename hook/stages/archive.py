"""The archive gate: does WAL lead from the newest usable backup to now, without a hole?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.catalogs import WalCatalog
from hook.catalogs.reading import await_reading
from hook.clock import Background
from hook.core.backups.archive import ArchiveEvidence, ServerWal
from hook.core.backups.archive_judgement import ArchiveJudgement, judge_archive
from hook.core.backups.archiver_judgement import judge_archiver
from hook.core.backups.backup_table import WalFound, Way
from hook.core.backups.freshness import usable_backup
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.other_writer import may_be_of_another
from hook.core.backups.overdue import READING_TIMEOUT, Progress, judge_overdue
from hook.core.backups.restore_window import WindowJudgement, judge_restore_window
from hook.core.backups.usability import FreshnessPolicy
from hook.core.backups.wal import Recovery, parse_lsn, parse_segment
from hook.core.outcome import Finding, Status, failed, unknown
from hook.errors import ExitCode, HookError
from hook.postgres.marker import fetch_position
from hook.postgres.wal import fetch_server_wal

if TYPE_CHECKING:
    from hook.core.backups.backup import Backup
    from hook.postgres.session import Session
    from hook.stages import Context

Finish = Callable[[], tuple[Finding, ...]]
Note = Callable[[Way], None]


class _Looked(NamedTuple):
    """What the archive holds behind the backup *label* of the cluster *identifier*."""

    label: str
    evidence: ArchiveEvidence
    identifier: str


@dataclass(frozen=True, slots=True)
class ArchiveStage:
    """Judges the WAL archive of *catalog*, and the archiver of the server itself.

    Attributes:
        max_lag: How old the oldest WAL may be that is not archived.
        timeout: For the whole reading, whatever single requests may take.
        progress: Tells how far the reading has come.
    """

    catalog: WalCatalog
    max_lag: timedelta
    timeout: timedelta = READING_TIMEOUT
    progress: Callable[[], Progress] = Progress
    name: str = "archive"

    def start(self, ctx: Context, session: Session, identity: ServerIdentity, note: Note) -> Finish:
        """Ask the server, begin to read the archive, and return what waits for it and judges.

        The server comes first: what it says is archived by then has to be there. What is
        found is given to *note* as well.
        """
        server = _ask(session)
        now = ctx.clock.now()
        deadline = ctx.deadline.within(self.timeout, "the time to read the WAL archive")
        reading = Background(lambda: self._read(server, identity, now))

        def finish() -> tuple[Finding, ...]:
            answer = await_reading(reading, deadline, ctx.bounds, self._no_answer)
            found = _nothing(answer) if isinstance(answer, Finding) else answer
            if isinstance(found, _Looked):
                found = self._judge(found, session, _told(server))
            note(found)
            if isinstance(found, WindowJudgement):
                return (found.finding,)
            return (judge_archiver(_told(server).archiver), *found.judgement.findings)

        return finish

    def _read(
        self, server: ServerWal | HookError, identity: ServerIdentity, now: datetime
    ) -> Way | _Looked:
        """Return what is found behind the newest usable backup, or why nobody looked.

        Raises:
            HookError: The server or the archive could not be asked.
        """
        evidence = self.catalog.read_evidence()
        if evidence.window is not None:
            # A service that tells one keeps the WAL to itself, and its server need not tell.
            return judge_restore_window(evidence, identity, self.max_lag, now)
        told = _told(server)
        if identity.system_identifier is None:
            return _nothing(
                unknown(
                    ExitCode.UNKNOWN_BACKUP,
                    "wal-cluster",
                    "the server does not tell its system identifier, so the WAL may be of another"
                    " cluster",
                    "Grant EXECUTE on function pg_control_system() to the migrating role.",
                )
            )
        # The age of the backup is another gate's: an old one begins the way as well.
        policy = FreshnessPolicy(timedelta.max, identity)
        backup = usable_backup(evidence, policy, now)
        if backup is None:
            return _nothing(
                failed(
                    ExitCode.NO_WAY_BACK,
                    "wal-archive",
                    f"there is no usable backup in {evidence.source} to replay WAL on",
                    f"Take a full backup ({evidence.full_backup_command}).",
                )
            )
        return self._look_behind(backup, evidence.backup_command, told, identity.system_identifier)

    def _look_behind(
        self, backup: Backup, backup_command: str, server: ServerWal, identifier: str
    ) -> WalFound | _Looked:
        recovery = _recovery(backup, server)
        if recovery is None:
            finding = unknown(
                ExitCode.UNKNOWN_BACKUP,
                "wal-archive",
                f"backup {backup.label} does not tell where in the WAL it begins and ends",
                f"Take an online backup ({backup_command}).",
            )
            return _nothing(finding, backup.label)
        return _Looked(backup.label, self.catalog.read_archive(recovery), identifier)

    def _judge(self, looked: _Looked, session: Session, server: ServerWal) -> WalFound:
        """Judge what was found, and ask the server again where it is ahead of what that said.

        Raises:
            HookError: The server could not be asked.
        """
        label, evidence, identifier = looked
        if may_be_of_another(evidence, server):
            server = server._replace(reached=parse_lsn(fetch_position(session).lsn))
        return WalFound(label, judge_archive(evidence, server, self.max_lag, identifier))

    def _no_answer(self) -> Finding:
        source = self.catalog.describe()
        return judge_overdue(
            f"{source} did not tell its WAL",
            f"the WAL in {source} was not looked through",
            self.timeout,
            self.progress(),
        )


@dataclass(frozen=True, slots=True)
class NoArchive:
    """Says that there is no archive to look at, and why."""

    reason: str
    name: str = "archive"

    def start(
        self, _ctx: Context, _session: Session, _identity: ServerIdentity, _note: Note
    ) -> Finish:
        """Return what tells it; nothing is looked at."""
        return lambda: (Finding(Status.SKIPPED, "archive-source", self.reason),)


def _ask(session: Session) -> ServerWal | HookError:
    """Return what the server tells of its WAL, or why it does not; that may not matter."""
    try:
        return fetch_server_wal(session)
    except HookError as error:
        return error


def _told(server: ServerWal | HookError) -> ServerWal:
    if isinstance(server, HookError):
        raise server
    return server


def _nothing(finding: Finding, label: str | None = None) -> WalFound:
    return WalFound(label, ArchiveJudgement((finding,), finding))


def _recovery(backup: Backup, server: ServerWal) -> Recovery | None:
    if backup.wal_start is None or backup.lsn_stop is None:
        return None
    start = parse_segment(backup.wal_start, server.segment_size)
    if start is None:
        return None
    return Recovery(start, parse_lsn(backup.lsn_stop), server.current, server.segment_size)
