"""pg_dump of the server's own version, into a prefix of a bucket."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hook.demo.server import SUPERUSER
from tests.testbed.pgbackrest import BUCKET
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class PgDump:
    """pg_dump of one database, into a prefix of a bucket."""

    program: Path
    server: PostgresServer
    database: str
    s3: S3Server

    @property
    def root(self) -> Path:
        """Return the prefix, wherever it is reached."""
        return self.s3.root / BUCKET / self.database

    def environment(self, repo: int = 1, **more: str) -> dict[str, str]:
        """Return what presync is told of the server and of the bucket; there is one *repo*."""
        assert repo == 1
        return {
            "PRESYNC_URL": self.server.url(self.database),
            "PRESYNC_BACKUP_SOURCE": f"dump:s3://{BUCKET}/{self.database}",
            "PRESYNC_BACKUP_STANZA": self.database,
            "PRESYNC_S3_ENDPOINT": self.s3.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_CA_BUNDLE": str(self.s3.ca_file),
            "NO_PROXY": "localhost",
            **more,
        }

    def new(self, suffix: str) -> Path:
        """Return a path for a dump that begins now; what was there before is gone."""
        for path in sorted(self.root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        return self.path(suffix)

    def path(self, suffix: str) -> Path:
        """Return a path for a dump that begins now."""
        self.root.mkdir(parents=True, exist_ok=True)
        return self.root / f"{self.database}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{suffix}"

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start pg_dump into a pipe."""
        reach = ["-h", self.server.host, "-p", str(self.server.port), "-U", SUPERUSER]
        return subprocess.Popen(
            [self.program, *reach, *options, self.database], stdout=subprocess.PIPE
        )

    def dump(self, *options: str) -> bytes:
        """Run pg_dump to its end and return what came through the pipe."""
        process = self.start(*options)
        written, _ = process.communicate(timeout=_SECONDS)
        assert process.returncode == 0
        return written
