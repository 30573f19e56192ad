"""The marker: a point in front of the first statement that a restore can get back to."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.catalogs import WalCatalog
from hook.catalogs.reading import await_reading
from hook.clock import Background, run_bounded
from hook.core.backups.backup import Backup
from hook.core.backups.freshness import usable_backup
from hook.core.backups.marker import (
    Marker,
    MarkerRights,
    exact_time,
    judge_archived,
    judge_archiving,
    judge_not_archived,
    judge_position,
    judge_rights,
    marker_name,
    why_not_archived,
    with_position,
)
from hook.core.backups.origin import ServerIdentity, judge_origin
from hook.core.backups.overdue import READING_TIMEOUT, Progress, judge_overdue
from hook.core.backups.restore_commands import RestoreSource, restore_commands
from hook.core.backups.usability import FreshnessPolicy
from hook.core.execution.heartbeat import Heartbeat
from hook.core.outcome import Finding, Status, failed, from_error, warned
from hook.errors import (
    BackupUnknown,
    DatabaseRejected,
    ExitCode,
    QueryFailed,
)
from hook.postgres.marker import (
    create_restore_point,
    fetch_marker_rights,
    fetch_position,
    refuse_other_cluster,
    switch_wal,
)
from hook.postgres.wal import fetch_server_wal

if TYPE_CHECKING:
    from hook.clock import Deadline
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget
    from hook.stages import Context

Note = Callable[[Marker], None]

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_ONE_LOOK = timedelta(seconds=1)
_SILENCE = Progress()


class _Placed(NamedTuple):
    """A marker, what the role was allowed to do, and what speaks against relying on it."""

    marker: Marker
    rights: MarkerRights
    against: Finding | None


class _Base(NamedTuple):
    """The backup that a restore begins with, and where restore commands take it from."""

    backup: Backup
    source: RestoreSource


@dataclass(frozen=True, slots=True)
class MarkerStage:
    """Makes a marker and sees it arrive in the repository of *catalog*.

    Attributes:
        source: The same repository, as restore commands name it.
        wait: How long its WAL may take to get there.
        timeout: For reading the backups, if nobody has yet.
        progress: Tells how far that reading has come.
    """

    target: ConnectionTarget
    connect: Connect
    catalog: WalCatalog
    source: RestoreSource
    wait: timedelta
    timeout: timedelta = READING_TIMEOUT
    progress: Callable[[], Progress] = Progress
    connect_timeout: timedelta = timedelta(seconds=10)
    name: str = "marker"

    def run(
        self, ctx: Context, session: Session, facts: ServerFacts, note: Note
    ) -> tuple[Finding, ...]:
        """Make the marker, wait until its WAL is seen, and judge.

        Args:
            ctx: The run.
            session: Of the run; the marker is made on another one, which is closed again.
            facts: Of *session*.
            note: Told of the marker as soon as there is one, and again when it is archived.

        Raises:
            HookError: The server could not be asked, or a stop was requested.
        """
        base = self._find_base(ctx, facts)
        placed = self._place(ctx, facts)
        source, backup = self.source, None
        if isinstance(base, _Base):
            source, backup = base.source, base.backup.label
        marker = placed.marker._replace(
            system_identifier=facts.system_identifier,
            backup=backup,
            restore=restore_commands(source, placed.marker.point._replace(backup=backup)),
        )
        note(marker)
        _tell(ctx, marker)
        against = [item for item in (base, placed.against) if isinstance(item, Finding)]
        if against:
            return tuple(against)
        began = ctx.clock.monotonic()
        missing = self._await_archived(ctx, session, marker, placed.rights)
        if missing is not None:
            return (missing,)
        note(marker._replace(is_archived=True))
        waited = timedelta(seconds=ctx.clock.monotonic() - began)
        return (judge_archived(marker, self.catalog.describe(), waited),)

    def look(self, session: Session, facts: ServerFacts) -> tuple[Finding, ...]:
        """Judge whether a run could make a marker; nothing is made.

        Raises:
            HookError: The server could not be asked.
        """
        rights = fetch_marker_rights(session)
        archiving = judge_archiving(fetch_server_wal(session).archiver)
        own = judge_rights(rights, facts.user, facts.database)
        return (own,) if archiving is None else (archiving, own)

    def _find_base(self, ctx: Context, facts: ServerFacts) -> _Base | Finding:
        """Return the backup that a restore begins with, or why there is none."""
        deadline = ctx.deadline.within(self.timeout, "the time to read the backups")
        evidence = await_reading(
            Background(self.catalog.read_evidence),
            deadline,
            ctx.bounds,
            lambda: self._no_answer(self.timeout, self.progress()),
        )
        if isinstance(evidence, Finding):
            return evidence
        server = ServerIdentity.of(facts)
        other = judge_origin(evidence.source, evidence.origin, server)
        if other is not None:
            return other
        # How old it may be is another gate's business.
        policy = FreshnessPolicy(timedelta.max, server)
        backup = usable_backup(evidence, policy, ctx.clock.now())
        if backup is None:
            return failed(
                ExitCode.NO_WAY_BACK,
                "marker-backup",
                f"there is no usable backup in {evidence.source} that a restore could begin with",
                f"Take a full backup ({evidence.full_backup_command}).",
            )
        source = evidence.restored_from or self.source
        return _Base(backup, source._replace(repo=backup.repo or source.repo))

    def _place(self, ctx: Context, facts: ServerFacts) -> _Placed:
        """Make the marker on a session of its own, which has nothing open and is closed."""
        with self.connect(
            self.target, self.name, ctx.run_id, ctx.bounds, self.connect_timeout
        ) as session:
            refuse_other_cluster(session, facts.system_identifier)
            rights = fetch_marker_rights(session)
            wal = fetch_server_wal(session)
            against = judge_archiving(wal.archiver)
            if against is None and not rights.may_create:
                against = judge_rights(rights, facts.user, facts.database)
            if against is not None:
                position = fetch_position(session)
                return _Placed(position, rights, with_position(against, position))
            name = marker_name(facts.database, wal.time, secrets.token_hex(4))
            marker = create_restore_point(session, name)
            if rights.may_switch:
                switch_wal(session)
            return _Placed(marker, rights, None)

    def _await_archived(
        self, ctx: Context, session: Session, marker: Marker, rights: MarkerRights
    ) -> Finding | None:
        """Return none as soon as the marker's WAL is seen, or why it is not in time."""
        deadline = ctx.deadline.within(self.wait, "PRESYNC_MARKER_WAIT")
        heartbeat, pause = Heartbeat(), _FIRST_PAUSE
        level = "info"  # archiving that works takes a moment as well
        # Until the storage has answered once, nothing is known of what it holds.
        unknown_yet: Finding | None = self._no_answer(max(self.wait, _ONE_LOOK))
        while True:
            try:
                seen = self._look(ctx, marker, deadline)
                unknown_yet = unknown_yet if seen is None else None
            except BackupUnknown as error:
                seen, unknown_yet = None, from_error(error, Status.UNKNOWN)
            if seen:
                return None
            if deadline.remaining() <= 0:
                break
            if heartbeat.is_due(ctx.clock.monotonic()):
                message = f"WAL {marker.segment} is not in {self.catalog.describe()} yet"
                told = {"stage": self.name, "segment": marker.segment, "level": level}
                ctx.events("retry.scheduled", message, **told)
                level = "warning"
            ctx.clock.sleep(min(pause, deadline.remaining()))
            pause = min(2 * pause, _LONGEST_PAUSE)
        ctx.deadline.raise_if_over()
        if unknown_yet is not None:
            return unknown_yet
        why = why_not_archived(fetch_server_wal(session).archiver, rights)
        return judge_not_archived(marker, self.catalog.describe(), self.wait, why)

    def _look(self, ctx: Context, marker: Marker, deadline: Deadline) -> bool | None:
        """Tell whether the marker's WAL is there, none when the storage does not answer.

        What arrives within the last pause is seen as well.
        """
        left = max(timedelta(seconds=deadline.remaining()), _ONE_LOOK)
        bound = ctx.deadline.within(left, deadline.name)
        return run_bounded(lambda: self.catalog.has_segment(marker.segment), bound, ctx.interrupt)

    def _no_answer(self, limit: timedelta, progress: Progress = _SILENCE) -> Finding:
        source = self.catalog.describe()
        return judge_overdue(
            f"{source} did not answer", f"{source} was not read to its end", limit, progress
        )


@dataclass(frozen=True, slots=True)
class PositionStage:
    """Notes where the run begins, in front of a place that keeps no WAL.

    Attributes:
        source: What a restore would begin with, none without a backup source.
        dump: The dump that it would be, none for anything else.
    """

    source: RestoreSource | None
    dump: Backup | None = None
    name: str = "marker"

    def run(
        self, ctx: Context, session: Session, facts: ServerFacts, note: Note
    ) -> tuple[Finding, ...]:
        """Note the position; nothing is made, and nothing waited for.

        Raises:
            HookError: The connection is lost, or a stop was requested.
        """
        try:
            marker = fetch_position(session)
        except (DatabaseRejected, QueryFailed) as error:
            message = f"the position in the server's log cannot be read: {error.message}"
            return (warned("marker-position", message, error.hint),)
        marker = marker._replace(system_identifier=facts.system_identifier)
        point = marker.point
        if self.dump is not None:
            marker = marker._replace(backup=self.dump.label)
            point = point._replace(backup=self.dump.label, form=self.dump.form)
        if self.source is not None:
            marker = marker._replace(restore=restore_commands(self.source, point))
        note(marker)
        _tell(ctx, marker)
        return (judge_position(marker),)

    def look(self, _session: Session, _facts: ServerFacts) -> tuple[Finding, ...]:
        """Say that there will be no marker."""
        message = "no WAL archive is looked at, so no marker is made"
        return (Finding(Status.SKIPPED, "marker-source", message),)


def _tell(ctx: Context, marker: Marker) -> None:
    ctx.events(
        "marker.recorded",
        f"the run begins at {marker.describe()}",
        name=marker.name,
        lsn=marker.lsn,
        time=exact_time(marker.time),
        timeline=marker.timeline,
        segment=marker.segment,
        backup=marker.backup,
    )
