"""What a failing script says, and that nothing of it stays."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually, is_running

BASE = """
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
"""


@dataclass(frozen=True)
class Case:
    """A script that fails, and the beginning of what must be said of it."""

    script: str
    said: str
    statement: str = ""


CASES = {
    "unknown column": Case(
        "CREATE TABLE half ();\n\nALTER TABLE t ADD email text;\nSELECT emial\n  FROM t;",
        ':4 42703 column "emial" does not exist',
        "SELECT emial FROM t",
    ),
    "column on a later line of its statement": Case(
        "CREATE TABLE half ();\nSELECT id,\n\n       emial\n  FROM t;",
        ":4 42703 ",
        "SELECT id, emial FROM t",
    ),
    "multi-byte text in front": Case(
        "CREATE TABLE half ();\n-- größer 日本 😀\nSELECT '日本 😀', 'ß'\n,\nmissing FROM t;",
        ':5 42703 column "missing"',
    ),
    "at run time": Case(
        "CREATE TABLE half ();\nSELECT\n  1\n  / 0;",
        ":2 22012 division by zero",
        "SELECT 1 / 0",
    ),
    "duplicate key": Case(
        "CREATE TABLE half ();\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1);",
        ':3 23505 duplicate key value violates unique constraint "t_pkey"',
    ),
    "raised in a DO block": Case(
        "CREATE TABLE half ();\nDO LANGUAGE 'plpgsql' $x$\nDECLARE\n  n int;\nBEGIN\n"
        "  n := 1;\n  RAISE EXCEPTION 'no' USING ERRCODE = 'P0042';\nEND $x$;",
        ":7 P0042 no",
        "DO LANGUAGE 'plpgsql'",
    ),
    "syntax error in a DO block": Case(
        "CREATE TABLE half ();\nDO $$\nBEGIN\n  NULL;\n  IF TRUE TEHN\n  END IF;\nEND $$;",
        ":6 42601 ",
    ),
    "syntax error in a function body": Case(
        "CREATE TABLE half ();\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  RETURN 1 +;\nEND $$;",
        ":4 42601",
    ),
    "raised in a function that the script calls": Case(
        "CREATE FUNCTION half() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  RAISE EXCEPTION 'no';\nEND $$;\nSELECT\nhalf();",
        ":5 P0001 no",
        "SELECT half()",
    ),
    "bad COPY line": Case(
        "CREATE TABLE half ();\nCOPY t FROM stdin;\n1\ta\n2\tb\nx\tc\n\\.\nSELECT 1;",
        ":5 22P02 invalid input syntax for type integer",
        "COPY t FROM stdin",
    ),
    "statement behind COPY": Case(
        "CREATE TABLE half ();\nCOPY t FROM stdin;\n1\tä\n\\.\n\nCOPY t FROM stdin;\n2\tb\n\\.\n"
        "DROP TABLE no;",
        ":9 42P01",
    ),
    "deferred constraint": Case(
        "CREATE TABLE half ();\nINSERT INTO child VALUES (7);\n",
        ' (COMMIT) 23503 insert or update on table "child" violates foreign key constraint',
    ),
    "own BEGIN and COMMIT": Case(
        "BEGIN;\nCREATE TABLE half ();\nSELECT 1/0;\nCOMMIT;", ":3 22012 division by zero"
    ),
    "string with backslashes": Case(
        "CREATE TABLE half ();\nSET standard_conforming_strings = off;\nSELECT 'it\\'s; \\\\';\n"
        "SELECT nothing;",
        ":4 42703",
    ),
    "dump of pg_dump": Case(
        "\\restrict abc\nCREATE TABLE half ();\nSELECT pg_catalog.set_config('search_path', '',"
        " false);\n\nSELECT id FROM t;\n\\unrestrict abc\n",
        ':5 42P01 relation "t" does not exist',
    ),
    "last statement without a semicolon": Case("CREATE TABLE half ();\nDROP TABLE no", ":2 42P01"),
}


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with one migration applied."""
    assert gate.run({"V1__base.sql": BASE}).exit_code is ExitCode.OK


@pytest.mark.parametrize("name", CASES)
def test_failed_script_names_line_and_sqlstate(name: str, gate: Gate) -> None:
    """Script, line, SQLSTATE and message lead the verdict; the database is as before."""
    case = CASES[name]
    report = gate.run({"V2__x.sql": case.script, "V3__never.sql": "CREATE TABLE never ()"})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert report.verdict.startswith(f"FAILED 20 SQL_FAILED: V2__x.sql{case.said}")
    assert report.verdict.endswith("; rolled back, at 1")
    assert report.pending == ("V2__x.sql", "V3__never.sql")
    assert deciding(report).facts.get("statement", "").startswith(case.statement)  # type: ignore[attr-defined]  # text
    assert deciding(report).hint
    assert gate.history() == [(1, "1", "V1__base.sql", True)]
    assert gate.database.query("SELECT to_regclass('half'), to_regproc('half')") == [(None, None)]
    assert [item["attempts"] for item in gate.events.named("retry.scheduled")] == []


def test_failed_script_leaves_earlier_ones(gate: Gate) -> None:
    """What came before the failure stays, with its row, and is named."""
    report = gate.run(
        {
            "V2__a.sql": "CREATE TABLE a ()",
            "V3__b.sql": "DROP TABLE no",
            "R__v.sql": "CREATE VIEW v AS SELECT",
        }
    )
    assert report.verdict == (
        'FAILED 20 SQL_FAILED: V3__b.sql:1 42P01 table "no" does not exist; rolled back,'
        " 1 applied before, at 2"
    )
    assert [item.script for item in report.migrations] == ["V2__a.sql"]
    assert report.pending == ("V3__b.sql", "R__v.sql")
    assert (report.before, report.after) == ({"version": "1"}, {"version": "2"})
    assert gate.history()[1:] == [(2, "2", "V2__a.sql", True)]


def test_server_hint_is_passed_on(gate: Gate) -> None:
    """The server's own advice follows ours."""
    hint = deciding(gate.run({"V2__x.sql": "SELECT nane FROM t"})).hint
    assert hint.startswith("Correct the statement: SELECT nane FROM t (Perhaps you meant")


def test_server_detail_is_passed_on(gate: Gate) -> None:
    """It has the names that the message leaves out."""
    script = "CREATE TABLE a (i int); CREATE VIEW v AS SELECT i FROM a; DROP TABLE a"
    hint = deciding(gate.run({"V2__x.sql": script})).hint
    assert hint.startswith(
        "Correct the statement: DROP TABLE a (view v depends on table a. Use DROP"
    )


def test_password_in_a_failed_statement_is_not_told(gate: Gate) -> None:
    """Neither the report nor the log repeats it."""
    report = gate.run({"V2__x.sql": "CREATE ROLE postgres PASSWORD 'c4nary'"})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert "c4nary" not in f"{report}{gate.events.told}"


def test_scripts_that_need_care_are_applied(gate: Gate) -> None:
    """Comments only, BEGIN … COMMIT around, a comment behind the last statement, a dump."""
    report = gate.run(
        {
            "V2__comment.sql": "-- nothing yet\n/* later; */",
            "V3__wrapped.sql": "BEGIN;\nCREATE TABLE wrapped ();\nCOMMIT;",
            "V4__open.sql": "CREATE TABLE open_end () -- no semicolon",
            "V5__dump.sql": "\\restrict k\nCOPY t (id, name) FROM stdin;\n1\t\\N\n2\tzwei;\n\\.\n"
            "\\unrestrict k\nCREATE TABLE behind ();",
            "V6__strings.sql": "SET standard_conforming_strings = off;\n"
            "INSERT INTO t VALUES (3, 'it\\'s; here');\nINSERT INTO t VALUES (4, 'C:\\\\x')",
        }
    )
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT id, name FROM t ORDER BY id") == [
        (1, None),
        (2, "zwei;"),
        (3, "it's; here"),
        (4, "C:\\x"),
    ]
    assert [row[3] for row in gate.history()] == [True] * 6


def test_mixed_script_is_refused_with_its_line(gate: Gate) -> None:
    """What needs a transaction and what refuses one do not share a script; nothing runs."""
    script = "CREATE TABLE half ();\n\nCREATE INDEX CONCURRENTLY i ON t (name);"
    report = gate.run({"V2__ok.sql": "CREATE TABLE ok ()", "V3__x.sql": script, "V4__y.sql": "'"})
    assert report.exit_code is ExitCode.BAD_SET
    assert report.verdict.startswith("REFUSED 11 BAD_SET: V3__x.sql:3: CREATE INDEX CONCURRENTLY")
    assert "V4__y.sql:1: unterminated quoted string" in deciding(report).message
    assert report.verdict.endswith("; database untouched")
    assert len(gate.history()) == 1


def test_file_changed_during_the_run_is_not_applied(gate: Gate) -> None:
    """The script that was judged is the one that runs; what was applied before is said."""
    gate.limit(run_settings(ladder=[30]))
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = gate.start({"V2__a.sql": "SELECT pg_advisory_lock(1)", "V3__b.sql": "SELECT 1"})
        eventually(lambda: is_running(gate.database, "BEGIN"))
        gate.release({"V3__b.sql": "SELECT 2"})
        other.execute("SELECT pg_advisory_unlock(1)")
        report = running.report()
    assert report.verdict == (
        "FAILED 20 SQL_FAILED: V3__b.sql is not what it was when the run began; 1 applied, at 2"
    )


def test_script_and_its_row_are_one_transaction(gate: Gate) -> None:
    """By the server's own number of it."""
    assert gate.run({"V2__u.sql": "CREATE TABLE u ()"}).exit_code is ExitCode.OK
    same = (
        "SELECT (SELECT xmin FROM pg_class WHERE relname = 'u')::text"
        " = (SELECT xmin FROM flyway_schema_history WHERE version = '2')::text"
    )
    assert gate.database.query(same) == [(True,)]


def test_script_whose_row_cannot_be_written_leaves_nothing(gate: Gate) -> None:
    """A schema that its history does not know would be migrated a second time."""
    gate.database.execute("ALTER TABLE flyway_schema_history ADD CHECK (version <> '2')")
    report = gate.run({"V2__half.sql": "CREATE TABLE half ()"})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert report.verdict.endswith("; rolled back, at 1")
    assert gate.database.query("SELECT to_regclass('half')") == [(None,)]
    assert len(gate.history()) == 1
