"""The syntax stage: what the server refuses is found before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from hook.clock import Interrupt
from hook.core.execution.syntax_probe import SyntaxLimits
from hook.core.sql.statements import parse_statements
from hook.postgres.session import Session
from hook.postgres.syntax import find_syntax_errors
from hook.stages import Context
from tests.testbed.database import Database, Role, created_database
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.round_trips import counted_round_trips
from tests.testbed.run_context import open_session, target_of
from tests.testbed.syntax_check import SyntaxCheck

# One of every sort; none of the tables exists, but for "kept".
EVERYTHING = r"""
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, "größe" text DEFAULT 'ü;');
CREATE TABLE copy_of_t AS SELECT * FROM t;
CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
CREATE VIEW v AS SELECT * FROM t;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN this is no statement; END $$;
CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v);
INSERT INTO kept VALUES (2), ($1);
UPDATE t SET id = 1;
DELETE FROM kept;
WITH d AS (DELETE FROM kept RETURNING *) SELECT * FROM d;
SELECT * INTO u FROM t;
(SELECT 1) UNION (TABLE t);
TABLE t;
VALUES (1);
EXPLAIN ANALYZE DELETE FROM kept;
DECLARE c CURSOR FOR SELECT * FROM t;
CALL nobody();
PREPARE p AS SELECT * FROM t;
EXECUTE p;
DO $$ BEGIN DROP TABLE kept; END $$;
COPY kept FROM STDIN;
3
\.
COPY (SELECT * FROM t) TO STDOUT;
TRUNCATE kept;
DROP TABLE kept;
ALTER TABLE kept ADD other int;
CREATE INDEX CONCURRENTLY i ON kept (id);
VACUUM FULL kept;
LOCK TABLE kept;
SET search_path = nowhere;
RESET ALL;
BEGIN;
SAVEPOINT s;
ROLLBACK TO SAVEPOINT s;
ROLLBACK;
START TRANSACTION;
COMMIT;
PREPARE TRANSACTION 'x';
COMMIT PREPARED 'x';
DROP DATABASE {database};
CREATE ROLE {database}_role PASSWORD 'c4nary';
"""
SINCE_14 = "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT id FROM t; END;"
SINCE_15 = "MERGE INTO kept USING t ON true WHEN MATCHED THEN DELETE;"
FINGERPRINT = (
    "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),"
    " (SELECT count(*) FROM pg_roles), (SELECT count(*) FROM pg_attribute),"
    " (SELECT array_agg(id) FROM kept), pg_snapshot_xmax(pg_current_snapshot())"
)
STATE = (
    "SELECT current_setting('search_path'), current_setting('standard_conforming_strings'),"
    " (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors)"
)


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session with the test's database."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


@pytest.fixture
def check(ctx: Context, session: Session) -> SyntaxCheck:
    """Return the stage on `session`."""
    return SyntaxCheck(ctx, session)


def test_good_scripts_pass_though_their_tables_are_not_there_yet(check: SyntaxCheck) -> None:
    """Names are not looked up: an earlier statement may create them."""
    finding = check.run(
        {"V1__a.sql": "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);", "V2__b.sql": "TABLE t"}
    )
    assert finding.message == "the server can parse 3 statements of 2 pending scripts"
    assert finding.facts == {"parsed": 3, "not_looked_at": 0}


def test_errors_of_all_scripts_are_told_with_their_lines(check: SyntaxCheck) -> None:
    """Lines are the file's, whatever stands before: multi-byte text, strings, COPY data."""
    problems = check.problems(
        {
            "V1__fine.sql": "SELECT 1;",
            "V2__first.sql": "-- größe 🐘\nINSERT INTO t VALUES ('ü\n🐘');\n\n"
            "CREATE TABLE t (\n  name text,\n  größe 🐘 'x' int\n);\nSELEC 1;\n",
            "V3__copy.sql": "COPY t FROM STDIN;\n1\n2\n\\.\nALTER TABLE t\n  AD COLUMN x int;\n",
            "sub/R__last.sql": "CREATE TABLE x AS\nSELECT FROM WHERE;",
        }
    )
    assert problems == (
        "V2__first.sql:7 42601 syntax error at or near \"'x'\"",
        'V2__first.sql:9 42601 syntax error at or near "SELEC"',
        'V3__copy.sql:6 42601 syntax error at or near "AD"',
        'sub/R__last.sql:2 42601 syntax error at or near "WHERE"',
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT 1;\nCREATE TABLE t (id int;\nSELECT 2;", '2 42601 syntax error at or near ";"'),
        ("SELECT 1;\nSELECT (1", "2 42601 syntax error at end of input"),
        ("SELECT 1 +\n\n;", "3 42601 syntax error at end of input"),
        ("SELECT\n E'\\u00zz'", "2 22025 invalid Unicode escape"),
        ("SELECT 1;\nCREATE ASSERTION a CHECK (true)", "2 0A000 CREATE ASSERTION"),
        ("ALTER TABLE t SET TABLESPEED 9", '1 42601 syntax error at or near "TABLESPEED"'),
        ("SELECT 1;\nEXPLAIN SELEC 1", '2 42601 syntax error at or near "SELEC"'),
        ("FROBNICATE t", '1 42601 syntax error at or near "FROBNICATE"'),
        (
            "SELECT 1 FETCH FIRST 1 ROW WITH TIES",
            "1 42601 WITH TIES cannot be specified without ORDER BY clause",
        ),
    ],
)
def test_error_comes_with_line_and_code(check: SyntaxCheck, text: str, problem: str) -> None:
    """What the parser refuses is told, be it broken, unfinished or newer than the server."""
    (told,) = check.problems({"V1__a.sql": text})
    assert told.startswith(f"V1__a.sql:{problem}")
    assert "differently" not in told


@pytest.mark.parametrize(
    ("newer", "statements"),
    [
        pytest.param("", 40, id="every server"),
        pytest.param(SINCE_14, 41, id="14", marks=pytest.mark.since_server(14, "BEGIN ATOMIC")),
        pytest.param(SINCE_15, 41, id="15", marks=pytest.mark.since_server(15, "MERGE")),
    ],
)
def test_nothing_is_executed(
    ctx: Context, make_server: Callable[..., PostgresServer], newer: str, statements: int
) -> None:
    """Every sort of statement is parsed, in both ways, and not one of them runs."""
    server = make_server({"autovacuum": "off"})
    with created_database(server) as database, server.connect(database.name) as witness:
        witness.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
        before = witness.execute(FINGERPRINT).fetchall()
        with open_session(target_of(database), ctx.interrupt) as session:
            state = session.fetch(STATE)
            check = SyntaxCheck(ctx, session)
            text = EVERYTHING.format(database=database.name) + newer
            facts = check.run({"V1__a.sql": text}).facts
            assert facts == {"parsed": statements, "not_looked_at": 0}
            assert len(check.problems({"V1__a.sql": text + "SELEC 1;"})) == 1
            _parse_in_aborted_transaction(session, text)
            assert session.fetch(STATE) == state
            assert not session.in_transaction
        assert witness.execute(FINGERPRINT).fetchall() == before


def _parse_in_aborted_transaction(session: Session, text: str) -> None:
    """Ask of all of *text* in the way that is kept for what cannot be asked in silence."""
    session.run("BEGIN; SELECT 1/0")
    answers = session.parse([item.sql for item in parse_statements(text.encode())])
    assert {answer.sqlstate for answer in answers if answer} == {"25P02"}
    assert session.in_transaction  # the COMMITs among them ended nothing
    session.run("ROLLBACK")


def test_good_script_leaves_no_trace_in_the_log_of_the_server(
    ctx: Context, make_server: Callable[..., PostgresServer]
) -> None:
    """The server logs no error, and so neither the statements nor passwords in them."""
    server = make_server()
    with created_database(server) as database:
        before = len(server.log_text())
        with open_session(target_of(database), ctx.interrupt) as session:
            SyntaxCheck(ctx, session).run(
                {"V1__a.sql": "CREATE ROLE r PASSWORD 'c4nary'; INSERT INTO t VALUES ('c4nary');"}
            )
        log = server.log_text()[before:]
        assert "ERROR" not in log
        assert "c4nary" not in log


def test_statement_that_the_server_cuts_differently_is_refused(session: Session) -> None:
    """What we take for one statement and the server for two would be counted wrongly."""
    statements = parse_statements(b"SELECT 0;\nSELECT 1")
    whole = statements[0]._replace(end=statements[1].end)
    ((item, failure),) = find_syntax_errors(session, [whole], lambda: None)
    assert item is whole
    assert (failure.sqlstate, failure.position) == ("42601", None)


def test_role_without_rights_and_with_old_strings_is_enough(
    ctx: Context, database: Database, make_role: Callable[..., Role]
) -> None:
    """Nothing is needed to parse; a role's own string syntax is put aside and put back."""
    role = make_role()
    database.execute(f"ALTER ROLE {role.name} SET standard_conforming_strings = off")
    database.execute("CREATE TABLE hidden (id int); REVOKE ALL ON SCHEMA public FROM public")
    with open_session(target_of(database, role), ctx.interrupt) as session:
        finding = SyntaxCheck(ctx, session).run(
            {"V1__a.sql": r"SELECT '\'; SELECT * FROM hidden; EXPLAIN SELECT '\'"}
        )
        assert finding.facts == {"parsed": 3, "not_looked_at": 0}
        assert session.reported("standard_conforming_strings") == "off"


def test_long_and_escape_syntax_statements_are_left_out(check: SyntaxCheck) -> None:
    """Data is not sent twice, and what is left out is told; mistakes in it are not seen."""
    limited = replace(check, limits=SyntaxLimits(statement=40, script=70))
    finding = limited.run(
        {
            "V1__long.sql": f"INSERT INTO t VALUES ('{'x' * 40}') WRONG; SELECT 1;",
            "V2__many.sql": "INSERT INTO t VALUES ('abcdefgh');" * 3,
            "V3__old.sql": "SET standard_conforming_strings = off;\nSELECT '\\'' WRONG WRONG;",
        }
    )
    assert finding.facts == {"parsed": 4, "not_looked_at": 3}
    assert finding.message.endswith("; 3 too long or in escape string syntax were not looked at")


def test_many_errors_of_one_script_are_counted(check: SyntaxCheck) -> None:
    """A script in the wrong dialect does not flood the report, nor hide the next one."""
    problems = check.problems({"V1__a.sql": "SELEC 1;\n" * 600, "V2__b.sql": "SELEC 2"})
    assert len(problems) == 22
    assert problems[0].startswith("V1__a.sql:1 42601")
    assert problems[19].startswith("V1__a.sql:20 42601")
    assert problems[20] == "V1__a.sql: 580 more such errors"
    assert problems[21].startswith("V2__b.sql:1 42601")


@pytest.mark.parametrize("scripts", [1, 5000])
def test_many_statements_cost_few_round_trips(
    scripts: int, server: PostgresServer, database: Database, ctx: Context
) -> None:
    """5,000 statements are sent in ten batches, in however many scripts they are."""
    texts = [f"ALTER TABLE t{number} ADD a int;\n" for number in range(5000)]
    each = len(texts) // scripts
    files = {f"V{at + 1}__a.sql": "".join(texts[at * each :][:each]) for at in range(scripts)}
    with counted_round_trips(server) as trips:
        target = target_of(database, port=str(trips.port))
        with open_session(target, ctx.interrupt) as session:
            session.fetch("SELECT 1")
            before = trips.count
            finding = SyntaxCheck(ctx, session).run(files)
            spent = trips.count - before
    assert finding.facts["parsed"] == 5000
    assert 10 <= spent <= 30  # ten, but for a machine that stops for a moment


def test_server_with_another_encoding_has_the_right_lines(
    ctx: Context, server: PostgresServer, make_database: Callable[..., Database]
) -> None:
    """A server in SQL_ASCII counts bytes, and one in LATIN1 cannot take every character."""
    maintenance = make_database()
    for encoding, problem in (
        ("SQL_ASCII", "V1__a.sql:3 42601 syntax error"),
        ("LATIN1", "V1__a.sql:1 22P05 character with byte sequence"),
    ):
        name = f"{maintenance.name}_{encoding.lower()}"
        maintenance.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING {encoding} LOCALE 'C'"
        )
        try:
            database = Database(server, name)
            with open_session(target_of(database), ctx.interrupt) as session:
                (told,) = SyntaxCheck(ctx, session).problems(
                    {"V1__a.sql": "SELECT '🐘🐘🐘🐘🐘🐘🐘🐘🐘🐘',\n 1,\n FROM WHERE\n;"}
                )
        finally:
            maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")
        assert told.startswith(problem)


def test_idle_locks_do_not_hold_the_parser_up(database: Database, check: SyntaxCheck) -> None:
    """No table is opened, so that nobody's lock is waited for."""
    database.execute("CREATE TABLE t (id int)")
    with database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        check.run({"V1__a.sql": "INSERT INTO t VALUES (1); CREATE TABLE u AS TABLE t; TABLE t"})
        assert holder.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS
