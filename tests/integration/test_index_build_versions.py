"""Servers that may build an index which lacks rows, and what the gate does there."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding

# A server cannot be told to be another version, but to this database it can be one.
SAYS = """\
ALTER FUNCTION pg_catalog.current_setting(text) RENAME TO real_setting;
CREATE FUNCTION pg_catalog.current_setting(text) RETURNS text STABLE LANGUAGE sql AS
$$ SELECT CASE $1 WHEN 'server_version_num' THEN '{}' ELSE pg_catalog.real_setting($1) END $$
"""
BUILD = "SET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY j ON t (id)"
ALONE = {"V3__i.sql": BUILD, "V3__i.sql.conf": "executeInTransaction=false"}
FIRST = {"V2__a.sql": "CREATE TABLE a ()"}
INDEXES = (
    "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1"
)


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table and an index."""
    files = {"V1__t.sql": "CREATE TABLE t (id int); CREATE INDEX i ON t (id)"}
    assert gate.run(files).exit_code is ExitCode.OK


@pytest.mark.parametrize("version_num", [140000, 140003])
@pytest.mark.parametrize(
    ("script", "line"),
    [
        (ALONE, 2),
        ({"V3__i.sql": "REINDEX TABLE CONCURRENTLY t"}, 1),
        pytest.param(
            {"V3__i.sql": "REINDEX (CONCURRENTLY) INDEX i"},
            1,
            marks=pytest.mark.since_server(14, "CONCURRENTLY among the options of REINDEX"),
        ),
    ],
)
def test_build_is_refused_before_anything_runs(
    gate: Gate, version_num: int, script: dict[str, str], line: int
) -> None:
    """The script in front of it is not applied either."""
    gate.database.execute(SAYS.format(version_num))
    report = gate.run({**FIRST, **script})
    assert report.verdict == (
        f"REFUSED 17 UNSUPPORTED: V3__i.sql:{line} builds an index CONCURRENTLY, and PostgreSQL"
        f" 14.{version_num % 100} may leave rows out of it; database untouched"
    )
    assert "14.4" in deciding(report).hint
    assert len(gate.history()) == 1
    assert gate.database.query("SELECT to_regclass('a')") == [(None,)]
    assert gate.database.query(INDEXES) == [("i",)]


@pytest.mark.parametrize(
    ("version_num", "script"),
    [(140003, {"V3__i.sql": "CREATE INDEX j ON t (id)"}), (140004, ALONE), (130000, ALONE)],
)
def test_build_that_is_in_no_danger_runs(
    gate: Gate, version_num: int, script: dict[str, str]
) -> None:
    """Another version, or a lock on the table."""
    gate.database.execute(SAYS.format(version_num))
    report = gate.run({**FIRST, **script})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INDEXES) == [("i",), ("j",)]
