"""Chooses the trigger that the settings name. Opening contacts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.errors import ConfigError
from hook.settings.backup_source import RdsLocation
from hook.settings.backup_trigger import BackupTrigger, DumpTrigger, JobTrigger, SnapshotTrigger

if TYPE_CHECKING:
    from hook.settings.backup_source import BackupSource, S3Settings
    from hook.settings.target import ConnectionTarget
    from hook.triggers import Trigger


def open_trigger(
    named: BackupTrigger, source: BackupSource | None, target: ConnectionTarget, s3: S3Settings
) -> Trigger:
    """Return the trigger that is *named* in the settings.

    Raises:
        ConfigError: It makes a snapshot of what *source* does not name.
    """
    if isinstance(named, SnapshotTrigger):
        return _open_snapshot(source, s3)
    if isinstance(named, DumpTrigger):
        from hook.triggers.dump import DumpTrigger as Dump  # noqa: PLC0415 - rarely needed

        return Dump(target, named.location, s3)
    from hook.triggers.cnpg import ClusterTrigger as Cluster  # noqa: PLC0415 - likewise
    from hook.triggers.job import JobTrigger as Job  # noqa: PLC0415 - likewise
    from hook.triggers.kubernetes import SERVICE_ACCOUNT, KubernetesApi  # noqa: PLC0415 - likewise

    api = KubernetesApi(SERVICE_ACCOUNT)
    return Job(named, api) if isinstance(named, JobTrigger) else Cluster(named, api)


def _open_snapshot(source: BackupSource | None, s3: S3Settings) -> Trigger:
    from hook.catalogs.rds import open_rds_api  # noqa: PLC0415 - rarely needed
    from hook.triggers.rds import SnapshotTrigger as Snapshot  # noqa: PLC0415 - likewise

    if source is None or not isinstance(source.location, RdsLocation):
        raise ConfigError(("PRESYNC_BACKUP_TRIGGER=rds-snapshot needs rds: as the source",))
    return Snapshot(open_rds_api(source.location, s3))
