"""Decides whether a dump is too small to be believed of the database that it is of."""

from __future__ import annotations

from typing import NamedTuple

from hook.core.backups.backup import Backup
from hook.core.outcome import Finding, warned

# Below that, most of a database is the server's own catalog, which no dump holds.
_LEAST_DATABASE = 100 * 2**20
# Indexes and compression make a dump ten or a hundred times smaller, data left out more.
_LEAST_SHARE = 1000


class SizeDoubt(NamedTuple):
    """A dump of *size* bytes of a database that has *database_size* now."""

    label: str
    size: int
    database_size: int

    @property
    def reason(self) -> str:
        """Return what is to be told of the dump."""
        return (
            f"has {self.size} bytes, less than a thousandth of the database"
            f" ({self.database_size // 2**20} MiB)"
        )

    @property
    def finding(self) -> Finding:
        """Return it as a warning: a database that was emptied stays as large on disk."""
        return warned(
            "backup-size",
            f"{self.label} {self.reason}",
            "Restore it into another database and see that the data of all tables is in it.",
            **self._asdict(),
        )


def doubt_dump_size(dump: Backup, database_size: int) -> SizeDoubt | None:
    """Return what makes *dump* doubtful, none where nothing does.

    Args:
        dump: The one that a restore would take.
        database_size: Bytes of the database as it is now.
    """
    size = dump.size
    if size is None or database_size < _LEAST_DATABASE or size * _LEAST_SHARE >= database_size:
        return None
    return SizeDoubt(dump.label, size, database_size)
