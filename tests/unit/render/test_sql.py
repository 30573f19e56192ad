"""A dry run as text: what a person is spared, and what psql is not."""

from __future__ import annotations

import json
import re

import pytest

from hook.core.execution.dry_run import DryRun
from hook.core.reporting.redaction import Redactor
from hook.render.sql import Commented, SqlList, SqlText
from tests.unit.render.reports import PLAN, REFUSED_RUN

COPY = b"COPY t FROM stdin\n;\nSELECT 2\n;\n"
LONG = b"x\n" * 21


def test_long_data_is_counted_on_a_terminal() -> None:
    """A person reads the statements; a hundred thousand rows would push them away."""
    lines: list[str] = []
    DryRun(SqlText.on_terminal(lines.append, Redactor(()))).keep(COPY, [LONG])
    assert "".join(lines) == (
        "BEGIN; -- psql only\nCOPY t FROM stdin\n;\n"
        "[21 lines of data, not shown on a terminal]\n\\.\nSELECT 2\n;\nCOMMIT; -- psql only\n"
    )


def test_short_data_is_shown_on_a_terminal() -> None:
    """There is room for it."""
    lines: list[str] = []
    DryRun(SqlText.on_terminal(lines.append, Redactor(()))).keep(COPY, [b"1\n2"])
    assert "COPY t FROM stdin\n;\n1\n2\n\\.\nSELECT 2" in "".join(lines)


def test_psql_is_given_all_data() -> None:
    """Exactness goes before brevity where a program reads."""
    lines: list[str] = []
    DryRun(SqlText.for_psql(lines.append, Redactor(()))).keep(COPY, [LONG])
    assert LONG.decode() in "".join(lines)


def test_heading_cannot_leave_its_comment() -> None:
    """A name may hold a line feed; what follows it must not become a statement."""
    lines: list[str] = []
    SqlText.for_psql(lines.append, Redactor(())).open(["V1__a\nDROP TABLE t;.sql"])
    assert lines == ["-- V1__a\\nDROP TABLE t;.sql\n"]


def test_end_is_the_verdict() -> None:
    """A script without it was cut off."""
    lines: list[str] = []
    SqlText.for_psql(lines.append, Redactor(())).close(PLAN)
    assert lines == ["\n", f"-- {PLAN.verdict}\n"]


def test_refusal_is_told_in_comments() -> None:
    """Findings with their hints, the verdict last."""
    lines: list[str] = []
    SqlText.for_psql(lines.append, Redactor(())).close(REFUSED_RUN)
    assert all(line == "\n" or line.startswith("-- ") for line in lines)
    assert lines[-1] == f"-- {REFUSED_RUN.verdict}\n"


def test_much_data_is_written_whole_in_pieces() -> None:
    """Nothing is lost where one piece ends and the next begins."""
    lines: list[str] = []
    data = b"".join(b"%d\tgr\xc3\xb6\xc3\x9fer\n" % number for number in range(20_000)) + b"last"
    DryRun(SqlText.for_psql(lines.append, Redactor(()))).keep(b"COPY t FROM stdin\n;\n", [data])
    assert "".join(lines) == f"COPY t FROM stdin\n;\n{data.decode()}\n\\.\n"
    assert len(lines) > 5


def test_list_is_one_line_of_json() -> None:
    """The report, and of each script its statements with the data of a COPY."""
    lines: list[str] = []
    listed = SqlList(lines.append, Redactor(()))
    listed.open(["for people"])
    DryRun(listed).keep(b"SELECT '\"\n';\nSELECT 2\n;\n")
    DryRun(listed).keep(COPY, [b"1\tgr\xc3\xb6\xc3\x9fer\n"])
    listed.close(PLAN)
    text = "".join(lines)
    assert text.endswith("}\n")
    assert text.count("\n") == 1
    shown = json.loads(text)
    assert shown["verdict"] == PLAN.verdict
    assert shown["sql"] == [
        {
            "script": None,
            "transactional": True,
            "statements": [
                "SELECT '\"\n'",
                "SELECT 2\n",
                "COPY t FROM stdin\n;\n1\tgrößer\n\\.",
                "SELECT 2\n",
            ],
        }
    ]


def test_list_without_anything_is_json_too() -> None:
    """A plan may be refused before anything could be taken down."""
    lines: list[str] = []
    SqlList(lines.append, Redactor(())).close(REFUSED_RUN)
    assert json.loads("".join(lines))["sql"] == []


def test_secret_is_masked_where_a_piece_would_end() -> None:
    """However long a statement is, no secret is cut in two."""
    secret = "s3cret-value"
    for before in range(65_520, 65_540):
        statement = b"SELECT '" + b"x" * before + secret.encode() + b"y" * 70_000 + b"'"
        for make in (SqlList, SqlText.for_psql):
            lines: list[str] = []
            shown = make(lines.append, Redactor([secret]))
            DryRun(shown).keep(statement)
            text = "".join(lines)
            assert secret not in text
            assert "xxx***yyy" in text
            assert all(secret[:4] not in line for line in lines)


def test_colon_of_a_variable_of_psql_is_protected() -> None:
    """In text alone, and the end says what the backslash means; pieces do not matter."""
    lines: list[str] = []
    shown = SqlText.for_psql(lines.append, Redactor(()))
    long = b"x" * 70_000
    DryRun(shown).keep(b"SELECT '" + long + b"', a[1:PORT] -- :PORT\n;\n")
    shown.close(PLAN)
    text = "".join(lines)
    assert "xx', a[1\\:PORT] -- :PORT\n" in text
    assert text.count("\\") == 2
    assert "\n-- \\: is a colon to psql, and kept from being one of its variables.\n" in text


def test_list_is_not_for_psql() -> None:
    """A program gets each statement as it is sent."""
    lines: list[str] = []
    listed = SqlList(lines.append, Redactor(()))
    listed.open([])
    DryRun(listed).keep(b"SELECT a[1:PORT]")
    listed.close(PLAN)
    assert json.loads("".join(lines))["sql"][0]["statements"] == ["SELECT a[1:PORT]"]


def test_remark_is_a_comment_or_a_field() -> None:
    """It cannot pass for a statement, whatever names it holds."""
    text: list[str] = []
    DryRun(SqlText.for_psql(text.append, Redactor(()))).remark("if\nDROP TABLE t; is there")
    assert text == ["-- if\\nDROP TABLE t; is there\n"]
    lines: list[str] = []
    listed = SqlList(lines.append, Redactor(["s3cret"]))
    listed.open([])
    DryRun(listed).remark("left out if s3cret is there")
    DryRun(listed).keep(b"SELECT 1")
    listed.close(PLAN)
    assert json.loads("".join(lines))["sql"] == [
        {
            "script": None,
            "transactional": True,
            "statements": ["SELECT 1"],
            "remarks": ["left out if *** is there"],
        }
    ]


@pytest.mark.parametrize("length", [1, 2, 3, 100])
def test_comment_holds_every_line_however_it_is_cut(length: int) -> None:
    """A carriage return ends a comment to psql, and what follows it would run."""
    text = "a;\r\nb\rDROP TABLE t;\n\nc\n"
    written: list[str] = []
    commented = Commented(written.append)
    for start in range(0, len(text), length):
        commented(text[start : start + length])
    shown = "".join(written)
    assert all(line.startswith("-- ") for line in re.split("[\r\n]", shown)[:-1])
    assert re.sub("(?<![^\r\n])-- ", "", shown) == text


def test_callback_is_told_in_comments_and_its_secrets_are_masked() -> None:
    """Its colons are nothing to psql, but a mask in it is to be explained all the same."""
    lines: list[str] = []
    shown = SqlText.for_psql(lines.append, Redactor(["s3cret"]))
    dry_run = DryRun(shown)
    dry_run.turn_to(shown.callback("beforeMigrate.sql"))
    dry_run.keep(b"SELECT a[1:PORT], 's3cret'")
    shown.close(PLAN)
    text = "".join(lines)
    heading = "\n-- callback beforeMigrate.sql, on a connection of its own:\n"
    assert text.startswith(f"{heading}-- SELECT a[1:PORT], '***'\n-- ;\n")
    assert "-- *** stands for a secret" in text


def test_list_of_a_callback_is_its_own() -> None:
    """What the other connection sends behind it goes on where it was."""
    lines: list[str] = []
    listed = SqlList(lines.append, Redactor(()))
    main, apart = DryRun(listed), DryRun(listed)
    listed.open([])
    main.keep(b"SELECT 1")
    apart.turn_to(listed.callback("beforeMigrate.sql"))
    apart.keep(b"SELECT 2")
    main.keep(b"SELECT 3")
    listed.close(PLAN)
    own = {"script": None, "transactional": True}
    assert json.loads("".join(lines))["sql"] == [
        {**own, "statements": ["SELECT 1"]},
        {"callback": "beforeMigrate.sql", "statements": ["SELECT 2"]},
        {**own, "statements": ["SELECT 3"]},
    ]
