"""The command line's shape."""

from __future__ import annotations

import re

import pytest

from hook import bootstrap
from hook.commands import SHAPES, CommandShape
from hook.settings.durations import parse_duration
from hook.settings.setting import Group
from hook.settings.specification import SETTINGS
from tests.testbed.execution import DATABASE, Run, returning
from tests.unit.render.reports import PASSED_RUN


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_help_of_each_command_has_its_flags_and_an_example(run: Run, shape: CommandShape) -> None:
    """Help names every flag of its groups under their headings, and shows how to type it."""
    outcome = run(shape.name, "--help")
    assert outcome.code == 0
    assert f"Example: {shape.example}" in " ".join(outcome.stdout.split())
    for group in shape.groups:
        section = outcome.stdout.partition(f"\n{group.value}:\n")[2].partition("\n\n")[0]
        flags = re.findall(r"^  (--[a-z0-9-]+)", section, flags=re.MULTILINE)
        own = [setting.flag for setting in SETTINGS if setting.group is group]
        assert flags == own + (["--placeholder"] if group is Group.FLYWAY else [])


def test_help_tells_what_the_exit_codes_say_of_the_database(run: Run) -> None:
    """Whoever has only the image at hand reads no page."""
    told = " ".join(run("--help").stdout.split())
    assert "what happened to the database: at the level needed (0 OK); refused," in told
    tried = "tried: what failed is rolled back, what was applied stays"
    assert f"{tried} (20 SQL_FAILED, 22 VERIFY_FAILED, 23 BUDGET);" in told
    assert "a human is needed (21 PARTIAL, 70 BUG). Example:" in told


@pytest.mark.parametrize("command", ["run", "lint", "digest", "demo"])
def test_help_of_a_command_leads_to_the_exit_codes_and_tells_units(run: Run, command: str) -> None:
    """A number without unit is refused, and nobody should have to find out so."""
    told = " ".join(run(command, "--help").stdout.split())
    assert "Exit codes: see `presync --help`." in told
    assert ("A DURATION is a whole number and a unit: 100ms, 30s," in told) is (command == "run")
    assert all(parse_duration(text) for text in ("100ms", "30s", "25m", "24h", "7d"))


@pytest.mark.parametrize("columns", [40, 80])
def test_help_breaks_no_name_and_no_value(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """On however narrow a terminal a variable can be copied, and a default be read."""
    monkeypatch.setenv("COLUMNS", str(columns))
    words = set(re.split(r"[ \n\[\]]+", run("run", "--help").stdout.replace(",\n", " ")))
    for setting in SETTINGS:
        assert {setting.environment[0], f"{setting.environment[0]},"} & words
        assert setting.default is None or {*setting.default.split()} <= words


def test_no_example_changes_a_history() -> None:
    """An example is pasted before it is understood."""
    assert not [shape.name for shape in SHAPES if "--yes" in shape.example]


def test_example_of_each_command_is_accepted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What help shows can be typed as it is."""
    monkeypatch.setattr(bootstrap, "plan_sql", returning(PASSED_RUN))
    for shape in SHAPES:
        if shape.name != "config":
            monkeypatch.setattr(bootstrap, shape.name, returning(PASSED_RUN))
        program, *arguments = shape.example.split()
        assert program == "presync"
        assert run(*arguments, env=DATABASE).code == 0


def test_help_lists_the_commands_that_exist(run: Run) -> None:
    """The program's own help names each command and nothing else."""
    outcome = run("--help")
    assert outcome.code == 0
    section = outcome.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    listed = [line.split()[0] for line in section.splitlines() if line[2] != " "]
    assert listed[: len(SHAPES)] == [shape.name for shape in SHAPES]
    assert all(run(name, "--help").code == 0 for name in listed)


def test_version_is_told(run: Run) -> None:
    """The version is that of the package."""
    assert run("--version").stdout.startswith("presync, version ")
