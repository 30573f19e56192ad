"""What a run prints to restore a dump restores it: every form, with real pg_dump, psql, AWS CLI."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from psycopg import OperationalError

from hook.demo.server import SUPERUSER
from tests.testbed.barman_cloud import PROGRAMS
from tests.testbed.binaries import Binaries
from tests.testbed.database import created_database
from tests.testbed.destroyed_shop import Destroyed, Shop, assert_back
from tests.testbed.pg_dump import PgDump
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.s3_server import S3Server

_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Restoring:
    """Somebody who restores a dump with what a run has printed.

    Attributes:
        folder: Where they are, an empty one.
    """

    pg_dump: PgDump
    folder: Path
    to: str

    @property
    def environment(self) -> dict[str, str]:
        """Return how they reach the server and the bucket."""
        config = self.folder / "aws"
        # The name of this endpoint is none that a bucket's could be put in front of.
        config.write_text("[default]\nregion = us-east-1\ns3 =\n    addressing_style = path\n")
        programs = (str(self.pg_dump.program.parent), str(PROGRAMS), os.environ["PATH"])
        return {
            "PATH": os.pathsep.join(programs),
            "RESTORE_TO": self.to,
            "PGHOST": self.pg_dump.server.host,
            "PGPORT": str(self.pg_dump.server.port),
            "PGUSER": SUPERUSER,
            "AWS_CONFIG_FILE": str(config),
            **{key: told for key, told in self.pg_dump.environment().items() if key[:3] == "AWS"},
        }

    def run(self, command: str) -> int:
        """Run *command* as it stands, and return how it ended."""
        shell = ["sh", "-c", command]
        done = subprocess.run(
            shell, env=self.environment, cwd=self.folder, timeout=_SECONDS, check=False
        )
        return done.returncode


# How each form is dumped; a directory has no suffix.
FORMS = {
    "custom": (".dump", "--format=custom"),
    "tar": (".dump", "--format=tar"),
    "directory": ("", "--format=directory"),
    "plain": (".sql", "--format=plain"),
    "gzip": (".sql.gz", "--format=plain", "--compress=1"),
}


# Where the dumps of a case lie.
CASES = [
    ("custom", "directory"),
    ("plain", "directory"),
    ("tar", "s3"),
    ("directory", "s3"),
    ("gzip", "s3"),
]


@pytest.fixture
def pg_dump(primary: PostgresServer, binaries: Binaries, tls_s3: S3Server) -> Iterator[PgDump]:
    """Return pg_dump of a database of the test's own."""
    with created_database(primary) as database:
        yield PgDump(binaries.folder / "pg_dump", primary, database.name, tls_s3)


@pytest.fixture
def shop(pg_dump: PgDump, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a shop in that database, with what is in it."""
    folders = (tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("home"))
    made = Shop(pg_dump, *folders, pg_dump.database, SUPERUSER)
    made.migrate("1", PRESYNC_BACKUP_SOURCE="none")
    return made


@pytest.mark.parametrize(("form", "storage"), CASES)
def test_printed_command_restores_what_the_dump_shows(
    pg_dump: PgDump, shop: Shop, tmp_path: Path, form: str, storage: str
) -> None:
    """Into a database beside, whatever the run did to the one that was dumped."""
    suffix, *options = FORMS[form]
    source = {} if storage == "s3" else {"PRESYNC_BACKUP_SOURCE": f"dump:{pg_dump.root}"}
    before = shop.content()
    pg_dump.dump(*options, f"--file={pg_dump.new(suffix)}")
    destroyed = Destroyed(shop, before, *shop.migrate("2", **source))
    assert shop.versions() == [("1", True), ("2", True)]
    restoring = Restoring(pg_dump, tmp_path, f"{pg_dump.database}_before")
    assert restoring.run(destroyed.command()) == 0
    assert_back(replace(shop, database=restoring.to), before)


def test_printed_command_restores_no_half_of_a_dump(
    pg_dump: PgDump, shop: Shop, tmp_path: Path
) -> None:
    """A file that was damaged meanwhile is noticed before anything is created."""
    path = pg_dump.new(".sql.gz")
    pg_dump.dump("--format=plain", "--compress=1", f"--file={path}")
    source = f"dump:{pg_dump.root}"
    destroyed = Destroyed(shop, [], *shop.migrate("2", PRESYNC_BACKUP_SOURCE=source))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    restoring = Restoring(pg_dump, tmp_path, f"{pg_dump.database}_half")
    assert restoring.run(destroyed.command()) != 0
    with pytest.raises(OperationalError, match="does not exist"):
        pg_dump.server.connect(restoring.to)


def test_plain_dump_that_names_its_database_has_no_command(pg_dump: PgDump, shop: Shop) -> None:
    """It would go into the one in use."""
    pg_dump.dump("--format=plain", "--create", f"--file={pg_dump.new('.sql')}")
    _, report = shop.migrate("2")
    assert report["marker"]["restore"] == []
