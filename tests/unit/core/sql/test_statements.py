"""Statements: what a script is cut into, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.sql.lexer import SqlSyntaxError, StringSyntax
from hook.core.sql.statement_list import Statement, StatementKind
from hook.core.sql.statements import parse_statements, split_statements
from tests.testbed.process import ROOT

CASES = json.loads((ROOT / "tests/golden/split_cases.json").read_text())["cases"]
FRAGMENTS = [
    *"'\"$();\\\n\t -",
    *("select 1", "a", "E'", "''", "$$", "$a$", "--", "/*", "*/", ";", ";\n", "\r\n", "1e"),
    *("create function f() ", "begin atomic ", "end", "case ", "as ", "copy t from stdin"),
    *("\n\\.\n", "\\restrict x\n", "begin", "commit", "rollback", "savepoint s"),
    *("set standard_conforming_strings = off", "set local standard_conforming_strings to on"),
    *("reset all", "'\\'", "insert into t values (1, 'x')"),
]
scripts = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)


def described(statement: Statement) -> dict[str, Any]:
    """Return *statement* in the shape of the golden cases."""
    data = {} if statement.copy_data is None else {"copy_data": statement.copy_data}
    return {
        "kind": statement.kind,
        "line": statement.line,
        "end_line": statement.end_line,
        "text": statement.text,
        "terminated": statement.terminated,
        **data,
    }


def texts(sql: str) -> list[str]:
    """Return the texts of the statements of *sql*."""
    return [statement.text for statement in split_statements(sql)]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "expected" in case], ids=lambda case: str(case["id"])
)
def test_split_finds_the_statements_of_the_golden_case(case: dict[str, Any]) -> None:
    """Kind, lines, text, terminator and COPY data are as confirmed by psql and the server."""
    assert [described(item) for item in split_statements(case["sql"])] == case["expected"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "expected" not in case], ids=lambda case: str(case["id"])
)
def test_split_refuses_the_golden_case(case: dict[str, Any]) -> None:
    """The message holds the line and names the construct."""
    with pytest.raises(SqlSyntaxError) as caught:
        split_statements(case["sql"])
    assert str(caught.value) == case["expected_error"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 -- end", ["select 1 -- end"]),
        ("select 1 \n\n", ["select 1"]),
        ("-- only\n/* comments; /* nested */ */\n", []),
        ("(select 1) union (select 2);", ["(select 1) union (select 2)"]),
        ("select 1); select 2;", ["select 1)", "select 2"]),
        ("select (1; select 2;", ["select (1; select 2;"]),
        ("\u00e9;1;", ["\u00e9", "1"]),
        ("prepare q as select $1; select 2;", ["prepare q as select $1", "select 2"]),
        ("create rule r as on insert to t do also (select 1; select 2); select 3",
         ["create rule r as on insert to t do also (select 1; select 2)", "select 3"]),
        ("select E'\\\\';select 2;", ["select E'\\\\'", "select 2"]),
        ("select n'a;b', X'1F;';select 3;", ["select n'a;b', X'1F;'", "select 3"]),
    ],
)  # fmt: skip
def test_split_follows_the_server_in_further_scripts(sql: str, expected: list[str]) -> None:
    """Comments, parentheses and literals do not mislead it."""
    assert texts(sql) == expected


@pytest.mark.parametrize(
    "body",
    [
        "select 1 as end; select 2;",
        "select 1 end; select 2;",
        "select (t).case from t; select 2;",
        "select case when true then 1 end; select case 1 when 1 then 2 end;",
        "select 1 case; select (case when true then 1 end);",
        "create function g() returns int begin atomic select 1; end; select 2;",
        "",
        ";;",
    ],
)
def test_sql_standard_body_ends_at_the_end_behind_a_statement(body: str) -> None:
    """CASE, names and nested bodies are no end of it."""
    function = f"create or replace function f() returns int begin atomic {body} end"
    assert texts(f"{function}; select 3;") == [function, "select 3"]


@pytest.mark.parametrize(
    "sql",
    [
        "create procedure p(begin int, atomic int) as $$ begin; end $$",
        "create function f() returns int language sql return begin (1)",
        "create table atomic (begin int)",
        "create or replace view begin as select 1 as atomic",
    ],
)
def test_words_of_a_body_elsewhere_hold_no_statement_together(sql: str) -> None:
    """Only BEGIN ATOMIC in CREATE FUNCTION or PROCEDURE opens a body."""
    assert texts(f"{sql}; begin; end;") == [sql, "begin", "end"]


def test_unclosed_sql_standard_body_takes_the_rest() -> None:
    """The server then tells what is missing; nothing of it runs as a statement of its own."""
    sql = "create function f() returns int begin atomic select 1; select 2;"
    assert texts(sql) == [sql]


@pytest.mark.parametrize(
    "command",
    [
        "COPY t FROM STDIN",
        "copy t (a, b) from stdout with (format csv)",
        "copy binary t from stdin",
        'copy "from"."stdin" from stdin where a > 1',
    ],
)
def test_copy_from_stdin_has_its_data_cut_out(command: str) -> None:
    """Data is a slice of the source; semicolons and quotes in it mean nothing."""
    statement, after = split_statements(f"{command}; -- data /*\n1;'\n\\.x\n\\.\nselect 2;")
    assert (statement.text, statement.copy_data, after.text) == (command, "1;'\n\\.x\n", "select 2")
    assert after.line == 5


@pytest.mark.parametrize(
    "command",
    [
        "copy t to stdout",
        "copy (select * from stdin) to stdout",
        "copy t from '/stdin'",
        "copy t from program 'stdin'",
        "copy t (a, b)",
    ],
)
def test_other_copies_have_no_data(command: str) -> None:
    """What reads no inline data is an ordinary statement."""
    assert [item.copy for item in split_statements(f"{command};\nselect 2;")] == [None, None]


@pytest.mark.parametrize("rest", ["", " \t", " -- c", " /* c */ -- d", "\r"])
def test_copy_may_be_followed_by_a_comment_on_its_line(rest: str) -> None:
    """Data begins on the next line, and may be empty."""
    statement = split_statements(f"copy t from stdin;{rest}\n\\.")[0]
    assert statement.copy_data == ""
    assert statement.copy is not None
    assert statement.copy.terminated


@pytest.mark.parametrize("rest", [" select 1;", " ;", " /* c\n */", " 'x'"])
def test_copy_followed_by_text_on_its_line_is_refused(rest: str) -> None:
    """It would be run after the data, which nobody expects."""
    with pytest.raises(SqlSyntaxError, match="line 2: text behind COPY"):
        split_statements(f"select 1;\ncopy t from stdin;{rest}\n1\n\\.\n")


@pytest.mark.parametrize("end", ["", ";", "; -- c", ";\n1\n", ";\n1\n\\.x"])
def test_copy_data_without_end_is_split_but_not_run(end: str) -> None:
    """For psql the end of the file ends the data; to run, the end must be written."""
    sql = f"select 1;\ncopy t from stdin{end}"
    statement = split_statements(sql)[1]
    assert statement.copy is not None
    assert not statement.copy.terminated
    with pytest.raises(SqlSyntaxError, match=r"^line 2: COPY data without a line \\\. at its end$"):
        parse_statements(sql.encode())


def test_restrict_lines_of_a_dump_are_left_out() -> None:
    """The server never sees what guards psql."""
    script = parse_statements(b"\\restrict abc\nselect 1;\n\\unrestrict abc")
    assert [item.text for item in script] == ["select 1"]


@pytest.mark.parametrize(
    "command", ["\\connect other", "\\i x.sql", "\\! rm -rf /", "\\", "\\.", "\\restricted"]
)
def test_other_meta_commands_are_refused_with_their_line(command: str) -> None:
    """They are split off as such, and never run."""
    sql = f"select 1;\n  {command}\nselect 2;"
    kinds = [item.kind for item in split_statements(sql)]
    assert kinds == [StatementKind.SQL, StatementKind.META, StatementKind.SQL]
    with pytest.raises(SqlSyntaxError) as caught:
        parse_statements(sql.encode())
    name = command.split(maxsplit=1)[0]
    assert str(caught.value) == f"line 2: psql meta-command {name}, which only psql can run"


@pytest.mark.parametrize(
    "statement",
    ["select 1 \\gset", "select (1 \\gset", "create function f() returns int \\gset"],
)
def test_meta_command_inside_a_statement_is_refused(statement: str) -> None:
    """Only psql knows what to do there; the server would find a syntax error."""
    with pytest.raises(SqlSyntaxError) as caught:
        split_statements(f"\n{statement} x\n;")
    assert str(caught.value) == "line 2: psql meta-command \\gset inside a statement"


def test_nul_is_refused_with_its_line() -> None:
    """The protocol would end the message there."""
    with pytest.raises(SqlSyntaxError, match=r"^line 3: NUL character$"):
        split_statements("select 1;\nselect\n'\0';")


def test_statement_list_behaves_as_a_sequence() -> None:
    """Statements are made on access; slices and special ones stay what they are."""
    script = parse_statements(b"select 1;\ncopy t from stdin;\n1\n\\.\nselect 3;\nselect 4")
    assert len(script) == 4
    assert list(script) == [script[index] for index in range(4)]
    assert script[-1].terminated is False
    assert [item.text for item in script[1:3]] == ["copy t from stdin", "select 3"]
    assert script[1:3][0].copy_data == "1\n"
    assert list(script[::2]) == [script[0], script[2]]
    assert script[1:3] == script[1:-1]
    with pytest.raises(IndexError):
        script[4]


def test_offsets_are_bytes_of_the_source() -> None:
    """A byte order mark and wide characters count as they are sent."""
    sql = "\ufeffselect 'é';\nselect 2;".encode()
    first, second = parse_statements(sql)
    assert sql[first.start : first.end] == first.sql == "select 'é'".encode()
    assert (second.start, second.end, second.line) == (16, 24, 2)


@given(scripts)
def test_split_raises_only_its_own_error(sql: str) -> None:
    """Any text is cut or refused with a line that exists."""
    assert 1 <= (_refused_line(sql) or 1) <= sql.count("\n") + 1


@given(scripts)
def test_only_gaps_lie_between_statements(sql: str) -> None:
    """Between two statements there are only terminators, space, comments and COPY data."""
    try:
        statements = split_statements(sql)
    except SqlSyntaxError:
        return
    position = 0
    for statement in statements:
        assert position <= statement.start < statement.end
        assert split_statements(sql[position : statement.start]) == []
        position = statement.copy.end if statement.copy else statement.end
        position += len("\\.") if statement.copy and statement.copy.terminated else 0
    assert split_statements(sql[position:]) == []


@given(scripts)
def test_splitting_the_joined_statements_gives_the_same_statements(sql: str) -> None:
    """Nothing that decides a boundary is lost with the gaps."""
    try:
        statements = split_statements(sql)
    except SqlSyntaxError:
        return
    again = split_statements("".join(_written(statement) for statement in statements))
    assert [_essence(item) for item in again] == [_essence(item) for item in statements]


def _refused_line(sql: str) -> int | None:
    try:
        split_statements(sql)
    except SqlSyntaxError as error:
        return error.line
    return None


def _written(statement: Statement) -> str:
    if statement.kind is StatementKind.META:
        return f"{statement.text}\n"
    end = ";\n" if statement.terminated else ""
    data = statement.copy_data if statement.terminated and statement.copy else None
    mark = "\\.\n" if statement.copy and statement.copy.terminated else ""
    return f"{statement.text}{end}{data or ''}{mark}"


def _essence(statement: Statement) -> tuple[str, str, str | None, bool, StringSyntax]:
    return (
        statement.kind,
        statement.text,
        statement.copy_data,
        statement.terminated,
        statement.string_syntax,
    )
