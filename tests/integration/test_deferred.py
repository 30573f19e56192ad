"""Constraints that are checked at COMMIT, in scripts with and without transaction."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, settings_for
from tests.testbed.proxy import Fault, Proxy

BASE = """\
CREATE TABLE parent (n int PRIMARY KEY);
CREATE TABLE child (n int REFERENCES parent DEFERRABLE INITIALLY IMMEDIATE);
CREATE TABLE late (n int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION add(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO parent VALUES (n) RETURNING n';
"""
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
NO_PARENT = "DO $$BEGIN SET CONSTRAINTS ALL DEFERRED; INSERT INTO child VALUES (2); {}END$$"
BOTH = NO_PARENT.format("INSERT INTO parent VALUES (2); ")
ROWS = "SELECT ARRAY(SELECT n FROM parent ORDER BY n), ARRAY(SELECT n FROM child)"


@pytest.fixture
def tables(gate: Gate) -> Gate:
    """Return the gate with the tables."""
    assert gate.run({"V1__base.sql": BASE}).exit_code is ExitCode.OK
    return gate


def test_script_may_defer_what_it_makes_up_for_in_its_end(tables: Gate) -> None:
    """As the row of the history is written behind the check, in the same transaction."""
    script = "SET CONSTRAINTS ALL DEFERRED;\nINSERT INTO child VALUES (2);\nSELECT add(2)"
    report = tables.run({"V2__x.sql": script})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert tables.database.query(ROWS) == [([2], [2])]


@pytest.mark.parametrize(
    "script",
    [
        "SET CONSTRAINTS ALL DEFERRED;\nINSERT INTO child VALUES (2);\nSELECT add(3)",
        "SELECT add(3);\nINSERT INTO late VALUES (2)",
    ],
)
def test_script_that_does_not_is_rolled_back(tables: Gate, script: str) -> None:
    """Its row too, however late the server says so."""
    report = tables.run({"V2__x.sql": script})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert "23503" in report.verdict
    assert report.verdict.endswith("; rolled back, at 1")
    assert tables.database.query(ROWS) == [([], [])]
    assert [row[2] for row in tables.history()] == ["V1__base.sql"]


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"V2__x.sql": f"SELECT add(1);\n{NO_PARENT.format('')}"}, 2),
        ({"V2__x.sql": "SELECT add(1);\nINSERT INTO late VALUES (2)"}, 2),
        ({"V2__x.sql": "INSERT INTO parent VALUES (1);\nINSERT INTO late VALUES (2)"}, 2),
    ],
    ids=["block", "behind a query", "plain"],
)
def test_statement_without_transaction_fails_with_its_own_check(
    tables: Gate, files: Mapping[str, str], line: int
) -> None:
    """The line is told, and of that statement nothing is there."""
    report = tables.run({**files, **ALONE})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert report.verdict.startswith(f"FAILED 21 PARTIAL: V2__x.sql:{line} 23503 ")
    assert tables.database.query(ROWS) == [([1], [])]
    assert tables.database.query("SELECT FROM late") == []


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_block_that_defers_is_done_once(tables: Gate, proxy: Proxy, fault: Fault) -> None:
    """The note of it is in the same transaction, in front of the check."""
    tables.settings = settings_for(proxy.target(tables.database), tables.folder)
    proxy.lose("INSERT INTO child VALUES (2)", fault)
    report = tables.run({"V2__x.sql": f"SELECT add(1);\n{BOTH};\nSELECT add(3)", **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert tables.database.query(ROWS) == [([1, 2, 3], [2])]


def test_deferral_of_a_statement_of_its_own_holds_for_nothing(tables: Gate) -> None:
    """Outside of a transaction the server only warns of it, and so it does here."""
    script = "SELECT add(1);\nSET CONSTRAINTS ALL DEFERRED;\nINSERT INTO child VALUES (2)"
    report = tables.run({"V2__x.sql": script, **ALONE})
    assert report.verdict.startswith("FAILED 21 PARTIAL: V2__x.sql:3 23503 "), report.verdict
