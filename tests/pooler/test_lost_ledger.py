"""A connection of the ledger that is lost behind a pooler, where nobody knows its backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hook.errors import ExitCode
from tests.testbed.database import Database
from tests.testbed.deployment import Deployment
from tests.testbed.pgbouncer import running_pgbouncer
from tests.testbed.process import RunningPresync
from tests.testbed.proxy import running_proxy
from tests.testbed.run_context import eventually

BEGINS = "WITH begun AS"
PLAIN = "sslmode=disable&gssencmode=disable"
# Only the first one: a second row would be written at once.
SLOW = """\
CREATE SEQUENCE tries;
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN
        IF nextval('tries') = 1 THEN PERFORM pg_advisory_xact_lock(77); END IF;
        RETURN NEW;
    END$$;
CREATE TRIGGER wait BEFORE INSERT ON presync_run FOR EACH ROW EXECUTE FUNCTION wait()
"""
WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    f" AND wait_event = 'advisory' AND query LIKE '%{BEGINS}%'"
)


def test_row_that_is_still_on_its_way_gets_no_second_one_beside_it(
    database: Database, tmp_path: Path, start_presync: Callable[..., RunningPresync]
) -> None:
    """The run goes on without a row, says so, and the late one is the only one."""
    folder = tmp_path / "deployment"
    (folder / "sql").mkdir(parents=True)
    deployment = Deployment(database, folder)
    deployment.release({"V1__t.sql": "CREATE TABLE t (id int)"})
    assert start_presync(["run"], deployment.env()).wait().exit_code == ExitCode.OK
    database.execute(SLOW)
    deployment.release({"V2__t.sql": "INSERT INTO t VALUES (2)"})
    server = database.server
    with (
        running_pgbouncer(server, pool_mode="session") as port,
        running_proxy(replace(server, port=port)) as proxy,
        database.connect() as other,
    ):
        other.execute("SELECT pg_advisory_lock(77)")
        url = f"postgresql://{server.superuser}@127.0.0.1:{proxy.port}/{database.name}?{PLAIN}"
        running = start_presync(["run"], deployment.env(PRESYNC_URL=url))
        eventually(lambda: bool(database.query(WAITING)))
        proxy.cut(BEGINS)
        done = running.wait()
    assert done.exit_code == ExitCode.OK, done.stderr
    told = [item for item in done.events_named("finding") if item["rule"] == "ledger"]
    assert [item["level"] for item in told] == ["WARNING"]
    eventually(lambda: not database.query(WAITING))
    assert database.query("SELECT id FROM presync_run WHERE id > 1") == [(2,)]
    assert database.query("SELECT id FROM t") == [(2,)]
