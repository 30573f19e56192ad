"""Command lines that are refused before anything is asked of a database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.execution import DATABASE, Run


@pytest.mark.parametrize(
    ("arguments", "command", "helper"),
    [
        (["clean"], "clean", "clean"),
        (["rnu", "--format", "json"], "rnu", ""),
        (["info", "clean"], "clean", ""),
        (["info", "--of-state", "x"], "info", "info"),
        (["info", "--of-state"], "info", "info"),
        (["demo", "--nope"], "demo", "demo"),
        (["--nope"], "", ""),
        (["info", "plan", "--nope"], "info", "info"),
        (["--deadline", "soon"], "run", "run"),
        (["config", "--deadline", "soon"], "config", "config"),
    ],
)
def test_command_that_was_refused_is_told_as_it_was_typed(
    run: Run, tmp_path: Path, arguments: list[str], command: str, helper: str
) -> None:
    """Nothing looks like a run that did not happen, and the help that is named is there."""
    log = tmp_path / "log"
    outcome = run(*arguments, env=DATABASE | {"PRESYNC_TERMINATION_LOG": str(log)})
    assert outcome.report["command"] == command
    assert f"run {outcome.report['run_id']}" not in log.read_text()
    steps = outcome.report["next"]
    assert steps == ([] if command == "clean" else [f"presync {helper} --help".replace("  ", " ")])
    assert all(run(*step.split()[1:]).code == 0 for step in steps)


def test_report_of_no_command_says_so_in_text(run: Run) -> None:
    """No word stands where a command would."""
    assert run("--nope", "--format", "text").stdout.startswith("presync\n")


@pytest.mark.parametrize("flag", ["-outputType=text", "--format=text"])
def test_form_of_the_result_holds_for_a_command_that_does_not_exist(run: Run, flag: str) -> None:
    """In Flyway's form too."""
    assert run(flag, "rnu").stdout.startswith("presync rnu\n")


@pytest.mark.parametrize(
    "flags", [["--log-format", "text", "--nonsense"], ["--nonsense", "--log-format=text"]]
)
def test_flags_of_the_output_hold_beside_flags_that_do_not_exist(
    run: Run, tmp_path: Path, flags: list[str]
) -> None:
    """Whoever reads the log as text is not given JSON by a typing error, and has the report."""
    file = tmp_path / "report.json"
    outcome = run("run", *flags, f"--report={file}")
    assert outcome.code == ExitCode.USAGE
    assert outcome.stderr.splitlines()[-1].endswith(str(outcome.report["verdict"]))
    assert not outcome.stderr.startswith("{")
    assert json.loads(file.read_text()) == outcome.report


def test_password_in_a_misplaced_url_is_not_repeated(run: Run) -> None:
    """The words of the command line are quoted in the message, a password among them is not."""
    outcome = run("postgresql://u:c4nary@db/shop")
    assert outcome.code == ExitCode.USAGE
    assert "c4nary" not in outcome.stdout + outcome.stderr
    assert "no such command 'postgresql://u:***@db/shop'" in str(outcome.report["verdict"])
