"""What a run prints to restore a dump restores it: every form, with real pg_dump, psql, AWS CLI."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import OperationalError

from hook.demo.server import SUPERUSER
from hook.errors import ExitCode
from tests.backup.conftest import Ask
from tests.testbed.barman_cloud import PROGRAMS
from tests.testbed.pg_dump import PgDump
from tests.testbed.postgres_server import PostgresServer

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

    def found(self) -> tuple[object, ...] | None:
        """Return what there is in the new database."""
        with self.pg_dump.server.connect(self.to) as reader:
            shown = "SELECT count(*), max(id), to_regclass('shop_item') FROM crm.customer"
            return reader.execute(shown).fetchone()


WHOLE = (100_000, 100_000, None)
# How each form is dumped; a directory has no suffix.
FORMS = {
    "custom": (".dump", "--format=custom"),
    "tar": (".dump", "--format=tar"),
    "directory": ("", "--format=directory"),
    "plain": (".sql", "--format=plain"),
    "gzip": (".sql.gz", "--format=plain", "--compress=1"),
}


@pytest.fixture
def migrated_away(pg_dump: PgDump, primary: PostgresServer) -> Iterator[None]:
    """Undo what a run did to the database that was dumped."""
    yield
    with primary.connect(pg_dump.database) as admin:
        assert admin.execute("SELECT to_regclass('shop_item')::text").fetchone() == ("shop_item",)
        admin.execute("DROP TABLE shop_item, flyway_schema_history, presync_run")


@pytest.mark.usefixtures("migrated_away")
@pytest.mark.parametrize(
    ("form", "storage"),
    [
        ("custom", "directory"),
        ("plain", "directory"),
        ("tar", "s3"),
        ("directory", "s3"),
        ("gzip", "s3"),
    ],
)
def test_printed_command_restores_what_the_dump_shows(
    pg_dump: PgDump, ask: Ask, tmp_path: Path, form: str, storage: str
) -> None:
    """Into a database beside, whatever the run did to the one that was dumped."""
    suffix, *options = FORMS[form]
    source = {} if storage == "s3" else {"PRESYNC_BACKUP_SOURCE": f"dump:{pg_dump.root}"}
    pg_dump.dump(*options, f"--file={pg_dump.new(suffix)}")
    done = ask(pg_dump, "run", **source)
    assert done.exit_code == ExitCode.OK, done.stderr
    (way,) = done.report["marker"]["restore"]
    here = tmp_path / "here"
    here.mkdir()
    restoring = Restoring(pg_dump, here, f"{pg_dump.database}_{form}_{storage}")
    assert restoring.run(way["command"]) == 0
    assert restoring.found() == WHOLE


@pytest.mark.usefixtures("migrated_away")
def test_printed_command_restores_no_half_of_a_dump(
    pg_dump: PgDump, ask: Ask, tmp_path: Path
) -> None:
    """A file that was damaged meanwhile is noticed before anything is created."""
    path = pg_dump.new(".sql.gz")
    pg_dump.dump("--format=plain", "--compress=1", f"--file={path}")
    done = ask(pg_dump, "run", PRESYNC_BACKUP_SOURCE=f"dump:{pg_dump.root}")
    (way,) = done.report["marker"]["restore"]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    restoring = Restoring(pg_dump, tmp_path, f"{pg_dump.database}_half")
    assert restoring.run(way["command"]) != 0
    with pytest.raises(OperationalError, match="does not exist"):
        restoring.found()


@pytest.mark.usefixtures("migrated_away")
def test_plain_dump_that_names_its_database_has_no_command(pg_dump: PgDump, ask: Ask) -> None:
    """It would go into the one in use."""
    pg_dump.dump("--format=plain", "--create", f"--file={pg_dump.new('.sql')}")
    done = ask(pg_dump, "run")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert done.report["marker"]["restore"] == []
