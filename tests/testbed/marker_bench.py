"""A marker's stage on a real server, in front of a catalog that answers as a test wants."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.marker import Marker
from hook.core.backups.origin import Origin
from hook.core.backups.restore_commands import RestoreSource
from hook.core.backups.wal import Recovery
from hook.core.outcome import Finding
from hook.core.sessions.server import ServerFacts
from hook.errors import HookError
from hook.postgres.connecting import connect
from hook.stages import Context
from hook.stages.marker import MarkerStage
from hook.stages.marker.position import PositionStage
from tests.testbed.database import Database, Role
from tests.testbed.release import SERVER
from tests.testbed.run_context import open_session, target_of

NOW = datetime.now(UTC)
LABEL = "20260301-110000F"
SOURCE = RestoreSource("pgbackrest", "app")
GOOD = Backup(LABEL, BackupType.FULL, NOW, NOW, error=False, presence=Presence.COMPLETE)


def nothing_there(_name: str) -> bool:
    """Answer as a repository into which nothing comes."""
    return False


def arriving() -> Callable[[str], bool]:
    """Return the answers of a repository into which the segment comes once it is finished.

    Before it is, somebody looks once whether another server was faster.
    """
    looks = itertools.count()
    return lambda _: next(looks) > 0


@dataclass(slots=True)
class FakeCatalog:
    """A `WalCatalog` that answers as a test wants; *asked* are the segments."""

    identifier: str
    answer: Callable[[str], bool | None] = nothing_there
    backups: tuple[Backup, ...] = (GOOD,)
    error: HookError | None = None
    asked: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Name the fake."""
        return "the fake catalog"

    def read_evidence(self) -> Evidence:
        """Return the backups, or raise the error."""
        if self.error is not None:
            raise self.error
        origin = Origin(self.identifier)
        return Evidence(self.describe(), self.backups, "mark", "command", "full", origin)

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Find nothing; a marker does not ask."""
        return ArchiveEvidence(self.describe(), recovery, self.identifier)

    def has_segment(self, name: str) -> bool | None:
        """Do what the test says."""
        self.asked.append(name)
        return self.answer(name)


@dataclass(slots=True)
class MarkerBench:
    """A database whose server archives, and what a stage on it has told.

    Attributes:
        on_note: What happens as soon as there is a marker.
    """

    database: Database
    ctx: Context
    identifier: str
    timeline: int | None = 1
    noted: list[Marker] = field(default_factory=list)
    role: Role | None = None
    on_note: Callable[[Marker], object] = id

    @property
    def facts(self) -> ServerFacts:
        """Return what the run knows of the server."""
        user = "postgres" if self.role is None else self.role.name
        return SERVER._replace(
            database=self.database.name,
            user=user,
            system_identifier=self.identifier,
            timeline=self.timeline,
        )

    def catalog(self, answer: Callable[[str], bool | None] = nothing_there) -> FakeCatalog:
        """Return a catalog of this very cluster."""
        return FakeCatalog(self.identifier, answer)

    def stage(
        self, catalog: FakeCatalog, wait: float = 0.3, whole_to: str | None = None
    ) -> MarkerStage:
        """Return the stage."""
        target = target_of(self.database, self.role)
        limit = timedelta(seconds=5)
        stage = MarkerStage(target, connect, catalog, SOURCE, timedelta(seconds=wait), limit)
        return replace(stage, whole_to=whole_to)

    def run(self, stage: MarkerStage | PositionStage) -> tuple[Finding, ...]:
        """Return what *stage* finds."""
        with open_session(target_of(self.database, self.role), self.ctx.interrupt) as session:
            return stage.run(self.ctx, session, self.facts, self._note)

    def _note(self, marker: Marker) -> None:
        self.noted.append(marker)
        self.on_note(marker)

    def look(self, stage: MarkerStage | PositionStage) -> tuple[Finding, ...]:
        """Return what *stage* says of a run that has not begun."""
        with open_session(target_of(self.database, self.role), self.ctx.interrupt) as session:
            return stage.look(session, self.facts)


def bench_on(database: Database, ctx: Context) -> MarkerBench:
    """Return a bench for *database*."""
    query = "SELECT system_identifier::text FROM pg_control_system()"
    ((identifier,),) = database.query(query)
    return MarkerBench(database, ctx, str(identifier))
