"""Comments in a script that allow what would stop it."""

from __future__ import annotations

import time

import pytest

from hook.core.scripts.waivers import LossBook, Waived, Waiver, keep_book, read_directives
from hook.core.sql.loss_rule import LossRule
from hook.core.sql.losses import Loss

ALLOW = "-- presync: allow drop-table because it is empty"
DROP = LossRule.DROP_TABLE


def targets(sql: str) -> list[tuple[int, int]]:
    """Return line and target of each waiver in *sql*, in which nothing is wrong."""
    found = read_directives("V1__x.sql", sql.encode())
    assert found.problems == ()
    return [(item.line, item.target) for item in found.waivers]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (f"{ALLOW}\nDROP TABLE t", [(1, 2)]),
        (f"SELECT 1;\n\n  {ALLOW}\r\n/* that */ DROP TABLE t", [(3, 4)]),
        (f"{ALLOW}\n{ALLOW}\nDROP TABLE t;\n{ALLOW}\nDROP TABLE u", [(1, 3), (2, 3), (4, 5)]),
        (f"{ALLOW}\n\nDROP TABLE t", [(1, 0)]),
        (f"-- Of old.\n{ALLOW}\n-- By me.\nDROP TABLE t", [(2, 0)]),
        (f"\ufeff{ALLOW}\n\nDROP TABLE t", [(1, 0)]),
        (f"\\restrict a\n{ALLOW}\n\nSELECT 1", [(2, 0)]),
        (f"COPY t FROM stdin;\n1\n\\.\n{ALLOW}\nDROP TABLE t", [(4, 5)]),
        ("--PreSync :ALLOW drop-table  BECAUSE so\nDROP TABLE t", [(1, 2)]),
    ],
)
def test_waiver_covers_statement_or_file(sql: str, expected: list[tuple[int, int]]) -> None:
    """What is right below it; else, in front of the first statement, everything."""
    assert targets(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; -- presync is fine",
        f"SELECT '\n{ALLOW}\n'",
        f"SELECT $$\n{ALLOW}\n$$",
        f"/*\n{ALLOW}\n*/ SELECT 1",
        f"SELECT 1 /*\n{ALLOW}\n*/",
        f"COPY t FROM stdin;\n{ALLOW}\n\\.\nDROP TABLE t",
        f"-- {ALLOW}\nDROP TABLE t",
    ],
)
def test_what_is_no_comment_of_a_line_is_no_waiver(sql: str) -> None:
    """Nobody has written it to be read as one."""
    assert targets(sql) == []


BAD = [
    ("-- presync: frobnicate\nSELECT 1", "1: -- presync: unknown directive 'frobnicate'"),
    ("-- presync:\nSELECT 1", "1: -- presync: unknown directive ''"),
    ("-- presync: allow\nSELECT 1", "1: -- presync: allow names no rule"),
    ("-- presync: allow because so\nSELECT 1", "1: -- presync: allow names no rule"),
    ("-- presync: allow a, b because so\nSELECT 1", "1: -- presync: allow takes one rule"),
    (
        "-- presync: allow drop-tables because so\nSELECT 1",
        "1: -- presync: unknown rule 'drop-tables'; did you mean drop-table?",
    ),
    (
        "-- presync: allow X99 because so\nSELECT 1",
        f"1: -- presync: unknown rule 'X99'; the rules are {', '.join(LossRule)}",
    ),
    *(
        (
            f"-- presync: allow truncate{reason}\nTRUNCATE t",
            "1: -- presync: truncate is allowed without a reason (because …)",
        )
        for reason in ("", " because", " because  ", " because …", " because <reason>")
    ),
    (
        f"SELECT 1;\n{ALLOW}\n\nDROP TABLE t",
        "2: -- presync: covers no statement: none begins on the next line",
    ),
    (f"SELECT 1;\n{ALLOW}", "2: -- presync: covers no statement: none begins on the next line"),
    (ALLOW, "1: -- presync: covers no statement: none begins on the next line"),
    (
        f"DROP TABLE\n{ALLOW}\nt",
        "2: -- presync: stands inside a statement, where it covers nothing",
    ),
    (f"DROP TABLE t; {ALLOW}", "1: -- presync: stands behind a statement, where it covers nothing"),
    (
        f"COPY t FROM stdin; {ALLOW}\n\\.\n",
        "1: -- presync: stands behind a statement, where it covers nothing",
    ),
]


@pytest.mark.parametrize(("sql", "problem"), BAD)
def test_bad_directive_is_a_problem(sql: str, problem: str) -> None:
    """It says nothing, and nobody should think that it does."""
    found = read_directives("V1__x.sql", sql.encode())
    assert [item.text for item in found.problems] == [f"V1__x.sql:{problem}"]
    assert "because <reason>" in found.problems[0].hint
    assert found.waivers == ()


def test_every_problem_of_a_script_is_told() -> None:
    """A wrong rule at a wrong place is wrong twice."""
    found = read_directives("V1__x.sql", f"SELECT 1;\n-- presync: x\n\n{ALLOW} ".encode())
    assert [item.text.split(":")[1] for item in found.problems] == ["2", "2", "4"]


def test_waiver_tells_who_why_and_what() -> None:
    """As the report has it."""
    found = read_directives("V1__x.sql", f"{ALLOW}: 0 rows\nDROP TABLE t".encode())
    waiver = Waiver("V1__x.sql", 1, DROP, "it is empty: 0 rows", 2)
    assert found.waivers == (waiver,)
    assert Waived(waiver, (Loss(DROP, 2, "DROP TABLE t"),)).describe() == {
        "script": "V1__x.sql",
        "line": 1,
        "rule": "drop-table",
        "reason": "it is empty: 0 rows",
        "covers": "statement",
        "lines": [2],
    }
    assert Waived(waiver._replace(target=0), ()).describe()["covers"] == "file"


def test_book_sets_waivers_against_losses() -> None:
    """By rule, and by line unless the whole file is covered."""
    first, second, other = (
        Loss(DROP, 2, "DROP TABLE a"),
        Loss(DROP, 4, "DROP TABLE b"),
        Loss(LossRule.TRUNCATE, 2, "TRUNCATE c"),
    )
    one = Waiver("x", 1, DROP, "so", 2)
    losses = (first, second, other)
    assert keep_book("x", losses, [one]) == LossBook("x", (second, other), (Waived(one, (first,)),))
    all_of_them = one._replace(target=0)
    assert keep_book("x", losses, [all_of_them]) == LossBook(
        "x", (other,), (Waived(all_of_them, (first, second)),)
    )


@pytest.mark.parametrize("between", ["DROP TABLE t;\n", ""], ids=["each", "in a row"])
def test_time_grows_with_the_waivers_and_not_with_their_square(between: str) -> None:
    """Of a generated script, sixteen times as many take less than eighty times as long."""
    few, many = (_seconds_for(number, between) for number in (500, 8_000))
    assert many < 80 * few


def _seconds_for(number: int, between: str) -> float:
    """Return what it takes of the processor to read *number* waivers and keep book of them."""
    began = time.process_time()
    found = read_directives("x", f"{ALLOW}\n{between}".encode() * number + b"DROP TABLE t;\n")
    assert len(found.waivers) == number
    losses = [Loss(DROP, line, "DROP TABLE t") for line in range(1, 2 * number + 2)]
    assert keep_book("x", losses, found.waivers).waived[-1].losses
    return time.process_time() - began
