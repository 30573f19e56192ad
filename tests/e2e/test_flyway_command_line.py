"""Flyway's command line as it stands in manifests, given to presync."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
NO_BACKUP = {"PRESYNC_BACKUP_SOURCE": "none"}
CANARY = "c4nary"


@pytest.fixture
def flyways(deployment: Deployment) -> list[str]:
    """Return the arguments that name database and scripts."""
    database = deployment.database
    server = database.server
    return [
        f"-url=jdbc:postgresql://{server.host}:{server.port}/{database.name}",
        "-user=postgres",
        f"-locations=filesystem:{deployment.folder}/sql",
    ]


def results(done: Completed) -> list[dict[str, object]]:
    """Return the objects on standard output, one a line."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_image_is_swapped_without_touching_the_arguments(
    deployment: Deployment, flyways: list[str], run_presync: RunPresync
) -> None:
    """Settings, placeholders and several commands in a row."""
    deployment.release({"V1__t.sql": "CREATE TABLE ${name} ()"})
    arguments = [*flyways, "-placeholders.name=t", "-stream=true", "-X"]
    done = run_presync([*arguments, "info", "migrate", "info"], NO_BACKUP)
    assert done.exit_code == ExitCode.OK, done.stderr
    before, run, after = results(done)
    assert before["migrations"][0]["state"] == "Pending"  # type: ignore[index]  # JSON
    assert run["command"] == "run"
    assert len({event["run_id"] for event in done.events}) == len(results(done))
    assert after["migrations"][0]["state"] == "Success"  # type: ignore[index]  # JSON
    notes = {event["message"].partition(": ")[0] for event in done.events_named("settings.note")}
    assert notes == {"-stream makes no difference", "-X is ignored"}


def test_commands_stop_at_the_first_that_fails(
    deployment: Deployment, flyways: list[str], run_presync: RunPresync
) -> None:
    """Its code is the process's."""
    deployment.release({"V1__t.sql": "SELECT 1 / 0"})
    done = run_presync([*flyways, "migrate", "info"], NO_BACKUP)
    assert done.exit_code == ExitCode.SQL_FAILED
    assert [item["command"] for item in results(done)] == ["run"]


def test_command_that_is_not_there_stops_before_the_others(
    deployment: Deployment, flyways: list[str], run_presync: RunPresync
) -> None:
    """Nothing is migrated in front of a clean that never comes."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    done = run_presync([*flyways, "migrate", "clean"], NO_BACKUP)
    assert done.exit_code == ExitCode.UNSUPPORTED
    assert "there is no command clean" in str(results(done)[0]["verdict"])
    assert deployment.database.query("SELECT to_regclass('t')") == [(None,)]


def test_migrate_alone_is_run(deployment: Deployment, run_presync: RunPresync) -> None:
    """As in ``args: ["migrate"]``."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    done = run_presync(["migrate"], deployment.env())
    assert (done.exit_code, done.report["command"]) == (ExitCode.OK, "run")


def test_both_forms_are_mixed(
    deployment: Deployment, flyways: list[str], run_presync: RunPresync
) -> None:
    """Presync's own flags keep working beside Flyway's."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    report = deployment.folder / "own.json"
    own = ["--backup-source", "none", "--table=history", f"-outputFile={report}"]
    done = run_presync([*flyways, "migrate", *own])
    assert done.exit_code == ExitCode.OK, done.stderr
    assert deployment.database.query("SELECT version FROM history") == [("1",)]
    assert json.loads(report.read_text())["verdict"] == done.report["verdict"]


def test_working_directory_is_where_everything_is_looked_for(
    deployment: Deployment, flyways: list[str], run_presync: RunPresync, tmp_path: Path
) -> None:
    """Flyway's files and relative locations."""
    project = tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    (project / "scripts/V1__t.sql").write_text("SELECT '${flyway:workingDirectory}'")
    (project / "flyway.conf").write_text("flyway.locations=filesystem:scripts\nflyway.table=own\n")
    done = run_presync([*flyways[:2], f"-workingDirectory={project}", "migrate"], NO_BACKUP)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert deployment.database.query("SELECT script FROM own") == [("V1__t.sql",)]
    (project / "flyway.conf").unlink()
    (project / "scripts").rename(project / "sql")
    default = run_presync([*flyways[:2], f"-workingDirectory={project}", "info"], NO_BACKUP)
    assert [item["state"] for item in default.report["migrations"]] == ["Pending"]


def test_password_is_refused_and_never_repeated(
    flyways: list[str], run_presync: RunPresync
) -> None:
    """The variable that takes it is named."""
    for log_format in ("json", "text"):
        forms = ["--log-format", log_format, "--format", log_format]
        done = run_presync([*flyways, f"-password={CANARY}", "migrate", *forms], NO_BACKUP)
        assert done.exit_code == ExitCode.CONFIG
        assert "-password holds a password" in done.stdout
        assert "Set FLYWAY_PASSWORD from a Secret" in done.stdout
        assert CANARY not in done.stdout + done.stderr


def test_flag_that_nobody_knows_is_refused(flyways: list[str], run_presync: RunPresync) -> None:
    """With what was probably meant."""
    done = run_presync([*flyways, "-outoforder=true", "migrate"], NO_BACKUP)
    assert done.exit_code == ExitCode.USAGE
    assert "-outoforder is not a flag; did you mean -outOfOrder?" in str(done.report["verdict"])


def test_info_shows_what_its_filters_let_pass(
    deployment: Deployment, flyways: list[str], run_presync: RunPresync
) -> None:
    """As a table, as JSON, or as names for a script."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()", "V2__u.sql": "CREATE TABLE u ()"})
    deployment.release({"V3__v.sql": "SELECT 1", "R__w.sql": "SELECT 1"})
    ids = run_presync([*flyways, "info", "-infoOfState=pending", "-migrationIds"])
    assert (ids.exit_code, ids.stdout) == (ExitCode.OK, "3,w\n")
    own = run_presync([*flyways, "info", "--since-version", "2", "--until-version", "2"])
    assert [item["version"] for item in own.report["migrations"]] == ["2"]
    future = run_presync([*flyways, "info", "-infoSinceDate=01/01/2999 00:00", "--ids"])
    assert future.stdout == "3,w\n"
    bad = run_presync([*flyways, "info", "-infoSinceDate=2026-01-01"])
    assert bad.exit_code == ExitCode.USAGE
    assert "'2026-01-01' is not a date like 13/10/2026 16:30" in str(bad.report["verdict"])


def test_help_and_version_end_at_once(run_presync: RunPresync) -> None:
    """Whatever else is there."""
    assert run_presync(["-?"]).stdout.startswith("Usage: presync ")
    assert run_presync(["migrate", "-v"]).stdout.startswith("presync, version ")
