"""The marker: a point in front of the first statement that a restore can get back to."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.catalogs import WalCatalog
from hook.catalogs.reading import await_reading
from hook.clock import Background
from hook.core.backups.backup import Backup
from hook.core.backups.freshness import usable_backup
from hook.core.backups.marker import (
    Sight,
    judge_archived,
    judge_archiving,
    judge_rights,
    marker_name,
    with_position,
)
from hook.core.backups.origin import ServerIdentity, judge_origin
from hook.core.backups.other_writer import judge_base, judge_early
from hook.core.backups.overdue import READING_TIMEOUT, Progress
from hook.core.backups.restore_commands import RestoreSource, restore_commands
from hook.core.backups.usability import FreshnessPolicy
from hook.core.backups.wal import names_between
from hook.core.outcome import Finding, failed
from hook.errors import ExitCode
from hook.postgres.marker import (
    create_restore_point,
    fetch_marker_rights,
    fetch_position,
    refuse_other_cluster,
    refuse_other_timeline,
    switch_wal,
)
from hook.postgres.wal import fetch_server_wal
from hook.stages.marker.arrival import Arrival, Placed
from hook.stages.marker.telling import Note, tell

if TYPE_CHECKING:
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget
    from hook.stages import Context


class _Base(NamedTuple):
    """The backup that a restore begins with, and where restore commands take it from."""

    source: RestoreSource
    backup: Backup


@dataclass(frozen=True, slots=True)
class MarkerStage:
    """Makes a marker and sees it arrive in the repository of *catalog*.

    Attributes:
        source: The same repository, as restore commands name it.
        wait: How long its WAL may take to get there.
        timeout: For reading the backups, if nobody has yet.
        progress: Tells how far that reading has come.
        is_told: A command tells what is in the repository, and nothing is looked at.
        whole_to: The segment up to which all WAL was seen to be there, none when nobody looked.
    """

    target: ConnectionTarget
    connect: Connect
    catalog: WalCatalog
    source: RestoreSource
    wait: timedelta
    timeout: timedelta = READING_TIMEOUT
    progress: Callable[[], Progress] = Progress
    connect_timeout: timedelta = timedelta(seconds=10)
    is_told: bool = False
    whole_to: str | None = None
    name: str = "marker"

    @property
    def _arrival(self) -> Arrival:
        return Arrival(self.catalog, self.is_told, self.wait)

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
        placed = self._place(ctx, facts, base)
        source, point = self.source, placed.marker.point
        if isinstance(base, _Base):
            source, backup = base
            point = point._replace(backup=backup.label, backup_timeline=backup.timeline)
        marker = placed.marker._replace(
            system_identifier=facts.system_identifier,
            backup=point.backup,
            restore=restore_commands(source, point),
        )
        note(marker)
        tell(ctx, marker)
        against = [item for item in (base, placed.against) if isinstance(item, Finding)]
        if against:
            return tuple(against)
        began = ctx.clock.monotonic()
        missing = self._arrival.await_archived(ctx, session, placed._replace(marker=marker))
        if missing is not None:
            return (missing,)
        note(marker._replace(is_archived=True, told_by=self._arrival.repository.teller))
        waited = timedelta(seconds=ctx.clock.monotonic() - began)
        return (judge_archived(marker, self._arrival.repository, waited),)

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
            lambda: self._arrival.no_answer(self.timeout, self.progress()),
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
        return _Base(source._replace(repo=backup.repo or source.repo), backup)

    def _place(self, ctx: Context, facts: ServerFacts, base: _Base | Finding) -> Placed:
        """Make the marker on a session of its own, which has nothing open and is closed."""
        with self.connect(
            self.target, self.name, ctx.run_id, ctx.bounds, self.connect_timeout
        ) as session:
            refuse_other_cluster(session, facts.system_identifier)
            rights = fetch_marker_rights(session)
            refuse_other_timeline(session, facts.timeline)
            wal = fetch_server_wal(session)
            against = judge_archiving(wal.archiver)
            if against is None and not rights.may_create:
                against = judge_rights(rights, facts.user, facts.database)
            if against is None and isinstance(base, _Base):
                against = self._judge_writer(ctx, session, base)
            if against is not None:
                position = fetch_position(session)
                return Placed(position, rights, with_position(against, position))
            name = marker_name(facts.database, wal.time, secrets.token_hex(4))
            marker = create_restore_point(session, name)
            if rights.may_switch:
                switch_wal(session)
            before = names_between(self.whole_to, marker.segment, wal.segment_size)
            return Placed(marker, rights, None, tuple(before))

    def _judge_writer(self, ctx: Context, session: Session, base: _Base) -> Finding | None:
        """Return why it may be another server that archives there, before anything is made.

        Behind the switch nobody could tell whose segment of that name arrives.
        """
        source, position = self.catalog.describe(), fetch_position(session)
        ahead = judge_base(base.backup, source, position.timeline, position.lsn)
        if ahead is not None:
            return ahead
        sight = self._arrival.look_before(ctx, position.segment)
        if not isinstance(sight, Sight):
            return sight
        if sight is Sight.ABSENT:
            return None
        again = fetch_position(session)
        if again.segment != position.segment:
            return None  # the server has finished it meanwhile
        return judge_early(position.segment, source, again.lsn)
