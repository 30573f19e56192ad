"""Where a long text is broken on a terminal."""

from __future__ import annotations

import pytest

from hook.core.reporting.redaction import Redactor
from hook.render.layout import Layout

WIDE = 44


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one line", ["one line"]),
        ("", [""]),
        (
            "the newest backup of this stanza stopped a day ago",
            ["the newest backup of this stanza stopped a", "day ago"],
        ),
        ("x" * 60 + " is long", ["x" * 60, "is long"]),
        ("索引" * 11 + " 索引", ["索引" * 11, "索引"]),
        (
            "See what is in the way with `presync check --format text`.",
            ["See what is in the way with", "`presync check --format text`."],
        ),
        (
            "End it now, or later: SELECT pg_terminate_backend(7); SELECT pg_terminate_backend(8);",
            [
                "End it now, or later:",
                "SELECT pg_terminate_backend(7);",
                "SELECT pg_terminate_backend(8);",
            ],
        ),
        (
            'Run GRANT EXECUTE ON FUNCTION pg_control_system() TO "the app".',
            ["Run", 'GRANT EXECUTE ON FUNCTION pg_control_system() TO "the app".'],
        ),
        (
            'Write "-- presync: allow drop-table because <reason>" on the line before it.',
            [
                "Write",
                '"-- presync: allow drop-table because <reason>"',
                "on the line before it.",
            ],
        ),
        (
            "Grant CREATE on schema app to the role that migrates.",
            ["Grant CREATE on schema app to the role that", "migrates."],
        ),
    ],
)
def test_text_is_broken_where_nobody_copies(text: str, lines: list[str]) -> None:
    """Between words, and never within a command, a statement or a name."""
    assert Layout(WIDE).lines(text, 0) == lines
    assert Layout().lines(text, 0) == [text]


def test_room_is_what_the_indent_leaves() -> None:
    """Down to a column in which a sentence can be read."""
    assert Layout(WIDE + 20).lines("a " * 40, 20) == Layout(WIDE).lines("a " * 40, 0)
    assert Layout(10).lines("two words", 28) == ["two words"]


def test_secret_is_masked_before_it_is_broken() -> None:
    """Its two halves would not be found any more."""
    redact = Redactor(["correct horse battery staple"]).text
    text = "the server quotes the password: correct horse battery staple"
    assert Layout(WIDE, redact).lines(text, 0) == ["the server quotes the password: ***"]
