"""Backups that were recorded elsewhere, retold as if they were of the database under test."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hook.demo.repository import STANZA
from tests.testbed import barman_server, walg_repository
from tests.testbed.backup_gate import fresh_repository
from tests.testbed.database import Database
from tests.testbed.dump_place import SAMPLES, DumpPlace

AGE = timedelta(minutes=19)


@dataclass(frozen=True, slots=True)
class OwnBackups:
    """How one system's backups of a database are put below a folder, and told of.

    Attributes:
        source: Of ``PRESYNC_BACKUP_SOURCE``, before the place.
        stanza: That the settings name; none of the database.
        fill: Puts a good backup there that ended, or began, `AGE` ago.
    """

    source: str
    stanza: str | None
    fill: Callable[[Path, Database], object] = field(repr=False)

    def settings(self, place: str, database: Database) -> Mapping[str, str]:
        """Return what a run is told of them; nothing looks at WAL, which nobody archives."""
        return {
            "PRESYNC_BACKUP_SOURCE": f"{self.source}:{place}",
            "PRESYNC_BACKUP_STANZA": self.stanza or database.name,
            "PRESYNC_ARCHIVE_POLICY": "off",
            "PRESYNC_MARKER_POLICY": "off",
        }


def _cluster(database: Database) -> int:
    ((identifier,),) = database.query("SELECT system_identifier FROM pg_control_system()")
    return int(str(identifier))


def _fill_pgbackrest(root: Path, database: Database) -> None:
    fresh_repository(root).belong_to(_cluster(database))


def _fill_walg(root: Path, database: Database) -> None:
    prefix = walg_repository.fresh_prefix(root)
    for label in walg_repository.LABELS:
        prefix.set(label, SystemIdentifier=_cluster(database))


def _fill_barman(root: Path, database: Database) -> None:
    server = barman_server.fresh_server(root)
    for label in (barman_server.OLDER, barman_server.NEWEST):
        server.edit(label, systemid=str(_cluster(database)))


def _fill_dumps(root: Path, database: Database) -> None:
    # A plain dump does not tell the database; its name does.
    recorded = (SAMPLES / "plain.sql").read_bytes()
    DumpPlace(root).put(f"{database.name}-{{}}.sql", recorded, AGE)


OWN_BACKUPS = {
    "pgbackrest": OwnBackups("pgbackrest", STANZA, _fill_pgbackrest),
    "walg": OwnBackups("walg", None, _fill_walg),
    "barman": OwnBackups("barman", barman_server.SERVER, _fill_barman),
    "dump": OwnBackups("dump", None, _fill_dumps),
}


def receive_early(root: Path, span: timedelta) -> None:
    """Let the storage have received all files below *root* so much earlier than they tell."""
    written_at = (datetime.now(UTC) - AGE - span).timestamp()
    for path in root.rglob("*"):
        os.utime(path, (written_at, written_at))
