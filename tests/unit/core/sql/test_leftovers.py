"""What the statements of a script without transaction leave."""

from __future__ import annotations

import pytest

from hook.core.sql.leftovers import (
    is_only_work,
    lets_others_pass,
    may_be_resumed,
    may_run_again,
    may_stop_halfway,
    settled_line,
)
from hook.core.sql.statements import parse_statements


@pytest.mark.parametrize(
    ("sql", "done", "line"),
    [
        ("CREATE TABLE a ();\nCREATE TABLE b ()", 0, 0),
        ("CREATE TABLE a (\n);\nCREATE TABLE b ()", 1, 2),
        ("SET a = 1;\nRESET b;\nBEGIN;\nCOMMIT;\nSELECT 1", 4, 0),
        ("SET a = 1;\nCOMMIT PREPARED 'x';\nSELECT 1", 2, 2),
        ("SET a = 1;\nSELECT f();\nSET b = 2;\nSELECT 1", 3, 3),
    ],
)
def test_settled_line_counts_what_changed_something(sql: str, done: int, line: int) -> None:
    """Settings and transaction control change nothing in the database."""
    assert settled_line(parse_statements(sql.encode()), done) == line


@pytest.mark.parametrize(
    ("sql", "traits"),
    [
        ("DO $$ BEGIN COMMIT; END $$", ["halfway"]),
        ("CALL p()", ["halfway"]),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", ["halfway", "polite", "resumed"]),
        ("CREATE INDEX CONCURRENTLY i ON t (id)", ["again", "polite"]),
        ("CREATE INDEX CONCURRENTLY ON t (id)", ["polite"]),
        ("DROP INDEX CONCURRENTLY i", ["polite", "resumed"]),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", ["again", "polite"]),
        ("REINDEX TABLE CONCURRENTLY t", ["again", "polite", "work"]),
        ("VACUUM FULL t", ["again", "work"]),
        ("REINDEX DATABASE", ["again", "work"]),
        ("SET lock_timeout = 0", ["again"]),
        ("COMMIT", ["again"]),
        ("ROLLBACK PREPARED 'x'", []),
        ("INSERT INTO t VALUES (1)", []),
    ],
)
def test_statements_differ_in_what_their_failure_means(sql: str, traits: list[str]) -> None:
    """Some may have committed on their way; some let others pass while they wait."""
    (statement,) = parse_statements(sql.encode())
    assert may_stop_halfway(statement) is ("halfway" in traits)
    assert lets_others_pass(statement) is ("polite" in traits)
    assert is_only_work(statement) is ("work" in traits)
    assert may_run_again(statement) is ("again" in traits)
    assert may_be_resumed(statement) is ("again" in traits or "resumed" in traits)
