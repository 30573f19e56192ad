"""Scenarios that contradict themselves are refused before anything is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.scenario import BadScenario, load_scenario

_HEAD = 'title = "Title"\narea = "Area"\n'
_STEP = '[[steps]]\nrun = "migrate"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (_HEAD, "steps"),
        (_HEAD + _STEP + 'colour = "red"\n', "colour"),
        (_HEAD + '[[steps]]\nrun = "undo"\n', "no command undo"),
        (_HEAD + _STEP + 'refused = "ERROR"\n', "no deviation says why"),
        (_HEAD + _STEP + "exit = 12\n", "no deviation says why"),
        (_HEAD + _STEP + 'deviation = "so"\n' + _STEP, "only the last step"),
        (_HEAD + _STEP + 'problems = ["X"]\n', "only validate"),
        (_HEAD + _STEP + 'settings = { PGHOST = "h" }\n', "variables"),
        (_HEAD + _STEP + 'files = "gone"\n', "not a folder"),
    ],
    ids=[
        "no-steps", "unknown-key", "unknown-command", "refusal-of-one", "exit-of-one",
        "early-deviation", "problems-of-migrate", "foreign-setting", "missing-folder",
    ],
)  # fmt: skip
def test_scenario_that_contradicts_itself_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    """The message names the scenario and what is wrong with it."""
    (tmp_path / "scenario.toml").write_text(text)
    with pytest.raises(BadScenario, match=problem):
        load_scenario(tmp_path, 13)


def test_scenario_is_played_twice_when_nobody_could_take_over(tmp_path: Path) -> None:
    """A single step is repeated by the other tool, without its preparation."""
    (tmp_path / "scenario.toml").write_text(_HEAD + _STEP + 'sql = "SELECT 1"\n')
    first, second = load_scenario(tmp_path, 13).turns
    assert (first.preparation.sql, second.preparation.sql) == ("SELECT 1", "")


def test_scenario_may_name_a_code_for_each_major_version(tmp_path: Path) -> None:
    """Flyway's own codes changed between versions."""
    codes = 'refused = { 10 = "FAULT", 13 = "ERROR" }\nexit = 17\n'
    (tmp_path / "scenario.toml").write_text(_HEAD + _STEP + codes)
    assert [load_scenario(tmp_path, major).steps[0].refused for major in (10, 13)] == [
        "FAULT",
        "ERROR",
    ]
