"""`presync plan --sql` and callbacks: those of a connection of their own stand in comments."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.interop.snapshot import take_snapshot
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed
from tests.testbed.proxy import Proxy, running_proxy
from tests.testbed.psql import pipe_into_psql

RunPresync = Callable[..., Completed]
APART = (
    *("afterConnect", "beforeValidate", "afterValidate", "createSchema", "beforeCreateSchema"),
    *("beforeMigrate", "afterVersioned", "beforeRepeatables", "afterMigrateApplied"),
    *("afterMigrate", "afterMigrateError"),
)
SCRIPTS = {
    "V1__log.sql": "CREATE TABLE log (event text);\nCREATE TABLE t ();\n",
    "V2__u.sql": "CREATE TABLE u ();\n",
    "R__v.sql": "CREATE VIEW v AS SELECT 1 AS one;\n",
    "afterEachMigrate.sql": "INSERT INTO log VALUES ('${flyway:filename}');\n",
}
CALLBACKS = {
    f"{event}.sql": f"SELECT 'of {event};' -- a[1:PORT]\r\nAS \"x\";\nSELECT 2\n" for event in APART
}
READS = ("-- One round trip: ", "/*NO LOAD BALANCE*/", "SELECT pg_catalog.pg_current_xact_id()")
HEADING = re.compile(r"^-- callback (\w+)\.sql, on a connection of its own:$", re.MULTILINE)


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    """Return a listener in front of the database."""
    with running_proxy(deployment.database.server) as running:
        yield running


def shown_apart(printed: str) -> list[str]:
    """Return the lines of the callbacks that are in comments."""
    parts = HEADING.split(printed)[2::2]
    lines = [line for part in parts for line in re.split("[\r\n]", part.partition("\n\n")[0])]
    return [line.removeprefix("-- ") for line in lines if line.startswith("-- ")]


def sent_apart(proxy: Proxy) -> list[str]:
    """Return the lines that the connections of the callbacks have sent."""
    conversations = (
        [query.rstrip(b"\0").decode() for query in conversation.queries]
        for conversation in proxy.conversations
        if any(b"'of " in query for query in conversation.queries)
    )
    queries = itertools.chain.from_iterable(conversations)
    sent = (query for query in queries if not query.startswith(READS))
    return [line for query in sent for line in re.split("[\r\n]", query)]


def significant(lines: list[str]) -> list[str]:
    """Return *lines* without empty ones and ends of statements."""
    return [line.rstrip(";") for line in lines if line.rstrip(";")]


def test_callbacks_are_printed_as_they_are_sent(
    deployment: Deployment, proxy: Proxy, run_presync: RunPresync
) -> None:
    """At their moments, in the very words; those of failures have none."""
    deployment.release(SCRIPTS | CALLBACKS)
    printed = run_presync(["plan", "--sql"], deployment.env()).stdout
    assert HEADING.findall(printed) == [event for event in APART if not event.endswith("Error")]
    assert "run only when something has failed: afterMigrateError.sql\n" in printed
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{deployment.database.name}"
    through = {"PRESYNC_URL": f"{url}?sslmode=disable&gssencmode=disable"}
    done = run_presync(["run"], deployment.env() | through)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert significant(shown_apart(printed)) == significant(sent_apart(proxy))


def test_callbacks_of_each_migration_are_part_of_it(
    deployment: Deployment,
    make_database: Callable[[], Database],
    binaries: Binaries,
    run_presync: RunPresync,
) -> None:
    """What psql runs; it leaves alone those that it would run on another connection."""
    deployment.release(SCRIPTS | CALLBACKS)
    printed = run_presync(["plan", "--sql"], deployment.env())
    assert printed.stdout.count("\nINSERT INTO log VALUES ('afterEachMigrate.sql')") == 3
    other = make_database()
    pipe_into_psql(printed.stdout, other, binaries)
    assert run_presync(["run"], deployment.env()).exit_code == ExitCode.OK
    with other.connect() as one, deployment.database.connect() as two:
        for connection in (one, two):
            connection.execute("SET TimeZone = 'UTC'")
        assert take_snapshot(one).differences(take_snapshot(two)) == []


def test_callbacks_are_shown_with_nothing_pending_too(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """A run would send them, so that nothing is not what would be sent."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    deployment.release({"beforeMigrate.sql": "SELECT 'hello'"})
    done = run_presync(["plan", "--sql", "--format", "json"], deployment.env())
    assert done.exit_code == ExitCode.OK, done.stderr
    (callback,) = (item for item in done.report["sql"] if "callback" in item)
    assert callback["callback"] == "beforeMigrate.sql"
    assert "SELECT 'hello'\n" in callback["statements"]
    assert "nothing would be sent" not in done.stdout
