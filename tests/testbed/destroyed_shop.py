"""A shop behind backups, and the run that destroys what is in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hook.errors import ExitCode
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import Completed, launch
from tests.testbed.release import write_files
from tests.testbed.restore import Restorer, run_as_printed, start_restored
from tests.testbed.run_context import eventually

DATABASE, MIGRATOR = "shop", "migrator"
_PREPARATION = (
    f"CREATE ROLE {MIGRATOR} LOGIN IN ROLE pg_monitor",
    f"CREATE DATABASE {DATABASE} OWNER {MIGRATOR}",
)
# As docs/way-back.md says.
_GRANT = f"GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO {MIGRATOR}"
_SEED = """\
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, born date);
INSERT INTO customer
SELECT i, 'c' || i || '@example.com', date '1950-01-01' + i FROM generate_series(1, 4000) AS i;
CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer, amount numeric);
INSERT INTO invoice SELECT i, 1 + i % 4000, i * 1.25 FROM generate_series(1, 9000) AS i;
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz NOT NULL);
INSERT INTO visit SELECT i, timestamptz '2026-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 500) AS i;
"""
# What is in no backup: it comes back by the WAL or not at all.
_LATER = (
    (
        "INSERT INTO customer SELECT newest + i, 'late' || i, 'now'"
        " FROM (SELECT max(id) FROM customer) AS known (newest), generate_series(1, 300) AS i"
    ),
    "UPDATE invoice SET amount = amount + 1 WHERE id % 3 = 0",
    "DELETE FROM visit WHERE id IN (SELECT id FROM visit ORDER BY id LIMIT 70)",
)
_DESTRUCTIVE = """\
-- presync: allow drop-column because nobody writes letters any more
ALTER TABLE customer DROP COLUMN email;
-- presync: allow drop-table because the accounts have moved
DROP TABLE invoice;
-- presync: allow truncate because visits are counted elsewhere
TRUNCATE visit;
"""
_WAIVED = ["drop-column", "drop-table", "truncate"]
_MIGRATIONS = {"1": ("V1__shop.sql", _SEED), "2": ("V2__tidy_up.sql", _DESTRUCTIVE)}
# Tables, and what puts their rows in order.
_TABLES = {"customer": "id", "invoice": "id", "visit": "id"}
_HISTORY = "flyway_schema_history"
_DIGEST = "SELECT md5(string_agg(row::text, '|' ORDER BY {key})), count(*) FROM {table} AS row"
_APPLIED = f"SELECT version, success FROM {_HISTORY} ORDER BY installed_rank"
_RUNS = "SELECT count(*) FROM presync_run"
_IS_STANDBY = "SELECT pg_is_in_recovery()"
_LEFT = """\
SELECT to_regclass('invoice') IS NULL,
       (SELECT count(*) FROM visit),
       (SELECT count(*) FROM information_schema.columns WHERE column_name = 'email')"""

_SECONDS = 180.0

Rows = list[tuple[object, ...]]


class Tool(Protocol):
    """What backs a server up."""

    @property
    def server(self) -> PostgresServer:
        """Return the server that it backs up."""

    def environment(self, repo: int = 1, **more: str) -> Mapping[str, str]:
        """Return what presync is told of the server and of the place *repo*."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A database, and the release in front of it.

    Attributes:
        home: Of whoever runs presync.
        user: The role that migrates.
    """

    tool: Tool
    release: Path
    home: Path
    database: str = DATABASE
    user: str = MIGRATOR

    @property
    def server(self) -> PostgresServer:
        """Return its server."""
        return self.tool.server

    def presync(self, command: str, *options: str, **more: str) -> Completed:
        """Have presync do *command* on the database."""
        url = self.server.url(self.database, self.user)
        told = {"PRESYNC_URL": url, "PRESYNC_LOCATIONS": str(self.release), **more}
        running = launch([command, *options], {**self.tool.environment(), **told}, self.home)
        try:
            return running.wait(_SECONDS)
        finally:
            running.close()

    def migrate(self, version: str, **more: str) -> tuple[str, dict[str, Any]]:
        """Add migration *version* to the release, run it, and return output and report."""
        script, text = _MIGRATIONS[version]
        write_files(self.release, {script: text})
        report = self.home / f"report-{version}.json"
        done = self.presync("run", "--format", "text", PRESYNC_REPORT=str(report), **more)
        assert done.exit_code == ExitCode.OK, done.stdout + done.stderr
        return done.stdout, json.loads(report.read_text())

    def check(self) -> Completed:
        """Have presync look at backups and archive as they are now."""
        return self.presync("check", "--format", "json")

    def rows(self, query: str, server: PostgresServer | None = None) -> Rows:
        """Return what *query* finds in the database, on another *server* if there is one."""
        with (server or self.server).connect(self.database) as reader:
            return reader.execute(query.encode()).fetchall()

    def content(self, server: PostgresServer | None = None) -> Rows:
        """Return digest and number of the rows of each table, then the history as it stands."""
        digests = [
            row
            for table, key in _TABLES.items()
            for row in self.rows(_DIGEST.format(table=table, key=key), server)
        ]
        history = self.rows(f"SELECT * FROM {_HISTORY} ORDER BY installed_rank", server)
        return [*digests, *history, *self.rows(_RUNS, server)]

    def versions(self) -> Rows:
        """Return what the schema history says is applied, and whether it succeeded."""
        return self.rows(_APPLIED)

    def write_on(self) -> None:
        """Change some rows of each table, as the application does meanwhile."""
        with self.server.connect(self.database, self.user) as application:
            for statement in _LATER:
                assert application.execute(statement).rowcount > 0

    def must_be_writable(self) -> None:
        """Fail unless the role that migrates can write."""
        with self.server.connect(self.database, self.user) as writer:
            writer.execute("INSERT INTO customer VALUES (0, 'later', now())")


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A shop whose data are gone.

    Attributes:
        before: What was there when the run began.
        printed: The output of that run.
    """

    shop: Shop
    before: Rows
    printed: str
    report: dict[str, Any]

    @property
    def marker(self) -> dict[str, Any]:
        """Return the marker of the run."""
        found: dict[str, Any] = self.report["marker"]
        return found

    def command(self, *parts: str) -> str:
        """Return the command that has all *parts* in it, from the lines of the output."""
        ways = {f"  {way['command']}" for way in self.marker["restore"]}
        lines = [line for line in self.printed.splitlines() if line in ways]
        assert len(lines) == len(ways)
        (found,) = (line.strip() for line in lines if all(part in line for part in parts))
        return found


def prepare(server: PostgresServer) -> None:
    """Create role and database, with the right to make a marker there."""
    for statement in _PREPARATION:
        with server.connect() as admin:
            admin.execute(statement.encode())
    with server.connect(DATABASE) as admin:
        admin.execute(_GRANT.encode())


def destroy(shop: Shop, back_up: Callable[[], str], back_up_later: Callable[[], str]) -> Destroyed:
    """Seed, back up, write on, migrate, back up what is left; return what there was before.

    The migration says in waivers that the data may go. The gates have to pass all the same, on
    the backup that holds the seed and neither what was written after it nor the migration.
    """
    shop.migrate("1", PRESYNC_BACKUP_SOURCE="none")
    backup = back_up()
    shop.write_on()
    before = shop.content()
    printed, report = shop.migrate("2")
    # With a newer backup that is of no use it is a warning.
    told = {stage["name"]: stage["status"] for stage in report["stages"]}["backup"]
    assert told in {"passed", "warned"}
    assert (report["marker"]["archived"], report["marker"]["backup"]) == (True, backup)
    assert [waiver["rule"] for waiver in report["waivers"]] == _WAIVED
    assert shop.rows(_LEFT) == [(True, 0, 0)]
    assert shop.versions() == [("1", True), ("2", True)]
    back_up_later()
    return Destroyed(shop, before, printed, report)


def restore(tool: Restorer, command: str, **environment: str) -> None:
    """Run *command* while the server is stopped, start it, and wait until it takes writes."""
    run_as_printed(tool, command, **environment)
    start_restored(tool, tool.server)
    await_writes(tool.server)


def await_writes(server: PostgresServer) -> None:
    """Wait until *server* has recovered and takes writes."""
    with server.connect(DATABASE) as admin:
        eventually(lambda: admin.execute(_IS_STANDBY).fetchone() == (False,), _SECONDS)


def assert_back(shop: Shop, before: Rows) -> None:
    """Fail unless all is as *before*, the migration is unknown, and the shop takes writes."""
    assert shop.content() == before
    assert shop.versions() == [("1", True)]
    shop.must_be_writable()


def is_paused(server: PostgresServer) -> bool:
    """Tell whether *server* has come to where it was to stop."""
    with server.connect() as admin:
        return admin.execute("SELECT pg_is_wal_replay_paused()").fetchone() == (True,)


def leave_empty(data: Path) -> None:
    """Leave the data directory as tools want it that only put files into an empty one."""
    for path in data.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
