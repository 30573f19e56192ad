"""Says how restore commands name the backup source that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.backups.restore_commands import RestoreSource
from hook.settings.backup_source import (
    BackupSystem,
    DirectoryLocation,
    RdsKind,
    RdsLocation,
    S3Location,
)

if TYPE_CHECKING:
    from hook.settings.backup_source import BackupSource

_IN_BUCKETS = {BackupSystem.BARMAN: "barman-cloud"}


def restore_source(
    source: BackupSource, stanza: str | None, endpoint: str | None = None
) -> RestoreSource:
    """Return *source* as restore commands name it.

    Args:
        source: Where the backups are.
        stanza: What the settings call the server there.
        endpoint: Of the S3 service, none for AWS.
    """
    location, server = source.location, (stanza or "").strip()
    if isinstance(location, RdsLocation):
        system = "rds-cluster" if location.kind is RdsKind.CLUSTER else "rds"
        return RestoreSource(system, location.name)
    if isinstance(location, S3Location):
        # Barman itself keeps its backups on a machine of its own, its cloud tools in a bucket.
        system = _IN_BUCKETS.get(source.system, source.system.value)
        place = f"s3://{location.bucket}/{location.prefix}".rstrip("/")
        return RestoreSource(system, server, place, endpoint or "")
    place = location.path if isinstance(location, DirectoryLocation) else ""
    return RestoreSource(source.system.value, server, place)
