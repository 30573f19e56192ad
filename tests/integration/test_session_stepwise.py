"""Scripts without transaction that may leave something in their session, and lose that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.clock import Interrupt
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually

CutOff = Callable[[str, str, Fault], None]
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
BASE = """\
CREATE TABLE t (n int);
CREATE FUNCTION add(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (n) RETURNING n';
CREATE FUNCTION in_turn() RETURNS void LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(7), pg_advisory_xact_lock(8); END';
CREATE FUNCTION locked() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_lock(7); END';
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS
    'BEGIN INSERT INTO t VALUES (2); COMMIT; INSERT INTO t VALUES (3); END';
CREATE PROCEDURE in_one() LANGUAGE sql AS 'INSERT INTO t VALUES (2)';
"""
SCRIPT = """\
SET application_name = 'set';
SELECT add(1);
DO $$BEGIN INSERT INTO t VALUES (2); SET LOCAL work_mem = '5MB'; END$$;
SELECT in_turn();
CREATE TEMP TABLE work AS SELECT 3 AS n;
INSERT INTO t SELECT n FROM work;
DROP TABLE work;
VACUUM t;
WITH x AS (SELECT add(4)) SELECT * FROM x;
"""
LAST = "WITH x"
# Put together, as nothing is noted of a script that names the schema itself.
TEMPORARY = "DO $$BEGIN EXECUTE 'CREATE {0} pg' || '_temp.gone {1}'; END$$"
ROWS = "SELECT n FROM t ORDER BY n"
EVERYTHING = [(1,), (2,), (3,), (4,)]
HELD = "SELECT report #> '{cut_off,held}' FROM presync_run ORDER BY id DESC LIMIT 1"


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with the proxy in front of its database, a table and functions."""
    assert gate.run({"V1__base.sql": BASE, **ALONE}).exit_code is ExitCode.OK
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


@pytest.fixture
def cut_off(proxied: Gate, proxy: Proxy, calm: Interrupt) -> CutOff:
    """Return what runs a script, and leaves it somewhere as a run does that is killed there."""

    def run_up_to(script: str, statement: str, fault: Fault) -> None:
        proxy.refuse_from(statement, fault)
        running = proxied.start({"V2__x.sql": script})
        eventually(lambda: bool(proxied.events.named("connection.lost")))
        proxied.interrupt.set("SIGTERM")
        assert running.report().exit_code is not ExitCode.OK
        proxied.interrupt = calm
        assert proxied.history()[1:] == []
        proxy.lead_to(proxied.database.server)

    return run_up_to


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
@pytest.mark.parametrize(
    "statement", ["SELECT add(1)", "DO $$", "SELECT in_turn()", "VACUUM", LAST]
)
def test_next_attempt_does_each_statement_once(
    proxied: Gate, proxy: Proxy, statement: str, fault: Fault
) -> None:
    """The session had nothing that a new one lacks, and the ledger says so."""
    proxy.lose(statement, fault)
    report = proxied.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert proxied.database.query(ROWS) == EVERYTHING


@pytest.mark.parametrize(
    ("statement", "fault", "is_held"),
    [
        ("BEGIN;\nSELECT add(1)", Fault.REPLY, False),
        ("CREATE TEMP", Fault.REQUEST, False),
        ("CREATE TEMP", Fault.REPLY, True),
        ("INSERT INTO t SELECT n FROM work", Fault.REQUEST, True),
        ("DROP TABLE work", Fault.REQUEST, True),
        ("DROP TABLE work", Fault.REPLY, False),
        (LAST, Fault.REQUEST, False),
        (LAST, Fault.REPLY, False),
    ],
)
def test_next_run_goes_on_unless_a_temporary_table_is_gone(
    proxied: Gate, cut_off: CutOff, statement: str, fault: Fault, *, is_held: bool
) -> None:
    """In front of it and behind it the session is like any other."""
    cut_off(SCRIPT, statement, fault)
    again = proxied.run()
    if is_held:
        assert again.exit_code is ExitCode.FAILED_BEFORE, again.verdict
        assert "are done; gone with its session: temporary table work" in deciding(again).message
        proxied.database.execute("DELETE FROM t")
        proxied.orders = Orders(retries_failed=True)
        again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


@pytest.mark.parametrize(
    ("statement", "held"),
    [
        ("DO $$BEGIN SET work_mem = '5MB'; END$$", ["setting work_mem"]),
        ("SELECT locked()", ["advisory lock 0 7"]),
        ("PREPARE p AS SELECT 1", ["prepared statement p"]),
        ("SELECT 1 AS n INTO TEMP gone", ["temporary table gone"]),
        ("CREATE TEMP VIEW gone AS SELECT 1", ["temporary view gone"]),
        ("CREATE TEMP SEQUENCE gone", ["temporary sequence gone"]),
        (TEMPORARY.format("TYPE", "AS ENUM ()"), ["temporary type gone"]),
        (TEMPORARY.format("DOMAIN", "AS int"), ["temporary type gone"]),
        (TEMPORARY.format("TYPE", "AS (n int)"), ["temporary type gone"]),
        (
            TEMPORARY.format("TEXT SEARCH DICTIONARY", "(TEMPLATE = simple)"),
            ["temporary text search dictionary gone"],
        ),
        ("DO $$BEGIN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'; END$$", ["cursor c"]),
        ("SELECT add(9);\nSET work_mem = '5MB';\nSELECT add(9)", []),
        ("SET work_mem = '5MB';\nRESET ALL;\nSELECT add(9)", []),
        ("SET work_mem = '5MB';\nSELECT add(9);\nRESET work_mem;\nSELECT add(9)", []),
        ("RESET search_path;\nSELECT 1", []),
        ("DO $$BEGIN SET work_mem = '5MB'; END$$;\nSET search_path = public;\nSELECT 1", None),
        ("DO $$BEGIN SET work_mem = '5MB'; END$$;\nRESET ALL;\nSELECT 1", []),
        ("SET CONSTRAINTS ALL IMMEDIATE;\nSHOW work_mem;\nSELECT 1", []),
        ("SET SESSION transaction_isolation = 'serializable';\nSELECT 1", []),
    ],
)
def test_note_says_what_the_session_holds(
    proxied: Gate, cut_off: CutOff, statement: str, held: list[str] | None
) -> None:
    """Whatever it is, the verdict of a run that loses it names it."""
    expected = ["setting work_mem"] if held is None else held
    script = f"SELECT add(1);\n{statement};\nSELECT 'here'"
    cut_off(script, "SELECT 'here'", Fault.REQUEST)
    assert proxied.database.query(HELD) == [(expected,)]


def test_run_that_loses_a_temporary_table_itself_names_it(proxied: Gate, proxy: Proxy) -> None:
    """No attempt can go on, and neither can the next run: there is a failed row."""
    proxy.lose("INSERT INTO t SELECT n", Fault.REQUEST)
    report = proxied.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert (
        "; left behind: everything up to line 5, gone with its session: temporary table work"
        in (deciding(report).message)
    )
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", False)]


@pytest.mark.parametrize("call", ["CALL in_parts()", "DO $$BEGIN CALL in_parts(); END$$"])
def test_procedure_that_commits_is_begun_once(proxied: Gate, cut_off: CutOff, call: str) -> None:
    """How far it came nobody knows, if the connection is lost in it."""
    script = f"SELECT add(1);\n{call};\nSELECT add(4)"
    cut_off(script, call, Fault.REPLY)
    again = proxied.run()
    assert again.exit_code is ExitCode.FAILED_BEFORE
    assert "1 statement of which are done; gone with its session: how far line 2 came" in (
        deciding(again).message
    )
    assert proxied.database.query(ROWS) == EVERYTHING[:3]


@pytest.mark.parametrize("call", ["CALL in_parts()", "DO $$BEGIN CALL in_parts(); END$$"])
@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_next_run_goes_on_behind_a_procedure(
    proxied: Gate, cut_off: CutOff, call: str, fault: Fault
) -> None:
    """It is noted when it has ended."""
    cut_off(f"SELECT add(1);\n{call};\nSELECT add(4)", "SELECT add(4)", fault)
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


def test_procedure_is_run_again_where_it_was_not_begun(proxied: Gate, cut_off: CutOff) -> None:
    """The note in front of it has not arrived."""
    script = "SELECT add(1);\nCALL in_parts();\nSELECT add(4)"
    cut_off(script, "how far line 2 came", Fault.REQUEST)
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("sql AS 'SELECT set_config(''a.b'', ''c'', false)'", "function public.keep"),
        ("plpgsql AS 'BEGIN EXECUTE format(''SET %I.x = 1'', ''a''); END'", "function public.keep"),
        ("plpgsql AS 'BEGIN SET a.b = 1; END'", "function public.keep"),
        ("internal AS 'pg_stat_get_xact_numscans'", "function public.keep"),
    ],
)
def test_function_that_may_keep_what_no_view_shows_is_named(
    proxied: Gate, proxy: Proxy, code: str, what: str
) -> None:
    """In front of the first statement that may run it, nothing is kept."""
    language, _, body = code.partition(" ")
    returns, takes = ("bigint", "oid") if language == "internal" else ("text", "")
    returns = "void" if language == "plpgsql" else returns
    proxied.database.execute(
        f"CREATE FUNCTION keep({takes}) RETURNS {returns} LANGUAGE {language} {body}"
    )
    script = "INSERT INTO t VALUES (1);\nSELECT add(2);\nSELECT add(3)"
    proxy.lose("SELECT add(2)", Fault.REQUEST)
    proxy.lose("SELECT add(3)", Fault.REQUEST)
    report = proxied.run({"V2__x.sql": script})
    assert f"up to line 2, gone with its session: what {what} may keep" in report.verdict
    assert proxied.database.query(ROWS) == EVERYTHING[:2]


def test_statement_after_which_nothing_can_be_noted_is_run_all_the_same(
    proxied: Gate, cut_off: CutOff
) -> None:
    """It has left another role; with Flyway it succeeds, and so it does here, once."""
    script = "SELECT add(1);\nDO $$BEGIN PERFORM add(2); SET ROLE pg_monitor; END$$;\nSELECT 3"
    cut_off(script, "SELECT 3", Fault.REQUEST)
    assert proxied.database.query(ROWS) == EVERYTHING[:2]
    assert proxied.database.query(HELD) == [(["how far line 2 came"],)]
    assert proxied.run().exit_code is ExitCode.FAILED_BEFORE


def test_function_that_refuses_a_transaction_is_run_in_none(proxied: Gate) -> None:
    """Some of extensions do; nothing tells before."""
    proxied.database.execute(
        "CREATE FUNCTION alone() RETURNS int LANGUAGE plpgsql AS 'BEGIN"
        " IF EXISTS (SELECT FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        " AND query ~ ''BEGIN'') THEN RAISE SQLSTATE ''25001''; END IF; RETURN add(1); END'"
    )
    report = proxied.run({"V2__x.sql": "SELECT alone();\nSELECT add(2)", **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert proxied.database.query(ROWS) == EVERYTHING[:2]


def test_temporary_table_of_an_error_is_told_as_before(proxied: Gate) -> None:
    """A statement that is wrong needs a human, whatever the session holds."""
    script = "CREATE TEMP TABLE work AS SELECT 1 AS n;\nSELECT add(1);\nSELECT 1/0"
    report = proxied.run({"V2__x.sql": script})
    assert report.verdict.startswith("FAILED 21 PARTIAL: V2__x.sql:3 22012 division by zero; left")
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", False)]


def test_block_that_gets_no_lock_has_done_nothing(proxied: Gate) -> None:
    """It is in one transaction with its note, so that no part of it is committed."""
    script = "SELECT add(1);\nDO $$BEGIN PERFORM add(2); LOCK TABLE t; END$$"
    with proxied.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        report = proxied.run({"V2__x.sql": script})
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "up to line 1 (the next run goes on behind that)" in report.verdict
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert proxied.database.query(ROWS) == EVERYTHING[:2]


def test_script_that_is_given_up_with_a_temporary_table_needs_a_human(proxied: Gate) -> None:
    """The next run could not go on: what it would need is gone, and that is named."""
    script = "CREATE TEMP TABLE work AS SELECT 1 AS n;\nDO $$BEGIN LOCK TABLE t; END$$"
    with proxied.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        report = proxied.run({"V2__x.sql": script})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert "gone with its session: temporary table work" in deciding(report).message
    assert "the next run goes on" not in deciding(report).message
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", False)]
    assert proxied.run().exit_code is ExitCode.FAILED_BEFORE
