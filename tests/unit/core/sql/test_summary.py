"""The head of a statement for messages."""

from __future__ import annotations

import pytest

from hook.core.sql.statements import split_statements
from hook.core.sql.summary import summarize


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        ("select 1", "select 1"),
        ("create  table\n\tt -- c\n (a int,\n  b int)", "create table t (a int, b int)"),
        ("select/* c */1", "select 1"),
        ("select 'a\nb'", "select 'a\\nb'"),
        ("alter role r password 'canary'", "alter role r password '***'"),
        ("create user u with encrypted PASSWORD E'canary'",
         "create user u with encrypted PASSWORD '***'"),
        ("create subscription s connection 'host=h password=canary' publication p",
         "create subscription s connection '***' publication p"),
        ("select dblink('host=h password=canary', $$x$$)", "select dblink('***', $$x$$)"),
        ("alter user mapping for u server s options (set password $x$canary$x$)",
         "alter user mapping for u server s options (set password '***')"),
    ],
)  # fmt: skip
def test_summary_is_one_line_without_comments_and_secrets(sql: str, summary: str) -> None:
    """What an operator reads to recognise the statement, and nothing else."""
    assert summarize(split_statements(sql)[0]) == summary


def test_summary_is_cut_at_its_length() -> None:
    """A statement of any size has a short head."""
    long = f"select '{'x' * 100_000}', 2"
    assert summarize(split_statements(long)[0], 20) == f"select '{'x' * 11}…"
    assert len(summarize(split_statements("select " + "a, " * 1000 + "b")[0])) <= 80
