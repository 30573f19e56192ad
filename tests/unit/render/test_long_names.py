"""Long descriptions on a terminal: what stands beside them stays in its column."""

from __future__ import annotations

import re

import pytest

from hook.core.outcome import Result, passed
from hook.log import Style
from hook.render.config import render_config
from hook.render.info import render_info
from hook.render.layout import Layout
from hook.render.palette import Palette
from hook.render.plan import render_plan
from hook.render.report_text import render_report
from hook.render.table import display_width
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
from tests.unit.render.reports import INFO, PASSED_RUN, PLAN

PLAIN = Palette()
LONG = "add the column that the billing service wants 创建索引 to every table of the shop"
APPLIED = PASSED_RUN._replace(
    migrations=(
        PASSED_RUN.migrations[0]._replace(description=LONG),
        *PASSED_RUN.migrations[1:],
    )
)
_APPLIED_LONG_AGO = INFO.infos[2].row
assert _APPLIED_LONG_AGO is not None
STATES = INFO._replace(
    infos=(
        INFO.infos[0],
        INFO.infos[2]._replace(row=_APPLIED_LONG_AGO._replace(description=LONG)),
        *INFO.infos[3:],
    )
)


def words(text: str) -> list[str]:
    """Return the words of *text*, without what tables are drawn with."""
    return sorted(re.sub(r"[|+-]", " ", text).split())


def test_applied_migrations_are_told_within_the_terminal() -> None:
    """The times stay in one column, and what a description has too much goes on below it."""
    whole = render_report(APPLIED, PLAIN)
    told = render_report(APPLIED, PLAIN, Layout(80))
    assert sorted(told.split()) == sorted(whole.split())
    listed = told.split("applied\n")[1].split("\n\n")[0].splitlines()
    assert max(map(display_width, listed)) <= 80
    times = [line for line in listed if line.split()[0].startswith(("V", "R"))]
    assert len(times) == len(APPLIED.migrations) < len(listed)
    ends = {display_width(line[: line.index(" ms") + len(" ms")]) for line in times}
    assert len(ends) == 1


@pytest.mark.parametrize("columns", [115, 130])
def test_table_of_states_fits_where_only_descriptions_are_too_long(columns: int) -> None:
    """A row goes on below, in its colour, and the table stays straight."""
    whole = render_info(STATES, PLAIN)
    told = render_info(STATES, PLAIN, Layout(columns))
    assert words(told) == words(whole)
    _, table = told.split("\n\n")
    assert {display_width(line) for line in table.splitlines()} <= set(range(columns + 1))
    assert len({display_width(line) for line in table.splitlines()}) == 1
    assert len(told.splitlines()) > len(whole.splitlines())
    coloured = render_info(STATES, Palette(Style.COLOUR), Layout(columns))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == told
    (pending,) = (line for line in coloured.splitlines() if "Pending" in line)
    assert pending.startswith("\x1b[33m")


def test_table_of_states_that_cannot_fit_is_broken_where_it_is_worth_it() -> None:
    """A row that takes two lines of the terminal would not be read better in three."""
    assert render_info(INFO, PLAIN, Layout(80)) == render_info(INFO, PLAIN)
    told = render_info(STATES, PLAIN, Layout(80))
    assert words(told) == words(render_info(STATES, PLAIN))
    _, table = told.split("\n\n")
    (border,) = set(re.findall(r"^\+.*", table, re.MULTILINE))
    assert len("  ") + 24 < len(border.split("+")[3]) <= len("  ") + 40


def test_long_value_pushes_no_other_origin_out_of_the_terminal() -> None:
    """The origins stay in one column but for those of values that leave no room."""
    env = {"PRESYNC_LOCATIONS": ",".join(f"/srv/{'long/' * 9}{n}" for n in range(3))}
    settings = load_settings(Inputs(environment=env), Need.ANY_DATABASE)
    whole = render_config(settings, PLAIN).splitlines()
    told = render_config(settings, PLAIN, Layout(80)).splitlines()
    assert [line.split() for line in told] == [line.split() for line in whole]
    assert min(len(line) for line in whole if line.endswith(" default")) > 80
    wide = [line.split()[0] for line in told if len(line) > 80]
    assert wide == ["PRESYNC_LOCATIONS", "PRESYNC_LOCK_LADDER"]
    ends = {len(line) for line in told if line.endswith(" default") and len(line) <= 80}
    assert len(ends) == 1
    assert len({len(line) for line in whole if line.endswith(" default")}) == 1


def test_plan_breaks_what_is_told_of_a_script_below_it() -> None:
    """It stays left of the locks, which belong to it."""
    told = f"V5__{'long_' * 8}x.sql: 1 statement without transaction: VACUUM cannot run in one"
    item = passed("pending", told, transactional=False, locks=[])
    plan = PLAN._replace(results=(Result("plan", (item,)),))
    lines = render_plan(plan, PLAIN, Layout(60)).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  V5__"))
    assert "".join(lines[start : start + 2]).split() == told.split()
    assert lines[start + 1].startswith("    ")
    assert max(map(len, lines[start : start + 2])) <= 60
