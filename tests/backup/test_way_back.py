"""The whole promise: what a run prints brings the data back that its migration destroyed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS
from tests.testbed.binaries import Binaries
from tests.testbed.pgbackrest import PgBackRest, Place, new_pgbackrest
from tests.testbed.postgres_server import PostgresServer, empty_server, running_server
from tests.testbed.process import Completed, launch
from tests.testbed.release import write_files
from tests.testbed.restore import Restorer, run_as_printed, start_restored
from tests.testbed.run_context import eventually

DATABASE, MIGRATOR = "shop", "migrator"
PREPARATION = (
    f"CREATE ROLE {MIGRATOR} LOGIN IN ROLE pg_monitor",
    f"CREATE DATABASE {DATABASE} OWNER {MIGRATOR}",
)
# As docs/way-back.md says.
GRANT = f"GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO {MIGRATOR}"
GOOD = """\
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, born date);
INSERT INTO customer
SELECT i, 'c' || i || '@example.com', date '1950-01-01' + i FROM generate_series(1, 4000) AS i;
CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer, amount numeric);
INSERT INTO invoice SELECT i, 1 + i % 4000, i * 1.25 FROM generate_series(1, 9000) AS i;
"""
DESTRUCTIVE = "ALTER TABLE customer DROP COLUMN email;\nDROP TABLE invoice;\n"
# Tables, and what puts their rows in order.
TABLES = {"customer": "id", "invoice": "id", "flyway_schema_history": "installed_rank"}
DIGEST = "SELECT md5(string_agg(row::text, '|' ORDER BY {key})), count(*) FROM {table} AS row"
# Of the server, and where its repository lies.
ZONES = {"UTC": "directory", "Asia/Shanghai": "s3"}
IS_STANDBY = "SELECT pg_is_in_recovery()"

_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Shop:
    """A database behind backups, and the release in front of it."""

    tool: Restorer
    release: Path
    home: Path

    @property
    def server(self) -> PostgresServer:
        """Return its server."""
        return self.tool.server

    def run(self, script: str, text: str) -> Completed:
        """Add *script* to the release, and have presync apply it as an ordinary role."""
        write_files(self.release, {script: text})
        url = self.server.url(DATABASE, MIGRATOR)
        env = self.tool.environment(PRESYNC_URL=url, PRESYNC_LOCATIONS=str(self.release))
        running = launch(["run", "--format", "json"], env, self.home)
        try:
            done = running.wait(_SECONDS)
        finally:
            running.close()
        assert done.exit_code == ExitCode.OK, done.stderr
        return done

    def digests(self, server: PostgresServer | None = None) -> list[tuple[object, ...]]:
        """Return digest and number of the rows of each table."""
        with (server or self.server).connect(DATABASE) as reader:
            queries = (DIGEST.format(table=name, key=key) for name, key in TABLES.items())
            return [reader.execute(query.encode()).fetchone() or () for query in queries]

    def restore(self, command: str) -> None:
        """Stop the server, run *command*, start it, and wait until it takes writes."""
        self.server.stop()
        run_as_printed(self.tool, command)
        start_restored(self.tool, self.server)
        with self.server.connect(DATABASE) as admin:
            eventually(lambda: admin.execute(IS_STANDBY).fetchone() == (False,))

    def must_be_writable(self) -> None:
        """Fail unless the role that migrates can write."""
        with self.server.connect(DATABASE, MIGRATOR) as writer:
            writer.execute("INSERT INTO customer VALUES (0, 'later', now())")


def prepare(server: PostgresServer) -> None:
    """Create role and database, with the right to make a marker there."""
    for statement in PREPARATION:
        with server.connect() as admin:
            admin.execute(statement.encode())
    with server.connect(DATABASE) as admin:
        admin.execute(GRANT.encode())


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A shop whose data are gone, what they were, and what presync has printed."""

    tool: PgBackRest
    shop: Shop
    before: list[tuple[object, ...]]
    marker: dict[str, Any]

    def command(self, *parts: str) -> str:
        """Return the printed command that has all *parts* in it."""
        ways = (str(way["command"]) for way in self.marker["restore"])
        (found,) = (command for command in ways if all(part in command for part in parts))
        return found


@pytest.fixture(scope="module", params=ZONES)
def destroyed(
    request: pytest.FixtureRequest,
    binaries: Binaries,
    new_place: Callable[[str, str], Place],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Destroyed]:
    """Return a shop after the migration, with a newer backup of what is left.

    A restore to the marker leads out of any state, so all tests share it.
    """
    zone: str = request.param
    storage = ZONES[zone]
    place = new_place(storage, f"way-back-{storage}")
    with (
        running_server(binaries, {**ARCHIVING, "timezone": zone}, CHECKSUMS) as server,
        new_pgbackrest(server, [place]) as tool,
    ):
        prepare(server)
        tool.create_stanza()
        tool.back_up("full")
        shop = Shop(tool, tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("home"))
        shop.run("V1__shop.sql", GOOD)
        before = shop.digests()
        done = shop.run("V2__tidy_up.sql", DESTRUCTIVE)
        tool.back_up("incr")
        yield Destroyed(tool, shop, before, done.report["marker"])


def test_look_beside_shows_the_data_and_leaves_production_alone(destroyed: Destroyed) -> None:
    """A server of its own stops at the marker; whatever it does then, it archives nothing."""
    shop, command = destroyed.shop, destroyed.command("--archive-mode=off")
    archived = destroyed.tool.run("info")
    with empty_server(shop.server) as beside:
        run_as_printed(shop.tool, command, RESTORE_TO=str(beside.data))
        start_restored(shop.tool, beside)
        eventually(lambda: is_paused(beside))
        assert shop.digests(beside) == destroyed.before
        with beside.connect(DATABASE) as admin, pytest.raises(ReadOnlySqlTransaction):
            admin.execute("DELETE FROM customer")
        beside.promote()
        with beside.connect() as admin:
            admin.execute("CREATE TABLE written ()")
            admin.execute("SELECT pg_switch_wal()")
            assert admin.execute("SHOW archive_mode").fetchone() == ("off",)
    assert destroyed.tool.run("info") == archived


@pytest.mark.parametrize("target", ["--type=lsn", "--type=name", "--type=time"])
def test_printed_command_brings_everything_back(destroyed: Destroyed, target: str) -> None:
    """By position, by name and by time, although a newer backup is there to be chosen."""
    assert destroyed.marker["archived"]
    shop = destroyed.shop
    shop.restore(destroyed.command("--delta ", target))
    assert shop.digests() == destroyed.before
    shop.must_be_writable()


def is_paused(server: PostgresServer) -> bool:
    """Tell whether *server* has come to where it was to stop."""
    with server.connect() as admin:
        return admin.execute("SELECT pg_is_wal_replay_paused()").fetchone() == (True,)
