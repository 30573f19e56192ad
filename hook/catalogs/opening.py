"""Chooses the catalog that the settings name. Opening contacts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from hook.catalogs import BackupCatalog, WalCatalog
from hook.catalogs.object_store import TreeStore
from hook.catalogs.shared import SharedCatalog, SharedWalCatalog
from hook.catalogs.tally import Tally
from hook.core.backups.overdue import READING_TIMEOUT, Progress
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
        tally: Counts what the storage answers.
        timeout: How long the gates wait for what is read.
        repo: Number that pgBackRest has for the place, none when it has only one.
    """

    s3: S3Settings
    stanza: str | None = None
    passphrase: str | None = field(default=None, repr=False)
    tally: Tally = field(default_factory=Tally, repr=False, compare=False)
    timeout: timedelta = READING_TIMEOUT
    repo: int | None = None


class Catalogs(NamedTuple):
    """One source, as the gates ask it.

    Attributes:
        wal: None where no WAL can be looked at.
        progress: Tells how far the reading of its storage has come.
    """

    backups: BackupCatalog
    wal: WalCatalog | None
    progress: Callable[[], Progress] = Progress


def open_catalogs(source: BackupSource, access: Access) -> Catalogs:
    """Return the catalog of *source*, which is read once for all who ask.

    Raises:
        ConfigError: A setting that its system needs is missing or wrong, or *source* is
            the deliberate absence of backups.
    """
    if isinstance(source.location, CommandLocation):
        from hook.catalogs.command import CommandCatalog, shortened  # noqa: PLC0415 - not for a no-op run

        arguments, timeout = source.location.arguments, shortened(access.timeout)
        command = CommandCatalog(arguments, access.stanza, timeout)
        shared = SharedWalCatalog(command)
        return Catalogs(shared, shared)
    if isinstance(source.location, RdsLocation):
        from hook.catalogs.rds import open_rds  # noqa: PLC0415 - not for a no-op run

        return Catalogs(SharedCatalog(open_rds(source.location, access.s3)), None)
    if source.location is not None:
        if open_wal_catalog := _WAL_CATALOGS.get(source.system):
            shared = SharedWalCatalog(open_wal_catalog(source.location, access))
            return Catalogs(shared, shared, access.tally.progress)
        if open_catalog := _CATALOGS.get(source.system):
            catalog = SharedCatalog(open_catalog(source.location, access))
            return Catalogs(catalog, None, access.tally.progress)
    raise ConfigError((f"the backup source {source.system} has no catalog",))


def open_store(location: Location, s3: S3Settings, tally: Tally | None = None) -> TreeStore:
    """Return read access to the objects at *location*; *tally* counts the answers."""
    if isinstance(location, DirectoryLocation):
        from hook.catalogs.directory import DirectoryStore  # noqa: PLC0415 - not for a no-op run

        return DirectoryStore(Path(location.path), tally or Tally())
    from hook.catalogs.s3 import S3Store  # noqa: PLC0415 - not for a no-op run

    return S3Store(location, s3, tally)


def _open_pgbackrest(location: Location, access: Access) -> WalCatalog:
    from hook.catalogs.pgbackrest import PgBackRestCatalog  # noqa: PLC0415 - not for a no-op run

    store = open_store(location, access.s3, access.tally)
    return PgBackRestCatalog(store, parse_stanza(access.stanza), access.passphrase, access.repo)


def _open_walg(location: Location, access: Access) -> WalCatalog:
    from hook.catalogs.walg import WalGCatalog  # noqa: PLC0415 - not for a no-op run

    return WalGCatalog(open_store(location, access.s3, access.tally))


def _open_barman(location: Location, access: Access) -> WalCatalog:
    from hook.catalogs.barman import BarmanCatalog  # noqa: PLC0415 - not for a no-op run

    return BarmanCatalog(open_store(location, access.s3, access.tally), parse_stanza(access.stanza))


def _open_dump(location: Location, access: Access) -> BackupCatalog:
    from hook.catalogs.dump import DumpCatalog  # noqa: PLC0415 - not for a no-op run

    database = parse_stanza(access.stanza) if access.stanza else None
    return DumpCatalog(open_store(location, access.s3, access.tally), database)


_WAL_CATALOGS: Mapping[BackupSystem, Callable[[Location, Access], WalCatalog]] = {
    BackupSystem.PGBACKREST: _open_pgbackrest,
    BackupSystem.WALG: _open_walg,
    BackupSystem.BARMAN: _open_barman,
}
_CATALOGS: Mapping[BackupSystem, Callable[[Location, Access], BackupCatalog]] = {
    BackupSystem.DUMP: _open_dump,
}
