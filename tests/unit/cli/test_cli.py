"""What a command does with settings, reports and errors."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from hook import bootstrap, process
from hook.clock import ABANDON_SECONDS, Interrupt
from hook.core.reporting.report import Report
from hook.errors import ExitCode, Unsupported
from hook.settings import Settings
from hook.stages import Context
from tests.testbed.execution import CANARY, DATABASE, Run, returning
from tests.unit.render.reports import INFO, PASSED_RUN, PLAN, REFUSED_RUN


def test_run_is_meant_when_no_command_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone or with flags only, presync runs the gate."""
    seen: list[Settings] = []

    def gate(settings: Settings, ctx: Context, **_: object) -> Report:
        assert ctx.run_id
        seen.append(settings)
        return PASSED_RUN

    monkeypatch.setattr(bootstrap, "run", gate)
    assert run(env=DATABASE).code == 0
    assert run("--deadline", "3m", env=DATABASE).code == 0
    assert run("run", "--deadline=3m", env=DATABASE).code == 0
    minutes = [settings.run.deadline / timedelta(minutes=1) for settings in seen]
    assert minutes == [25, 3, 3]


def test_exit_code_and_report_are_those_of_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Process, stdout, report file and termination message tell the same."""
    monkeypatch.setattr(bootstrap, "run", returning(REFUSED_RUN))
    log, file = tmp_path / "log", tmp_path / "report.json"
    env = DATABASE | {"PRESYNC_TERMINATION_LOG": str(log), "PRESYNC_REPORT": str(file)}
    outcome = run(env=env)
    assert outcome.code == ExitCode.NO_WAY_BACK == outcome.report["exit_code"]
    assert outcome.report["verdict"] == REFUSED_RUN.verdict
    assert json.loads(file.read_text()) == outcome.report
    assert log.read_text().splitlines()[0] == REFUSED_RUN.verdict


def test_termination_message_is_there_while_the_run_works(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pod that is killed half-way leaves more than nothing."""
    log = tmp_path / "log"

    def gate(_settings: Settings, ctx: Context, **_: object) -> Report:
        assert log.read_text().startswith(f"RUNNING run, run {ctx.run_id}")
        return PASSED_RUN

    monkeypatch.setattr(bootstrap, "run", gate)
    assert run(env=DATABASE | {"PRESYNC_TERMINATION_LOG": str(log)}).code == 0


def test_report_that_cannot_be_written_fails_a_passed_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The database is fine, the sink is not: 50, told everywhere, last in the log."""
    monkeypatch.setattr(bootstrap, "run", returning(PASSED_RUN))
    log = tmp_path / "log"
    env = {"PRESYNC_REPORT": str(tmp_path / "no" / "x"), "PRESYNC_TERMINATION_LOG": str(log)}
    outcome = run(env=DATABASE | env)
    assert outcome.code == ExitCode.REPORT
    verdict = str(outcome.report["verdict"])
    assert verdict.startswith("FAILED 50 REPORT: PRESYNC_REPORT: ")
    assert verdict.endswith(": no such file or directory; 3 applied, at 5")
    assert outcome.events[-1]["message"] == verdict == log.read_text().splitlines()[0]


def test_report_that_cannot_be_written_does_not_hide_a_refusal(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worse news decides the exit code; the sink is told beside it."""
    monkeypatch.setattr(bootstrap, "run", returning(REFUSED_RUN))
    outcome = run(env=DATABASE | {"PRESYNC_REPORT": str(tmp_path / "no" / "x")})
    assert outcome.code == ExitCode.NO_WAY_BACK
    assert outcome.report["verdict"] == REFUSED_RUN.verdict
    assert "PRESYNC_REPORT" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--nope"], "no such option '--nope'"),
        (["run", "--window-policy", "off"], "--window-policy is not supported in this version"),
        (["--window=x", "run"], "--window is not supported in this version"),
        (["--nope", "--report", "/dev/null", "run"], "no such option '--nope'"),
        (["migrat"], "no such command 'migrat'"),
        (["run", "extra"], "no such command 'extra'"),
        (["run", "--deadline"], "option '--deadline' requires an argument"),
        (["run", "--deadline", "soon"], "--deadline: 'soon' is not a duration"),
        (["run", "--format", "xml"], "--format: 'xml' is not text or json"),
        (["run", "--forma=json"], "no such option '--forma'; did you mean --format or --log-f"),
        (["run", "--placeholder", "c4nary"], "invalid value for '--placeholder': it is not NAME="),
        (["run", "--placeholder", "=c4nary"], "invalid value for '--placeholder': it is not NAME="),
        (["run", "--expect-system-id", "main"], "--expect-system-id: 'main' is not a system iden"),
        (["info", "--runs", "--ids"], "--runs shows past runs, and the flags beside it choose mi"),
        (["lint", "./a", "--locations=./b"], "--locations and PATH both name folders; database"),
    ],
)
def test_bad_command_line_is_a_usage_error(run: Run, arguments: list[str], message: str) -> None:
    """Exit code 2, one line that names the flag, no traceback."""
    outcome = run(*arguments, env=DATABASE)
    assert outcome.code == ExitCode.USAGE
    assert str(outcome.report["verdict"]).startswith(f"REFUSED 2 USAGE: {message}")
    assert outcome.events[-1]["message"] == outcome.report["verdict"]
    assert "c4nary" not in outcome.stdout + outcome.stderr


def test_bad_settings_are_told_each_by_itself(run: Run, tmp_path: Path) -> None:
    """Exit code 10, a finding per problem, and the termination message in its place."""
    log = tmp_path / "log"
    env = {"PRESYNC_DEADLIN": "1m", "PRESYNC_LOCK_WAIT": "x", "PRESYNC_TERMINATION_LOG": str(log)}
    outcome = run("check", env=env)
    assert outcome.code == ExitCode.CONFIG
    told = [event["message"] for event in outcome.events if event["event"] == "finding"]
    assert len(told) == 3
    assert log.read_text().startswith("REFUSED 10 CONFIG: ")
    assert outcome.report["command"] == "check"


def test_error_outside_of_a_stage_keeps_its_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What bootstrap cannot build is told like any other refusal."""

    def gate(_settings: Settings, _ctx: Context, **_: object) -> Report:
        raise Unsupported("no such engine", "Use another.")

    monkeypatch.setattr(bootstrap, "run", gate)
    outcome = run(env=DATABASE)
    assert outcome.code == ExitCode.UNSUPPORTED
    assert outcome.report["verdict"] == (
        "REFUSED 17 UNSUPPORTED: no such engine; database untouched"
    )


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_bug_ends_with_70_and_a_traceback_without_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_format: str
) -> None:
    """The traceback is one event of the log; nothing that is told holds a password."""

    def gate(settings: Settings, _ctx: Context, **_: object) -> Report:
        raise RuntimeError(f"lost {settings.database.require_target().password}\nfor good")

    monkeypatch.setattr(bootstrap, "run", gate)
    log, file = tmp_path / "log", tmp_path / "report.json"
    env = DATABASE | {"PRESYNC_TERMINATION_LOG": str(log), "PRESYNC_REPORT": str(file)}
    outcome = run("run", "--log-format", log_format, env=env)
    assert outcome.code == ExitCode.BUG
    assert outcome.report["verdict"] == "FAILED 70 BUG: RuntimeError: lost ***\\nfor good"
    written = outcome.stdout + outcome.stderr + log.read_text() + file.read_text()
    assert CANARY not in written
    assert "c4nary" not in written
    if log_format == "json":
        (bug,) = [event for event in outcome.events if event["event"] == "internal.error"]
        assert "in gate\n" in str(bug["traceback"])
    else:
        assert "Traceback" not in outcome.stderr


def test_bug_before_the_settings_are_read_is_told_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even then there is an exit code, a verdict and no secret."""

    def broken(*_: object) -> None:
        raise RuntimeError(f"lost {CANARY}")

    monkeypatch.setattr("hook.process.load_settings", broken)
    outcome = run(env=DATABASE)
    assert outcome.code == ExitCode.BUG
    assert "c4nary" not in outcome.stdout + outcome.stderr


def test_config_shows_settings_and_masks_secrets(run: Run) -> None:
    """The settings are shown without a database; a password is not."""
    outcome = run("config", env=DATABASE | {"PRESYNC_DEADLINE": "20m"})
    assert outcome.code == 0
    settings = outcome.report["settings"]
    assert isinstance(settings, list)
    expected = {"name": "PRESYNC_DEADLINE", "value": "20m", "origin": "PRESYNC_DEADLINE"}
    assert expected in settings
    assert "shop@db:5432/shop" in outcome.stdout
    assert "c4nary" not in outcome.stdout
    assert run("config").code == 0
    assert run("config", "--format", "text", env=DATABASE).stdout.startswith("Database\n")


@pytest.mark.parametrize(
    ("command", "report", "text"),
    [
        ("info", INFO, "Schema version: 1.1"),
        ("plan", PLAN, "2 pending, in this order"),
        ("digest", PASSED_RUN, "sha256:1a2b3c4d\n"),
        ("check", REFUSED_RUN, REFUSED_RUN.verdict),
        ("info", REFUSED_RUN, REFUSED_RUN.verdict),
        ("digest", REFUSED_RUN, REFUSED_RUN.verdict),
    ],
)
def test_command_shows_its_result_as_text(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str, report: Report, text: str
) -> None:
    """Each command has a form of its own when it passed, and the report when it did not."""
    monkeypatch.setattr(bootstrap, command, returning(report._replace(command=command)))
    outcome = run(command, "--format", "text", env=DATABASE if command != "digest" else {})
    assert outcome.code == report.exit_code
    assert text in outcome.stdout


def test_lint_takes_folders_as_arguments(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders stand for the configured locations, and no database is needed."""
    seen: list[tuple[str, ...]] = []

    def lint(settings: Settings, _ctx: Context) -> Report:
        seen.append(settings.migrations.sources.locations)
        return PASSED_RUN

    monkeypatch.setattr(bootstrap, "lint", lint)
    assert run("lint", "/a", "/b", env={"PRESYNC_LOCATIONS": "/c"}).code == 0
    assert run("lint", env={"PRESYNC_LOCATIONS": "/c"}).code == 0
    assert seen == [("/a", "/b"), ("/c",)]


def test_placeholders_are_given_by_flags(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag may be repeated and keeps what follows the first equals sign."""
    seen: list[Mapping[str, str]] = []

    def digest(settings: Settings, _ctx: Context) -> Report:
        seen.append(settings.migrations.placeholders.values)
        return PASSED_RUN

    monkeypatch.setattr(bootstrap, "digest", digest)
    assert run("digest", "--placeholder", "a=1", "--placeholder", "B=x=y").code == 0
    assert seen == [{"a": "1", "b": "x=y"}]


def test_notes_and_actor_are_told_before_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log begins with what was ignored, and with who runs on which database."""
    monkeypatch.setattr(bootstrap, "run", returning(PASSED_RUN))
    env = {"FLYWAY_CLEAN_DISABLED": "true", "PRESYNC_POD": "migrate-x7"}
    note, read, *_ = run(env=DATABASE | env).events
    assert note["event"] == "settings.note"
    assert read["event"] == "settings.read"
    assert str(read["message"]).endswith("on shop@db:5432/shop, named by PRESYNC_URL")
    assert read["pod"] == "migrate-x7"


def test_process_that_hangs_is_gone_within_the_promised_time() -> None:
    """It is abandoned, and has said its last words, within twenty seconds."""
    assert ABANDON_SECONDS + process.LAST_WORDS_SECONDS < 20


def test_process_that_hangs_is_gone_also_if_that_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug in the last words must not leave it hanging for ever."""
    ended: list[int] = []

    def compose(*_: object) -> Report:
        raise RuntimeError("no words")

    monkeypatch.setattr(process, "report_of_abandoned", compose)
    monkeypatch.setattr(os, "_exit", ended.append)
    interrupt = Interrupt()
    with pytest.raises(RuntimeError, match="no words"):
        process.Process((), {}, interrupt).abandon()
    interrupt.close()
    assert ended == [ExitCode.BUG]
