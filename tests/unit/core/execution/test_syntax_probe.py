"""What the server's parser is asked, and how its answer is told."""

from __future__ import annotations

import pytest

from hook.core.execution.sqlstate import ServerMessage, is_about_server
from hook.core.execution.syntax_probe import (
    Selection,
    SyntaxLimits,
    describe_syntax_error,
    silent_probe,
)
from hook.core.sql.statements import parse_statements


def _probe(text: str) -> str | None:
    probe = silent_probe(parse_statements(text.encode())[0])
    return None if probe is None else probe.decode()


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ADD a int",
        "create table t (id int GENERATED ALWAYS AS IDENTITY, b int DEFAULT (1))",
        "CREATE TABLE \"AS\" (a text DEFAULT '(')",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE PUBLICATION p FOR TABLE t",
        "COPY (SELECT 1) TO STDOUT",
        "COMMIT",
    ],
)
def test_utility_statement_is_asked_as_it_stands(text: str) -> None:
    """The server analyzes nothing of these while it parses them."""
    assert _probe(text) == text


@pytest.mark.parametrize(
    "text", ["select 1", "INSERT INTO t VALUES (1)", "WITH a AS (TABLE t) VALUES (1)"]
)
def test_query_is_asked_as_one_to_be_prepared(text: str) -> None:
    """Behind PREPARE a query is parsed and not analyzed."""
    assert _probe(text) == f"PREPARE presync AS {text}"


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t AS SELECT 1",
        "CREATE UNLOGGED TABLE IF NOT EXISTS t (a, b) AS SELECT 1, 2",
        "CREATE GLOBAL TEMPORARY TABLE t AS EXECUTE p",
        "CREATE MATERIALIZED VIEW m AS SELECT 1",
        "EXPLAIN SELECT 1",
        "CALL p()",
        "DECLARE c CURSOR FOR SELECT 1",
        "(SELECT 1)",
        "TABLE t",
        "FROBNICATE t",
    ],
)
def test_what_may_be_analyzed_has_no_silent_probe(text: str) -> None:
    """A query that cannot be prepared, and whatever a later server may know."""
    assert _probe(text) is None


def test_selection_counts_what_is_left_out() -> None:
    """Too long for one statement, too much in all, or in another string syntax."""
    text = "SELECT 1; SELECT 'longer'; SELECT 2; SELECT 3; SET standard_conforming_strings = off"
    statements = parse_statements(f"{text}; SELECT 4".encode())
    selection = Selection(statements, SyntaxLimits(statement=15, script=18))
    assert [item.text for item in selection] == ["SELECT 1", "SELECT 2"]
    assert (selection.asked, selection.left_out) == (2, 4)


def _describe(text: str, position: int | None, message: str, code: str = "42601") -> str:
    statement = parse_statements(text.encode())[-1]
    failure = ServerMessage("ERROR", code, message, position=position, function="base_yyparse")
    return describe_syntax_error(statement, failure)


def test_error_is_told_with_the_line_of_its_position() -> None:
    """Positions count from the statement, lines from the file."""
    assert _describe("SELECT 'ü';\n\nSELECT\n x y z;", 10, "bad") == "4 42601 bad"
    assert _describe("SELECT 1;\nSELECT (\n", 9_000, "bad") == "2 42601 bad"


@pytest.mark.parametrize(
    ("text", "position", "code", "is_asked"),
    [
        ("ALTER TABLE t ADD a int\n  alter TABLE u ADD b int", 27, "42601", True),
        ("ALTER TABLE t ADD a int\nALTER TABLE u ADD b int", 25, "42602", False),
        ("ALTER TABLE t ADD a int ALTER TABLE u ADD b int", 25, "42601", False),
        ("ALTER TABLE t\nADD a int,\nx", 26, "42601", False),
        ("ALTER TABLE t\n)", 15, "42601", False),
        ("ALTER TABLE t ADD\n", 18, "42601", False),
        ("ALTER TABEL t", 7, "42601", False),
    ],
)
def test_missing_semicolon_is_asked_for(
    text: str, position: int, code: str, *, is_asked: bool
) -> None:
    """A line that begins with another statement is the most likely place of a syntax error."""
    told = _describe(text, position, "bad", code)
    assert told.endswith("(is a semicolon missing in front of it?)") is is_asked


def test_error_without_position_is_told_with_the_line_of_the_statement() -> None:
    """The parser does not know the place of every mistake."""
    assert _describe("\nSELECT 1", None, "WITH TIES without order") == (
        "2 42601 WITH TIES without order"
    )
    assert _describe("\nSELECT 1", None, "no equivalent", "22P05") == "2 22P05 no equivalent"


def test_text_of_several_statements_is_told_as_a_difference() -> None:
    """Whoever receives a Parse message takes one statement."""
    statement = parse_statements(b"\nSELECT 1")[-1]
    failure = ServerMessage("ERROR", "42601", "too many", function="exec_parse_message")
    told = describe_syntax_error(statement, failure)
    assert told == "2 42601 too many (the server and presync cut this statement differently)"


def test_long_message_is_clipped_to_one_line() -> None:
    """The server quotes the token that it stumbled over, be it a megabyte."""
    told = _describe("SELECT 1", 1, "near 'a\nb" + "x" * 1_000_000)
    assert told.startswith("1 42601 near 'a\\nbxxx")
    assert len(told) < 250


@pytest.mark.parametrize("sqlstate", ["57014", "53200", "08006", "25P03", "XX000"])
def test_errors_of_the_server_are_none_of_the_script(sqlstate: str) -> None:
    """A cancel or a lack of memory tells nothing of the SQL that was sent."""
    assert is_about_server(ServerMessage("ERROR", sqlstate, ""))


@pytest.mark.parametrize("sqlstate", ["42601", "0A000", "22025", "22P05", "54001", "25P02"])
def test_errors_of_the_script_are_none_of_the_server(sqlstate: str) -> None:
    """A mistake, a character that cannot be stored, nesting too deep for the parser."""
    assert not is_about_server(ServerMessage("ERROR", sqlstate, ""))
