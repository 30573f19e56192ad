"""What a person reads on a terminal."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest

from hook.core.execution.progress import Progress
from hook.core.outcome import Result, from_error
from hook.core.reporting.report import Report
from hook.errors import BadMigrationSet
from hook.log import Style
from hook.render.config import render_config
from hook.render.info import render_info
from hook.render.layout import Layout
from hook.render.palette import Palette
from hook.render.plan import render_plan
from hook.render.report_text import render_report
from hook.render.runs import render_runs
from hook.render.table import display_width
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
from tests.testbed.process import ROOT
from tests.unit.render.reports import (
    INFO,
    LONG_RUN,
    MARKED_RUN,
    MARKER,
    PASSED_RUN,
    PLAN,
    REFUSED_RUN,
    RUNS,
)

GOLDEN = ROOT / "tests" / "golden" / "render"
PLAIN = Palette()
NARROW = 80

SETTINGS = load_settings(
    Inputs(
        {"deadline": "20m"},
        {
            "FLYWAY_URL": "jdbc:postgresql://db.infra:5432/shop",
            "FLYWAY_USER": "shop",
            "FLYWAY_PASSWORD": "c4nary",
            "FLYWAY_CLEAN_DISABLED": "true",
            "FLYWAY_PLACEHOLDERS_STAGE": "dev",
            "FLYWAY_PLACEHOLDERS_API_TOKEN": "c4nary",
            "PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://backups/pgbackrest",
        },
    ),
    Need.DATABASE,
)
TEXTS = {
    "passed-run": render_report(PASSED_RUN, PLAIN),
    "marked-run": render_report(MARKED_RUN, PLAIN),
    "refused-run": render_report(REFUSED_RUN, PLAIN),
    "refused-run-in-colour": render_report(REFUSED_RUN, Palette(Style.COLOUR)),
    "long-run": render_report(LONG_RUN, PLAIN),
    "long-run-narrow": render_report(LONG_RUN, PLAIN, Layout(NARROW)),
    "long-run-narrow-in-colour": render_report(LONG_RUN, Palette(Style.COLOUR), Layout(NARROW)),
    "plan": render_plan(PLAN, PLAIN, Layout()),
    "info": render_info(INFO, PLAIN),
    "info-in-colour": render_info(INFO, Palette(Style.COLOUR)),
    "info-of-nothing": render_info(INFO._replace(infos=(), before={}), PLAIN),
    "config": render_config(SETTINGS, PLAIN),
    "runs": render_runs(RUNS, PLAIN),
    "no-runs": render_runs(RUNS._replace(runs=()), PLAIN),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_as_agreed(name: str) -> None:
    """The text equals the golden file; UPDATE_GOLDEN=1 writes it anew, to be reviewed."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(f"{TEXTS[name]}\n", encoding="utf-8")
    assert f"{TEXTS[name]}\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("report", [PASSED_RUN, REFUSED_RUN, PLAN])
def test_verdict_is_the_last_line(report: Report) -> None:
    """Who reads only the last line knows how it ended."""
    assert render_report(report, PLAIN).splitlines()[-1] == report.verdict


def test_marker_that_somebody_tells_of_was_not_seen() -> None:
    """Whose word it is stands where else is that it was seen."""
    told = MARKED_RUN._replace(marker=MARKER._replace(told_by="the command list"))
    text = render_report(told, PLAIN)
    assert "its WAL is archived, as the command list tells; presync did not see it" in text
    assert "seen in the repository" not in text


def test_marker_that_nobody_saw_is_told_as_such() -> None:
    """And a run that changed nothing shows no way back, whatever marker it made."""
    unseen = MARKED_RUN._replace(marker=MARKER._replace(is_archived=False))
    assert "; nobody saw its WAL in a repository" in render_report(unseen, PLAIN)
    idle = MARKED_RUN._replace(progress=Progress.UNTOUCHED, migrations=())
    assert "way back" not in render_report(idle, PLAIN)
    nowhere = MARKED_RUN._replace(marker=MARKER._replace(restore=()))
    assert "way back" not in render_report(nowhere, PLAIN)


def test_colour_changes_nothing_but_the_colour() -> None:
    """Without the escapes both forms are the same text."""
    coloured = render_report(PASSED_RUN, Palette(Style.COLOUR))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_report(PASSED_RUN, PLAIN)
    narrow = re.sub(r"\x1b\[[0-9;]*m", "", TEXTS["long-run-narrow-in-colour"])
    assert narrow == TEXTS["long-run-narrow"]


def test_narrow_terminal_breaks_findings_and_hints_itself() -> None:
    """Below their first word, and nothing gets lost; what is copied stays in one line."""
    whole, narrow = (TEXTS[name].splitlines() for name in ("long-run", "long-run-narrow"))
    assert " ".join(narrow).split() == " ".join(whole).split()
    long = [line.strip() for line in narrow if display_width(line) > NARROW]
    assert long == [
        '→ GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO "shop owner";',
        LONG_RUN.verdict,
    ]
    assert any("SELECT pg_terminate_backend(4711);" in line for line in narrow)
    assert any("`presync check --blocker-queries yes`" in line for line in narrow)
    finding = [line for line in whole if "lock timeout" in line and "1,234 ms" in line]
    assert len(finding) == 1


def test_text_of_a_server_cannot_break_or_colour_a_line() -> None:
    """Newlines and escapes in messages are shown, not obeyed."""
    assert "\x1b" not in TEXTS["refused-run"]
    assert "rehearsed\\ntoday" in TEXTS["passed-run"]


def test_secrets_are_masked_in_the_settings() -> None:
    """Passwords appear nowhere in `presync config`."""
    assert "c4nary" not in TEXTS["config"]
    assert "FLYWAY_PLACEHOLDERS_API_TOKEN" in TEXTS["config"]


@pytest.mark.parametrize("name", ["info", "info-of-nothing"])
def test_table_is_straight(name: str) -> None:
    """Every line of the table is as wide as its border, East Asian text included."""
    _, table = TEXTS[name].split("\n\n")
    assert len({display_width(line) for line in table.splitlines()}) == 1


def test_each_of_several_problems_has_a_line_of_its_own() -> None:
    """Beside a mark, in one column; a finding that says more than its problems stays whole."""
    several = from_error(BadMigrationSet(("V1__a.sql is empty", "V2__b.sql is empty"), "Mend it."))
    more = replace(several, message="for a reason: V1__a.sql is empty; V2__b.sql is empty")
    told = []
    for finding in (several, more):
        results = (Result("resolve", (finding,), 1),)
        told.append(render_report(REFUSED_RUN._replace(results=results), PLAIN).splitlines())
    listed, whole = told
    first, second, hint = listed[2:5]
    assert first == "  ✗ resolve           1 ms  V1__a.sql is empty"
    assert second == first.replace("V1__a", "V2__b").replace("resolve           1 ms", " " * 22)
    assert hint.endswith("→ Mend it.")
    assert whole[2].endswith(more.message)
