"""What a run is told: one frozen value, composed of small ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from hook.core.outcome import Policy
from hook.core.reporting.override import Override
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import ConfigError
from hook.settings.migrations import MigrationSettings
from hook.settings.output import OutputSettings
from hook.settings.setting import Given
from hook.settings.target import ConnectionTarget

if TYPE_CHECKING:
    from hook.core.execution.ladder import Ladder
    from hook.core.sessions.ending import Endable
    from hook.settings.backup_source import BackupSource
    from hook.settings.backup_trigger import BackupTrigger


class DatabaseSettings(NamedTuple):
    """The database, and what it must be.

    Attributes:
        target: None for commands that need no database.
        source: Where it was named, for example ``POSTGRES_HOST``.
        expect_database: Name that ``current_database()`` must have.
        expect_system_id: System identifier that the cluster must have.
        wait_timeout: How long to wait for a usable primary.
    """

    target: ConnectionTarget | None
    source: str
    wait_timeout: timedelta
    expect_database: str | None = None
    expect_system_id: str | None = None

    def require_target(self) -> ConnectionTarget:
        """Return the database to connect to.

        Raises:
            ConfigError: None is configured.
        """
        if self.target is None:
            raise ConfigError(("no database is configured",))
        return self.target


class RunSettings(NamedTuple):
    """How long things may take.

    Attributes:
        deadline: The whole run.
        lock_wait: Waiting for another migrator.
        lock_ladder: ``lock_timeout`` of each attempt at a migration.
        statement_timeout: Of each statement in a migration.
        failure_memory: How long a failure is not tried again.
        damage_budget: How long others may wait for migrations; none for as long as it takes.
    """

    deadline: timedelta
    lock_wait: timedelta
    lock_ladder: Ladder
    statement_timeout: timedelta
    failure_memory: timedelta = timedelta(minutes=10)
    damage_budget: DamageBudget | None = DamageBudget(10.0, 20.0)


class BackupSettings(NamedTuple):
    """The backup gate.

    Attributes:
        source: None when nobody said where the backups are.
        cipher_pass: Of an encrypted repository.
        trigger: How to make a backup when none is fresh, none when that is not wanted.
        trigger_timeout: How long to wait for it.
        timeout: How long a gate may read the backups, or their WAL.
        repo: Number that pgBackRest has for the source, none when it has only one.
    """

    policy: Policy
    source: BackupSource | None
    stanza: str | None
    max_age: timedelta
    s3_endpoint: str | None
    cipher_pass: str | None = None
    trigger: BackupTrigger | None = None
    trigger_timeout: timedelta = timedelta(minutes=30)
    timeout: timedelta = timedelta(seconds=30)
    repo: int | None = None


class ArchiveSettings(NamedTuple):
    """The archive gate.

    Attributes:
        max_lag: How old the oldest WAL may be that is not archived.
    """

    policy: Policy
    max_lag: timedelta


class BlockerSettings(NamedTuple):
    """The blockers gate.

    Attributes:
        max_age: A transaction or query older than this blocks.
        wait: How long to wait for blockers to go.
        cancels: Whom a migration may end that waits for them.
        shows_queries: The SQL of other sessions is told.
    """

    policy: Policy
    max_age: timedelta
    wait: timedelta
    cancels: frozenset[Endable] = frozenset()
    shows_queries: bool = False


class MarkerSettings(NamedTuple):
    """The marker.

    Attributes:
        wait: How long its WAL may take to get into the repository.
    """

    policy: Policy = Policy.ENFORCE
    wait: timedelta = timedelta(seconds=60)


class Provenance:
    """Where the settings came from, and what of them may not be shown.

    Attributes:
        given: What was written, by setting.
        placeholders: What was written, by placeholder.
        secrets: Values that may not be shown anywhere.
        public: Values that are shown although they may equal a secret.
        notes: What was ignored, one sentence each.
    """

    def __init__(
        self,
        given: Mapping[str, Given] | None = None,
        placeholders: Mapping[str, Given] | None = None,
        secrets: tuple[str, ...] = (),
        public: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.given: Mapping[str, Given] = given or {}
        self.placeholders: Mapping[str, Given] = placeholders or {}
        self.secrets = secrets
        self.public = public
        self.notes = notes


class Settings(NamedTuple):
    """Everything a run is told."""

    database: DatabaseSettings
    migrations: MigrationSettings
    run: RunSettings
    backup: BackupSettings
    archive: ArchiveSettings
    blockers: BlockerSettings
    output: OutputSettings
    marker: MarkerSettings = MarkerSettings()
    overrides: tuple[Override, ...] = ()
    provenance: Provenance = Provenance()
