"""Chooses the catalog that the settings name. Opening contacts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hook.catalogs import BackupCatalog, WalCatalog
from hook.catalogs.object_store import PartStore
from hook.catalogs.shared import SharedCatalog, SharedWalCatalog
from hook.errors import ConfigError
from hook.settings.backup_source import (
    BackupSource,
    BackupSystem,
    CommandLocation,
    DirectoryLocation,
    Location,
    RdsLocation,
    S3Settings,
    parse_stanza,
)


@dataclass(frozen=True, slots=True)
class Access:
    """What a catalog needs besides its place.

    Attributes:
        stanza: As it was set; only some systems want one.
        passphrase: Of an encrypted repository.
    """

    s3: S3Settings
    stanza: str | None = None
    passphrase: str | None = field(default=None, repr=False)


class Catalogs(NamedTuple):
    """One source, as the gates ask it; *wal* is none where no WAL can be looked at."""

    backups: BackupCatalog
    wal: WalCatalog | None


def open_catalogs(source: BackupSource, access: Access) -> Catalogs:
    """Return the catalog of *source*, which is read once for all who ask.

    Raises:
        ConfigError: A setting that its system needs is missing or wrong, or *source* is
            the deliberate absence of backups.
    """
    if isinstance(source.location, CommandLocation):
        from hook.catalogs.command import CommandCatalog  # noqa: PLC0415 - not for a no-op run

        command = CommandCatalog(source.location.arguments, access.stanza)
        shared = SharedWalCatalog(command)
        return Catalogs(shared, shared)
    if isinstance(source.location, RdsLocation):
        from hook.catalogs.rds import open_rds  # noqa: PLC0415 - not for a no-op run

        return Catalogs(SharedCatalog(open_rds(source.location, access.s3)), None)
    if source.location is not None:
        if open_wal_catalog := _WAL_CATALOGS.get(source.system):
            shared = SharedWalCatalog(open_wal_catalog(source.location, access))
            return Catalogs(shared, shared)
        if open_catalog := _CATALOGS.get(source.system):
            return Catalogs(SharedCatalog(open_catalog(source.location, access)), None)
    raise ConfigError((f"the backup source {source.system} has no catalog",))


def open_store(location: Location, s3: S3Settings) -> PartStore:
    """Return read access to the objects at *location*."""
    if isinstance(location, DirectoryLocation):
        from hook.catalogs.directory import DirectoryStore  # noqa: PLC0415 - not for a no-op run

        return DirectoryStore(Path(location.path))
    from hook.catalogs.s3 import S3Store  # noqa: PLC0415 - not for a no-op run

    return S3Store(location, s3)


def _open_pgbackrest(location: Location, access: Access) -> WalCatalog:
    from hook.catalogs.pgbackrest import PgBackRestCatalog  # noqa: PLC0415 - not for a no-op run

    store = open_store(location, access.s3)
    return PgBackRestCatalog(store, parse_stanza(access.stanza), access.passphrase)


def _open_walg(location: Location, access: Access) -> WalCatalog:
    from hook.catalogs.walg import WalGCatalog  # noqa: PLC0415 - not for a no-op run

    return WalGCatalog(open_store(location, access.s3))


def _open_barman(location: Location, access: Access) -> WalCatalog:
    from hook.catalogs.barman import BarmanCatalog  # noqa: PLC0415 - not for a no-op run

    return BarmanCatalog(open_store(location, access.s3), parse_stanza(access.stanza))


def _open_dump(location: Location, access: Access) -> BackupCatalog:
    from hook.catalogs.dump import DumpCatalog  # noqa: PLC0415 - not for a no-op run

    database = parse_stanza(access.stanza) if access.stanza else None
    return DumpCatalog(open_store(location, access.s3), database)


_WAL_CATALOGS: Mapping[BackupSystem, Callable[[Location, Access], WalCatalog]] = {
    BackupSystem.PGBACKREST: _open_pgbackrest,
    BackupSystem.WALG: _open_walg,
    BackupSystem.BARMAN: _open_barman,
}
_CATALOGS: Mapping[BackupSystem, Callable[[Location, Access], BackupCatalog]] = {
    BackupSystem.DUMP: _open_dump,
}
