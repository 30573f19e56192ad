"""Builds the half of a run that is needed when something is pending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.bootstrap.locking import build_lock
from hook.bootstrap.policies import policy_in_force
from hook.bootstrap.reading import build_connect, build_wait, grouping_of
from hook.bootstrap.recording import build_record
from hook.bootstrap.restoring import restore_source
from hook.bootstrap.watching import build_retry_gate, build_watch
from hook.catalogs.opening import Access, Catalogs, open_catalogs
from hook.core.outcome import Policy
from hook.engines.flyway.history_row import COLUMNS
from hook.pipeline.gates import Gates
from hook.pipeline.migration import Writing
from hook.pipeline.recovery import Reconnection
from hook.postgres.retry_gate import NO_GATE, RetryGate
from hook.settings.backup_source import BackupSystem, S3Settings
from hook.settings.words import NO_LEDGER
from hook.stages import unwatched
from hook.stages.archive import ArchiveStage, NoArchive
from hook.stages.backup import BackupStage, NoBackupSource
from hook.stages.blockers import BlockersStage
from hook.stages.failure_memory import FailureMemoryStage
from hook.stages.marker import MarkerStage
from hook.stages.marker.position import PositionStage
from hook.stages.migrate import MigrateStage
from hook.stages.own_rights import OwnRightsStage
from hook.stages.restore_window import RestoreWindowStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.core.reporting.wording import Wording
    from hook.core.schema_history.orders import Orders
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.pipeline.dry_run import Dry
    from hook.postgres.session import Session
    from hook.settings import BackupSettings, Settings
    from hook.stages import Context, Watch
    from hook.stages.trigger import TriggerStage

    Reconnect = Callable[[Context, ServerFacts], tuple[Session, ServerFacts]]


def build_writing(settings: Settings, engine: Engine, orders: Orders, wording: Wording) -> Writing:
    """Return the stages that work under the migration lock.

    Raises:
        ConfigError: No database is configured.
    """
    migrations = settings.migrations
    return Writing(
        lock=build_lock(settings),
        gates=lambda: build_gates(settings, engine),
        migrate=_build_migrate(
            settings,
            engine,
            Reconnection(build_wait(settings)),
            build_watch(settings, build_connect(settings)),
            build_retry_gate(settings),
        ),
        memory=_build_memory(settings, orders),
        record=build_record(settings, wording),
        trigger=_build_trigger(settings),
        creates_schemas=migrations.history.creates_schemas,
        validates=migrations.rules.validates,
    )


def _build_memory(settings: Settings, orders: Orders) -> FailureMemoryStage | None:
    ledger = settings.migrations.history.ledger
    # What is only recorded cannot fail again, and may well be what the failure asked for.
    is_run = not settings.migrations.execution.records_only
    if ledger == NO_LEDGER or orders.retries_failed or not is_run:
        return None
    return FailureMemoryStage(ledger, settings.run.failure_memory, grouping_of(settings))


def _build_trigger(settings: Settings) -> TriggerStage | None:
    backup = settings.backup
    named = backup.trigger
    if named is None:
        return None
    from hook.stages.trigger import TriggerStage  # noqa: PLC0415 - rarely set
    from hook.triggers.opening import open_trigger  # noqa: PLC0415 - likewise

    target, s3 = settings.database.require_target(), S3Settings(endpoint=backup.s3_endpoint)
    return TriggerStage(
        lambda: open_trigger(named, backup.source, target, s3), backup.trigger_timeout
    )


def build_dry(settings: Settings, engine: Engine) -> Dry:
    """Return what migrates and runs callbacks, for sessions that only take down."""
    from hook.bootstrap.reading import build_callback_rules  # noqa: PLC0415 - not for a run
    from hook.pipeline.dry_run import Dry, refuse_to_reconnect  # noqa: PLC0415 - likewise

    migrations = settings.migrations
    return Dry(
        _build_migrate(settings, engine, refuse_to_reconnect, unwatched, NO_GATE),
        build_callback_rules(settings, engine),
        creates_schemas=migrations.history.creates_schemas,
        validates=migrations.rules.validates,
    )


def _build_migrate(
    settings: Settings,
    engine: Engine,
    reconnect: Reconnect,
    watch: Callable[[Context], Watch],
    gate: RetryGate,
) -> MigrateStage:
    run = settings.run
    return MigrateStage(
        engine,
        run.lock_ladder,
        run.statement_timeout,
        reconnect,
        grouping_of(settings),
        watch,
        gate,
    )


def build_gates(settings: Settings, engine: Engine) -> Gates:
    """Return the gates with their policies for this run.

    Raises:
        ConfigError: The settings name no backup source that can be opened.
    """
    catalogs, table = _open_catalogs(settings.backup), settings.migrations.history
    retry = build_retry_gate(settings)
    return Gates(
        engine=engine,
        backup=_build_backup(settings.backup, catalogs),
        backup_policy=policy_in_force("backup", settings.backup.policy, settings),
        demanded_policy=policy_in_force("backup", Policy.ENFORCE, settings),
        archive=_build_archive(settings, catalogs),
        archive_policy=policy_in_force("archive", settings.archive.policy, settings),
        blockers=BlockersStage(retry.blockers, settings.blockers.wait),
        blockers_policy=retry.policy,
        marker=_build_marker(settings, catalogs),
        marker_policy=policy_in_force("marker", settings.marker.policy, settings),
        rights=OwnRightsStage(table.ledger, table.creates_schemas, COLUMNS),
        overrides=settings.overrides,
    )


def _build_backup(
    backup: BackupSettings, catalogs: Catalogs | None
) -> BackupStage | NoBackupSource:
    if backup.source is None:
        return NoBackupSource()
    if catalogs is None:
        return BackupStage(None, backup.max_age)
    return BackupStage(catalogs.backups, backup.max_age, backup.timeout, catalogs.progress)


def _build_archive(
    settings: Settings, catalogs: Catalogs | None
) -> ArchiveStage | RestoreWindowStage | NoArchive:
    if catalogs is None:
        return NoArchive("no WAL archive is looked at without a backup source")
    max_lag, timeout = settings.archive.max_lag, settings.backup.timeout
    source = settings.backup.source
    if source is not None and source.system is BackupSystem.RDS:
        return RestoreWindowStage(catalogs.backups, max_lag, timeout)
    if catalogs.wal is None:
        return NoArchive(f"no WAL archive belongs to {catalogs.backups.describe()}")
    return ArchiveStage(catalogs.wal, max_lag, timeout, catalogs.progress)


def _build_marker(settings: Settings, catalogs: Catalogs | None) -> MarkerStage | PositionStage:
    backup = settings.backup
    if catalogs is None or backup.source is None:
        return PositionStage(None)
    source = restore_source(backup.source, backup.stanza, backup.s3_endpoint)
    source = source._replace(repo=backup.repo)
    if catalogs.wal is None:
        return PositionStage(source)
    target = settings.database.require_target()
    return MarkerStage(
        target,
        build_connect(settings),
        catalogs.wal,
        source,
        settings.marker.wait,
        backup.timeout,
        catalogs.progress,
        is_told=backup.source.system is BackupSystem.COMMAND,
    )


def _open_catalogs(backup: BackupSettings) -> Catalogs | None:
    """Return what the gates ask, none when there is no backup source."""
    if backup.source is None or backup.source.system is BackupSystem.NONE:
        return None
    s3 = S3Settings(endpoint=backup.s3_endpoint)
    access = Access(s3, backup.stanza, backup.cipher_pass, timeout=backup.timeout, repo=backup.repo)
    return open_catalogs(backup.source, access)
