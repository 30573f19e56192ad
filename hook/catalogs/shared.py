"""A catalog that several gates ask: what it knows of the backups is read once."""

from __future__ import annotations

import threading

from hook.catalogs import BackupCatalog, WalCatalog
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Evidence
from hook.core.backups.wal import Recovery
from hook.errors import HookError


class SharedCatalog:
    """A `BackupCatalog` in front of another, for the gates of one run, each in its thread."""

    def __init__(self, catalog: BackupCatalog) -> None:
        self._catalog = catalog
        self._reading = threading.Lock()
        self._evidence: Evidence | HookError | None = None

    def describe(self) -> str:
        """Return system and place."""
        return self._catalog.describe()

    def read_evidence(self) -> Evidence:
        """Read the evidence, or return or raise what the first reading came to."""
        with self._reading:
            if self._evidence is None:
                self._evidence = self._read()
        if isinstance(self._evidence, HookError):
            raise self._evidence
        return self._evidence

    def _read(self) -> Evidence | HookError:
        try:
            return self._catalog.read_evidence()
        except HookError as error:
            return error


class SharedWalCatalog(SharedCatalog):
    """A `WalCatalog` in front of another; only what it knows of the backups is kept."""

    def __init__(self, catalog: WalCatalog) -> None:
        super().__init__(catalog)
        self._wal_catalog = catalog

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Look for the WAL that *recovery* reads."""
        return self._wal_catalog.read_archive(recovery)

    def has_segment(self, name: str) -> bool | None:
        """Tell whether the WAL segment *name* is there by now."""
        return self._wal_catalog.has_segment(name)
