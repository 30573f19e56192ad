"""The position of a run, in front of a place that keeps no WAL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.backups.backup import Backup
from hook.core.backups.marker import judge_position
from hook.core.backups.restore_commands import RestoreSource, restore_commands
from hook.core.outcome import Finding, Status, warned
from hook.errors import DatabaseRejected, QueryFailed
from hook.postgres.marker import fetch_position
from hook.stages.marker.telling import Note, tell

if TYPE_CHECKING:
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.session import Session
    from hook.stages import Context


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
        tell(ctx, marker)
        return (judge_position(marker),)

    def look(self, _session: Session, _facts: ServerFacts) -> tuple[Finding, ...]:
        """Say that there will be no marker."""
        message = "no WAL archive is looked at, so no marker is made"
        return (Finding(Status.SKIPPED, "marker-source", message),)
