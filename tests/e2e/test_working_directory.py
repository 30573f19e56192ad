"""FLYWAY_WORKING_DIRECTORY: where relative things are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed
from tests.testbed.release import write_files

RunPresync = Callable[..., Completed]
SEEN = "CREATE TABLE seen AS SELECT '${flyway:workingDirectory}' AS directory, '${stage}' AS stage"


def env(deployment: Deployment, folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a run in *folder*, without any location."""
    environment = deployment.env(FLYWAY_WORKING_DIRECTORY=str(folder), **more)
    del environment["PRESYNC_LOCATIONS"]
    return environment


def test_locations_placeholder_and_files_are_those_of_the_working_directory(
    deployment: Deployment, run_presync: RunPresync, tmp_path: Path
) -> None:
    """As with the flag of Flyway's command line."""
    folder = tmp_path / "project"
    conf = "flyway.locations=filesystem:db\nflyway.placeholders.stage=dev\n"
    write_files(folder, {"db/V1__a.sql": SEEN, "flyway.conf": conf})
    completed = run_presync(["run"], env(deployment, folder))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query("SELECT * FROM seen") == [(str(folder), "dev")]


def test_default_location_is_the_folder_sql_in_it(
    deployment: Deployment, run_presync: RunPresync, tmp_path: Path
) -> None:
    """And nothing else: a folder that is not there is an error."""
    folder = tmp_path / "project"
    missing = run_presync(["run"], env(deployment, folder))
    assert missing.exit_code == ExitCode.BAD_SET
    assert f"location {folder}/sql does not exist" in missing.report["verdict"]
    write_files(folder, {"sql/V1__a.sql": "CREATE TABLE a ()"})
    assert run_presync(["run"], env(deployment, folder)).exit_code == ExitCode.OK


def test_strongest_file_is_the_one_in_the_working_directory(
    deployment: Deployment, run_presync: RunPresync, tmp_path: Path
) -> None:
    """A value that only the home folder has still counts."""
    project, home = tmp_path / "project", tmp_path / "home"
    write_files(home, {"flyway.conf": "flyway.table=weak\nflyway.installedBy=somebody\n"})
    write_files(project, {"flyway.conf": "flyway.table=strong\n", "sql/V1__a.sql": "SELECT 1"})
    completed = run_presync(["run"], env(deployment, project, HOME=str(home)))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query("SELECT installed_by FROM strong") == [("somebody",)]
