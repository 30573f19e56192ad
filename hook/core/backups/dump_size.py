"""Decides whether a dump is too small to be believed of the database that it is of."""

from __future__ import annotations

from hook.core.backups.backup import Backup
from hook.core.outcome import Finding, warned

# Below that, most of a database is the server's own catalog, which no dump holds.
_LEAST_DATABASE = 100 * 2**20
# Indexes and compression make a dump ten or a hundred times smaller, data left out more.
_LEAST_SHARE = 1000


def doubt_dump_size(dump: Backup, database_size: int) -> tuple[Finding, ...]:
    """Return what makes *dump* doubtful, nothing where nothing does.

    A warning only: a database of which everything was deleted stays as large on disk.

    Args:
        dump: The one that a restore would take.
        database_size: Bytes of the database as it is now.
    """
    size = dump.size
    if size is None or database_size < _LEAST_DATABASE or size * _LEAST_SHARE >= database_size:
        return ()
    return (
        warned(
            "backup-size",
            f"{dump.label} has {size} bytes, less than a thousandth of the database"
            f" ({database_size // 2**20} MiB)",
            "Restore it into another database and see that the data of all tables is in it.",
            label=dump.label,
            size=size,
            database_size=database_size,
        ),
    )
