"""`presync plan --sql`: what it prints is what a run sends, and what psql can run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from hook.postgres.lock import marking_statement
from hook.render.sql import PSQL_ONLY
from tests.interop.snapshot import Snapshot, take_snapshot
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database
from tests.testbed.deployment import Deployment
from tests.testbed.gate import NEXT_TRANSACTION
from tests.testbed.process import Completed
from tests.testbed.proxy import Proxy, running_proxy
from tests.testbed.psql import pipe_into_psql

RunPresync = Callable[..., Completed]
SETTINGS = {"FLYWAY_SCHEMAS": "app,extra", "FLYWAY_PLACEHOLDERS_WORD": "größer"}
FILES = {
    "V1__tables.sql": (
        "-- two tables\nCREATE TABLE t (id int PRIMARY KEY, word text);\n"
        "COPY t FROM stdin;\n1\t'a; b'\n2\t\\N\n3\t${word}\n\\.\n\n"
        "CREATE TABLE \"U;\" (note text DEFAULT 'it''s; ${word}') -- no semicolon behind it"
    ),
    "V2__copies.sql": (
        "COPY t FROM stdin WITH (FORMAT csv);\n4,four\n\\.\nCOPY t FROM stdin;\n\\.\n"
        "COPY extra.late FROM stdin;\n7\n\\.\n"
    ),
    "V1_1__extra.sql": "SET search_path = extra; CREATE TABLE late (n int); SET lock_timeout = 7",
    "V3__index.sql": "CREATE INDEX CONCURRENTLY t_word ON t (word);\n",
    "V4__escapes.sql": (
        "SET standard_conforming_strings = off;\nSET escape_string_warning = off;\n"
        "INSERT INTO t VALUES (10, 'it\\'s');\nSET standard_conforming_strings = on;\n"
    ),
    "V5__own_transactions.sql": (
        "BEGIN;\nINSERT INTO t VALUES (20);\nCOMMIT AND CHAIN;\nINSERT INTO t VALUES (21);\n"
        "SAVEPOINT s;\nROLLBACK TO s;\nCOMMIT;\nINSERT INTO t VALUES (22);\n"
    ),
    "V6__left_open.sql": "VACUUM;\nBEGIN;\nINSERT INTO t VALUES (30);\n",
    "V6__left_open.sql.conf": "executeInTransaction=false",
    "V7__function.sql": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n"
    ),
    "V8__nothing.sql": "-- only a comment\n",
    "R__view.sql": "CREATE VIEW v AS SELECT '${flyway:defaultSchema}' AS schema, f() AS one;",
}
READS = re.compile(rb"/\*NO LOAD BALANCE\*/|-- .*\nWITH |SELECT .*indisvalid", re.DOTALL)


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    """Return a listener in front of the database."""
    with running_proxy(deployment.database.server) as running:
        yield running


def plan_sql(run_presync: RunPresync, deployment: Deployment, *more: str) -> Completed:
    """Return what the release would send."""
    return run_presync(["plan", "--sql", *more], deployment.env(**SETTINGS))


def snapshot(database: Database) -> Snapshot:
    """Return what *database* holds."""
    with database.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return take_snapshot(connection)


def as_sent(script: str) -> list[str]:
    """Return the lines of *script* that a server would see, comments aside."""
    without_data = re.sub(r"(?ms)^(COPY [^;]*;\n)(?:.*?\n)??\\\.$", r"\1", script)
    lines = [line for line in without_data.splitlines() if not line.endswith(PSQL_ONLY)]
    return comparable("\n".join(lines))


def comparable(text: str) -> list[str]:
    """Return the lines of *text* without comments, ends of statements, measured times."""
    measured = re.sub(r"(VALUES \(\d+, '6'.*'), \d+, TRUE\)", r"\1, ?, TRUE)", text)
    measured = re.sub(r"(VALUES \(\d+, '[35]'.*'), \d+, TRUE\)", r"\1, ?, TRUE)", measured)
    lines = (line.rstrip(";") for line in measured.splitlines())
    return [line for line in lines if line and not line.startswith("-- ")]


def received(proxy: Proxy) -> list[str]:
    """Return the lines of what the connection that migrated sent, reads and its mark aside."""
    (queries,) = (
        [query.rstrip(b"\0") for query in conversation.scripts]
        for conversation in proxy.conversations
        if any(query.startswith(b"CREATE SCHEMA") for query in conversation.queries)
    )
    first = next(at for at, query in enumerate(queries) if query.startswith(b"CREATE SCHEMA"))
    sent = [query.decode() for query in queries[first:] if not READS.match(query)]
    mark = marking_statement(migration_lock_key("app", "flyway_schema_history"))
    return comparable("\n".join(sent).replace(mark, ""))


def test_printed_sql_is_what_the_server_receives(
    deployment: Deployment, proxy: Proxy, run_presync: RunPresync
) -> None:
    """Statement by statement, in order; reads, what marks the session and times aside."""
    deployment.release(FILES)
    printed = plan_sql(run_presync, deployment)
    assert printed.exit_code == ExitCode.OK
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{deployment.database.name}"
    through = {"PRESYNC_URL": f"{url}?sslmode=disable&gssencmode=disable"}
    done = run_presync(["run"], deployment.env(**SETTINGS) | through)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert as_sent(printed.stdout) == received(proxy)


def test_printed_sql_does_in_psql_what_a_run_does(
    deployment: Deployment,
    make_database: Callable[[], Database],
    binaries: Binaries,
    run_presync: RunPresync,
) -> None:
    """Schema, rows and history are the same; when and how long aside."""
    deployment.release(FILES)
    printed = plan_sql(run_presync, deployment)
    other = make_database()
    pipe_into_psql(printed.stdout, other, binaries)
    assert run_presync(["run"], deployment.env(**SETTINGS)).exit_code == ExitCode.OK
    assert snapshot(other).differences(snapshot(deployment.database)) == []
    assert len(snapshot(other).history) == 1 + len(FILES) - 1


def test_what_psql_would_replace_or_obey_reaches_the_server(
    deployment: Deployment,
    make_database: Callable[[], Database],
    binaries: Binaries,
    run_presync: RunPresync,
) -> None:
    """Names of psql's variables, colons, backslashes, and the commands that pg_dump writes."""
    deployment.release(
        {
            "V1__odd.sql": (
                "\\restrict abc\n"
                'CREATE TABLE t (":USER" text, b text, c text, d text);\n'
                "INSERT INTO t VALUES (':DBNAME', $$:'HOST' \\echo$$, E'\\\\q\\n\\\\!', "
                "('{a,b,c}'::text[])[2:3]::text);\n"
                "COPY t FROM stdin;\n\\\\q\t:PORT\t\\N\t;\n\\.\n"
                "CREATE FUNCTION f(int) RETURNS text LANGUAGE sql\n"
                "BEGIN ATOMIC SELECT ('{a,b,c}'::text[])[1:$1]::text; END;\n"
                "INSERT INTO t (b) VALUES (f(2)); -- \\! exit\n"
                'INSERT INTO t (c) SELECT (w[1:PORT]||w[2:"PORT"]||w[1:port]::text[])::text\n'
                "  FROM (SELECT 1, 2, '{a,b,c}'::text[]) AS x (port, \"PORT\", w);\n"
                "\\unrestrict abc\n"
            )
        }
    )
    printed = plan_sql(run_presync, deployment)
    assert printed.exit_code == ExitCode.OK, printed.stderr
    assert 'w[1\\:PORT]||w[2\\:"PORT"]' in printed.stdout
    by_psql = make_database()
    pipe_into_psql(printed.stdout, by_psql, binaries)
    assert run_presync(["run"], deployment.env(**SETTINGS)).exit_code == ExitCode.OK
    rows = "SELECT t::text FROM app.t ORDER BY 1"
    assert by_psql.query(rows) == deployment.database.query(rows)


def test_ranks_are_those_behind_baseline_and_created_schemas(
    deployment: Deployment,
    make_database: Callable[[], Database],
    binaries: Binaries,
    run_presync: RunPresync,
) -> None:
    """Both have rows of their own in front of the first script."""
    other = make_database()
    for database in (deployment.database, other):
        database.execute("CREATE TABLE adopted (); CREATE TABLE public.t (id int)")
    deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    settings = {
        "FLYWAY_DEFAULT_SCHEMA": "public",
        "FLYWAY_SCHEMAS": "extra",
        "FLYWAY_BASELINE_ON_MIGRATE": "true",
        "PRESYNC_ALLOW_BASELINE": "true",
    }
    printed = run_presync(["plan", "--sql"], deployment.env(**settings))
    pipe_into_psql(printed.stdout, other, binaries)
    assert run_presync(["run"], deployment.env(**settings)).exit_code == ExitCode.OK
    ranks = [(1, "1"), (2, None), (3, "2")]
    for database in (deployment.database, other):
        query = "SELECT installed_rank, version FROM flyway_schema_history ORDER BY 1"
        assert database.query(query) == ranks


@pytest.mark.parametrize(
    ("there", "is_sent"), [("(word)", False), ("(word DESC)", True), ("(id)", True)]
)
def test_index_that_may_be_left_out_is_marked(
    deployment: Deployment, run_presync: RunPresync, there: str, *, is_sent: bool
) -> None:
    """To find out takes a write, so that the condition stands in front of the statement."""
    deployment.apply(
        {"V1__t.sql": f"CREATE TABLE t (id int, word text); CREATE INDEX i ON t {there}"}
    )
    build = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (word)"
    deployment.release({"V2__i.sql": f"-- fast\n{build};\n"})
    remark = (
        "line 2: `presync run` leaves this out if index public.i on public.t, which is there and"
        " valid, is the very same"
    )
    printed = run_presync(["plan", "--sql"], deployment.env())
    assert f"\n-- {remark}\n{build}\n;\n" in printed.stdout
    assert "-- - which indexes built CONCURRENTLY are there by then: " in printed.stdout
    listed = run_presync(["plan", "--sql", "--format", "json"], deployment.env()).report["sql"]
    assert [item.get("remarks") for item in listed] == [None, [remark]]
    done = run_presync(["run"], deployment.env())
    assert done.exit_code == ExitCode.OK, done.stderr
    assert ("is there, valid and as defined: kept" not in done.stderr) is is_sent


def test_group_is_one_transaction_in_psql_too(
    deployment: Deployment,
    make_database: Callable[[], Database],
    binaries: Binaries,
    run_presync: RunPresync,
) -> None:
    """With the statements for every connection, which come first in each script."""
    copy = "CREATE TABLE u (id int);\nCOPY u FROM stdin;\n1\n\\.\n"
    deployment.release({"V1__t.sql": "CREATE TABLE t ()", "V2__u.sql": copy})
    settings = {"FLYWAY_GROUP": "true", "FLYWAY_INIT_SQL": "SET work_mem = '5MB'"}
    printed = run_presync(["plan", "--sql"], deployment.env(**settings))
    assert printed.stdout.count("\nCOMMIT;\n") == 1
    other = make_database()
    pipe_into_psql(printed.stdout, other, binaries)
    assert run_presync(["run"], deployment.env(**settings)).exit_code == ExitCode.OK
    assert snapshot(other).differences(snapshot(deployment.database)) == []


def test_asking_for_sql_changes_nothing(deployment: Deployment, run_presync: RunPresync) -> None:
    """No transaction gets a number."""
    deployment.release(FILES)
    before = deployment.database.query(NEXT_TRANSACTION)
    assert plan_sql(run_presync, deployment).exit_code == ExitCode.OK
    assert deployment.database.query(NEXT_TRANSACTION) == before
