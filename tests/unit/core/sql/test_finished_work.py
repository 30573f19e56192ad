"""What the finished statements of a script without transaction have left, by name."""

from __future__ import annotations

import pytest

from hook.core.sql.finished_work import finished_work
from hook.core.sql.statements import parse_statements


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("CREATE INDEX CONCURRENTLY i1 ON t (a)", ["index i1 (line 1)"]),
        ("SET a = 1;\nCREATE UNIQUE INDEX CONCURRENTLY ON t (a)", ["index on t (line 2)"]),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", ["index i (line 1, if new)"]),
        ("DROP INDEX CONCURRENTLY i", ["dropped index i (line 1)"]),
        (
            "DROP TABLE IF EXISTS a, s.b CASCADE",
            [
                "dropped table a (line 1, if it was there)",
                "dropped table s.b (line 1, if it was there)",
            ],
        ),
        ("ALTER TYPE mood ADD VALUE 'x'", ["altered type mood (line 1)"]),
        (
            "CREATE OR REPLACE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql AS ''",
            ["function f (line 1, new or replaced)"],
        ),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", ["materialized view v (line 1)"]),
        ("CREATE TABLE a ();\nVACUUM a;\nCHECKPOINT", ["table a (line 1)"]),
        (
            "CREATE TABLE a ();\nINSERT INTO a\nSELECT",
            ["table a (line 1)", "all else up to line 3"],
        ),
        (
            "".join(f"CREATE TABLE t{number} ();\n" for number in range(1, 8)),
            ["7 objects: table t1 (line 1) … table t7 (line 7)"],
        ),
        (
            "CREATE TABLE a ();\nROLLBACK PREPARED 'x'",
            ["table a (line 1)", "all else up to line 2"],
        ),
        ("BEGIN;\nCREATE TABLE a ();\nROLLBACK;\nCREATE TABLE b ()", []),
        ("INSERT INTO t VALUES (1)", []),
        ("ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b", []),
        ("CREATE TEMPORARY TABLE a ()", []),
        ("VACUUM t", []),
    ],
)
def test_objects_are_named_with_their_lines(sql: str, named: list[str]) -> None:
    """What has no name is left to its line; what a ROLLBACK took back is not claimed."""
    statements = parse_statements(sql.encode())
    assert list(finished_work(statements, len(statements))) == named


def test_only_finished_statements_count() -> None:
    """The one that failed has left nothing that its words tell."""
    statements = parse_statements(b"CREATE TABLE a ();\nCREATE TABLE b ()")
    assert finished_work(statements, 1) == ("table a (line 1)",)
    assert finished_work(statements, 0) == ()
