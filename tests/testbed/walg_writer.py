"""Fills a WAL-G prefix with real backups and WAL, in the form that WAL-G gives them.

The program itself is not to be had in tests. What it writes is recorded in
``tests/samples/walg``; here the files have that form and tell of a server that is running.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hook.core.backups.wal import parse_lsn
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually

_START = re.compile(r"START WAL LOCATION: (\S+) \(file (\w+)\)")
_STOP = re.compile(r"STOP WAL LOCATION: (\S+) ")
_CONTROL = "global/pg_control"
# Fetches as the manual says: "backup-fetch", "wal-fetch" in PostgreSQL.md of WAL-G.
_STAND_IN = """\
#!/bin/sh
case "$1:$#" in
backup-fetch:3)
    parts="{root}/basebackups_005/$3/tar_partitions"
    for part in "$parts"/part_*.tar "$parts/pg_control.tar"; do
        tar --extract --file "$part" --directory "$2" || exit 1
    done;;
wal-fetch:3)
    test -e "{root}/wal_005/$2" || exit 74
    cp "{root}/wal_005/$2" "$3";;
*)
    exit 1;;
esac
"""


@dataclass(frozen=True, slots=True)
class WalGWriter:
    """Backs up *server* below *root*, which its account can write to."""

    server: PostgresServer
    root: Path

    @property
    def backups(self) -> Path:
        """Return the folder of the backups."""
        return self.root / "basebackups_005"

    @property
    def wal(self) -> Path:
        """Return the folder of the WAL."""
        return self.root / "wal_005"

    def sentinel(self, label: str) -> Path:
        """Return the sentinel of *label*."""
        return self.backups / f"{label}_backup_stop_sentinel.json"

    def archive(self) -> None:
        """Let the server archive below the prefix from now on, without compression."""
        for folder in (self.backups, self.wal):
            folder.mkdir()
        self.server.cluster.own(self.root)
        with self.server.connect() as admin:
            command = f"cp %p {self.wal}/.%f && mv {self.wal}/.%f {self.wal}/%f"
            admin.execute(f"ALTER SYSTEM SET archive_command = '{command}'".encode())
            admin.execute("SELECT pg_reload_conf()")

    def finish_segment(self) -> str:
        """Write something, finish the segment it is in, wait for it, and return its name."""
        with self.server.connect() as admin:
            # Beside the schema of the release, which is to be empty.
            admin.execute("CREATE SCHEMA IF NOT EXISTS aside")
            admin.execute("CREATE TABLE IF NOT EXISTS aside.written (at timestamptz)")
            admin.execute("INSERT INTO aside.written VALUES (now())")
            row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        name: str = row[0]
        eventually((self.wal / name).exists)
        return name

    def back_up(self, base: str = "") -> str:
        """Take a backup, as a delta on *base* if there is one, and return its label."""
        started_at = datetime.now(UTC)
        copy = self.root / "copy"
        self.server.cluster.run(
            "pg_basebackup",
            *("-h", self.server.host, "-p", str(self.server.port), "-U", self.server.superuser),
            *("-D", str(copy), "-F", "tar", "-X", "none", "-c", "fast"),
        )
        start, segment = _find(_START, _read(copy / "base.tar", "backup_label").decode())
        label = f"base_{segment}" + (f"_D_{base[5:29]}" if base else "")
        self._put_parts(copy / "base.tar", self.backups / label / "tar_partitions")
        shutil.rmtree(copy)
        (history,) = self.wal.glob(f"{segment}.*.backup")
        (stop,) = _find(_STOP, history.read_text())
        listed = {"Files": {}, "TarFileSets": {"part_001.tar": ["/PG_VERSION"]}}
        (self.backups / label / "files_metadata.json").write_text(json.dumps(listed))
        self.sentinel(label).write_text(
            json.dumps(
                {
                    "LSN": parse_lsn(start),
                    "FinishLSN": parse_lsn(stop),
                    "SystemIdentifier": self._system_identifier(),
                    "Version": 2,
                    "StartTime": started_at.isoformat(),
                    "FinishTime": datetime.now(UTC).isoformat(),
                    **({"DeltaFrom": base, "DeltaFullName": base, "DeltaCount": 1} if base else {}),
                }
            )
        )
        return label

    @property
    def folder(self) -> Path:
        """Return a folder of the account of the server."""
        return self.root

    def shell(self) -> dict[str, str]:
        """Return the variables with which a shell finds what stands in for WAL-G."""
        programs = self.root / "bin"
        programs.mkdir(exist_ok=True)
        program = programs / "wal-g"
        program.write_text(_STAND_IN.format(root=self.root))
        program.chmod(0o755)
        return {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def environment(self, repo: int = 1, **more: str) -> dict[str, str]:
        """Return what presync is told of the server and of the prefix; there is one *repo*."""
        assert repo == 1
        source = f"walg:{self.root}"
        return {"PRESYNC_URL": self.server.url(), "PRESYNC_BACKUP_SOURCE": source, **more}

    def _put_parts(self, archive: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        control = _read(archive, _CONTROL)
        with tarfile.open(folder / "pg_control.tar", "w") as part:
            entry = tarfile.TarInfo(_CONTROL)
            entry.size = len(control)
            part.addfile(entry, io.BytesIO(control))
        shutil.move(archive, folder / "part_001.tar")

    def _system_identifier(self) -> int:
        with self.server.connect() as admin:
            row = admin.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
        assert row is not None
        identifier: int = row[0]
        return identifier


def _read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def _find(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = pattern.search(text)
    assert found is not None, text
    return found.groups()
