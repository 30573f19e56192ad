"""What the log tells of a query's result."""

from __future__ import annotations

from hook.core.execution.query_result import QueryResult, cell_text, describe_result, result_fields

RESULT = QueryResult(3, ("id", "name"), (("1", "a"), ("2", None)), 7, "SELECT * FROM t")


def test_result_is_one_line() -> None:
    """Names and values of the rows that were kept, and how many there were."""
    assert describe_result(RESULT) == "SELECT * FROM t: 7 rows: id=1, name=a; id=2, name=NULL"
    assert describe_result(QueryResult(0, ("id",), (), 0, "SELECT 1")) == "SELECT 1: 0 rows"


def test_fields_of_a_result_are_ready_for_json() -> None:
    """NULL is null, and everything else a text."""
    assert result_fields("V1__a.sql", RESULT) == {
        "script": "V1__a.sql",
        "statement": "SELECT * FROM t",
        "columns": ["id", "name"],
        "rows": [["1", "a"], ["2", None]],
        "row_count": 7,
    }


def test_value_is_bounded_and_printable() -> None:
    """A cell may be a gigabyte, hold escapes for a terminal, or be no text at all."""
    assert cell_text(None) is None
    assert cell_text(b"a\nb\x1b[31m") == "a\\nb\\u001b[31m"
    assert cell_text("é".encode() * 10_000) == "é" * 99 + "…"
    assert cell_text(b"\xff") == "\ufffd"
