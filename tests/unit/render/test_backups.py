"""The table of backups, for a wide terminal, a narrow one and a machine."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from hook.core.reporting.report import Report
from hook.log import Style
from hook.log.json_text import to_json
from hook.render.backups import render_check
from hook.render.layout import Layout
from hook.render.palette import Palette
from hook.render.report_json import report_object
from hook.render.table import display_width
from hook.render.views import result_text
from tests.testbed.process import ROOT
from tests.unit.render.backup_tables import (
    CHECK,
    DUMPS,
    SERVICE,
    WITH_HOLE,
    WITH_WAL,
    WITHOUT_WINDOW,
)

GOLDEN = ROOT / "tests" / "golden" / "render"
PLAIN = Palette()
NARROW = 80
TEXTS = {
    "check": render_check(CHECK, PLAIN, Layout()),
    "check-in-colour": render_check(CHECK, Palette(Style.COLOUR), Layout(200)),
    "check-narrow": render_check(CHECK, PLAIN, Layout(NARROW)),
    "check-with-a-hole": render_check(CHECK._replace(backups=WITH_HOLE), PLAIN, Layout(160)),
    "check-of-dumps": render_check(CHECK._replace(backups=DUMPS), PLAIN, Layout()),
    "check-of-dumps-narrow": render_check(CHECK._replace(backups=DUMPS), PLAIN, Layout(NARROW)),
    "check-of-a-service": render_check(CHECK._replace(backups=SERVICE), PLAIN, Layout()),
    "check-without-a-window": render_check(CHECK._replace(backups=WITHOUT_WINDOW), PLAIN, Layout()),
}


@pytest.mark.parametrize("name", TEXTS)
def test_table_is_as_agreed(name: str) -> None:
    """The text equals the golden file; UPDATE_GOLDEN=1 writes it anew, to be reviewed."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(f"{TEXTS[name]}\n", encoding="utf-8")
    assert f"{TEXTS[name]}\n" == path.read_text(encoding="utf-8")


def _section(text: str) -> list[str]:
    (section,) = (part for part in text.split("\n\n") if part.startswith("backups in "))
    return section.splitlines()


@pytest.mark.parametrize("name", ["check-narrow", "check-of-dumps-narrow"])
def test_narrow_terminal_breaks_no_line(name: str) -> None:
    """Each line of the section fits, so that none is broken in the middle of a name."""
    assert max(display_width(line) for line in _section(TEXTS[name])) <= NARROW


def test_narrow_terminal_is_told_what_a_wide_one_is() -> None:
    """Every word of the table is there in the other form as well."""
    _, _, *rows = _section(TEXTS["check"])
    narrow = " ".join(_section(TEXTS["check-narrow"]))
    told = [word for row in rows for word in row.split("  ") if word.strip() not in {"", "?", "-"}]
    assert [word for word in told if word.strip() not in narrow] == []


def test_columns_are_straight() -> None:
    """The last column begins at the same place in each row."""
    lines = _section(TEXTS["check"])
    at = lines[1].index("restorable")
    rows = [line for line in lines[2:] if re.match(r"  \d", line)]
    assert [line[at:] for line in rows] == ["no", "no", "yes", "unknown"]


def test_wal_that_ends_before_it_begins_was_looked_at() -> None:
    """As long as the segment in which the backup began is being written, or when it is missing."""
    (row,) = WITH_HOLE.rows
    table = WITH_HOLE._replace(rows=(row._replace(wal_to=None, holes=(), missing=0),))
    _, _, line, *_ = _section(render_check(CHECK._replace(backups=table), PLAIN, Layout()))
    assert re.split(r"\s{2,}", line.strip())[4:8] == [row.wal_from, "-", "0", "?"]


def test_colour_changes_nothing_but_the_colour() -> None:
    """Without the escapes both forms are the same text."""
    assert re.sub(r"\x1b\[[0-9;]*m", "", TEXTS["check-in-colour"]) == TEXTS["check"]


def test_table_is_shown_by_check_however_it_ended() -> None:
    """Also where a gate refused, and by no other command; without backups there is none."""
    assert result_text(CHECK, Style.PLAIN, Layout()) == TEXTS["check"]
    assert "backups in" not in result_text(CHECK._replace(command="run"), Style.PLAIN, Layout())
    assert "backups in" not in result_text(CHECK._replace(backups=None), Style.PLAIN, Layout())


def _object(report: Report) -> Any:
    return json.loads(to_json(report_object(report)))["backups"]


def test_rows_are_told_in_full() -> None:
    """Spans in milliseconds, times in UTC, what nobody looked for as null."""
    told = _object(CHECK)
    rows = told["rows"]
    assert (told["source"], told["more"], told["window"]) == (WITH_WAL.source, 3, None)
    assert rows[2] == {
        "label": "20260228-100500F",
        "type": "full",
        "started_at": "2026-02-28T11:56:00.000Z",
        "stopped_at": "2026-02-28T12:00:00.000Z",
        "age_ms": 86_400_000,
        "wal_from": "000000010000000000000021",
        "wal_to": "00000001000000000000003C",
        "holes": [],
        "missing_segments": 0,
        "lag_ms": 130_000,
        "restorable": "yes",
        "reasons": [],
    }
    assert (rows[0]["age_ms"], rows[0]["stopped_at"], rows[0]["holes"]) == (None, None, None)
    assert (rows[1]["restorable"], rows[1]["reasons"]) == ("no", ["contains damaged pages"])


def test_holes_and_window_are_told_in_full() -> None:
    """Holes by name; the window of a service beside its snapshots."""
    (row,) = _object(CHECK._replace(backups=WITH_HOLE))["rows"]
    assert (row["holes"], row["missing_segments"]) == (["000000010000000000000025"], 1)
    assert _object(CHECK._replace(backups=SERVICE))["window"] == {
        "earliest": "2026-02-22T12:00:00.000Z",
        "latest": "2026-03-01T11:55:00.000Z",
        "lag_ms": 300_000,
        "restorable": "yes",
        "reasons": [],
    }
    assert _object(CHECK._replace(backups=None)) == {}
