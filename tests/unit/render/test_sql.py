"""A dry run as text: what a person is spared, and what psql is not."""

from __future__ import annotations

from hook.core.dry_run import DryRun
from hook.core.redaction import Redactor
from hook.render.sql import SqlText
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
