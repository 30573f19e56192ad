"""Chooses the catalog that the settings name. Opening contacts nothing."""

from __future__ import annotations

from pathlib import Path

from hook.catalogs import BackupCatalog
from hook.catalogs.object_store import ObjectStore
from hook.errors import ConfigError
from hook.settings.backup_source import BackupSource, DirectoryLocation, S3Location, S3Settings


def open_catalog(
    source: BackupSource, stanza: str, s3: S3Settings, passphrase: str | None = None
) -> BackupCatalog:
    """Return the catalog of *source*; *passphrase* is that of an encrypted repository.

    Raises:
        ConfigError: *source* is the deliberate absence of backups.
    """
    from hook.catalogs.pgbackrest import PgBackRestCatalog  # noqa: PLC0415 - not for a no-op run

    if source.location is None:
        raise ConfigError((f"the backup source {source.system} has no catalog",))
    return PgBackRestCatalog(open_store(source.location, s3), stanza, passphrase)


def open_store(location: DirectoryLocation | S3Location, s3: S3Settings) -> ObjectStore:
    """Return read access to the objects at *location*."""
    if isinstance(location, DirectoryLocation):
        from hook.catalogs.directory import DirectoryStore  # noqa: PLC0415 - not for a no-op run

        return DirectoryStore(Path(location.path))
    from hook.catalogs.s3 import S3Store  # noqa: PLC0415 - not for a no-op run

    return S3Store(location, s3)
