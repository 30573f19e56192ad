"""Flyway's configuration files, read by the process as by Flyway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Database, Role
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
PASSWORD = "c4nary/p@ss"

CONF = """flyway.url=jdbc:postgresql://{place}
flyway.user={user}
flyway.password={password}
flyway.locations={locations}
flyway.schemas=app
flyway.placeholders.name=first
"""
TOML = """[flyway]
locations = ["{locations}"]
environment = "prod"
[flyway.placeholders]
name = "first"
[environments.prod]
url = "jdbc:postgresql://{place}"
user = "{user}"
password = "{password}"
schemas = ["app"]
"""


@pytest.fixture
def role(make_role: Callable[..., Role], database: Database) -> Role:
    """Return a role that may create schemas."""
    role = make_role(PASSWORD)
    database.execute(f'GRANT CREATE ON DATABASE "{database.name}" TO "{role.name}"')
    return role


def configured(home: Path, name: str, text: str, database: Database, role: Role) -> dict[str, str]:
    """Return the environment of a process whose home has the file *name*."""
    scripts = home / "sql"
    scripts.mkdir()
    (scripts / "V1__names.sql").write_text("CREATE TABLE ${name} (id int);")
    place = f"127.0.0.1:{database.server.port}/{database.name}"
    (home / name).write_text(
        text.format(
            place=place, user=role.name, password=role.password, locations=f"filesystem:{scripts}"
        )
    )
    return {"HOME": str(home), "PRESYNC_BACKUP_SOURCE": "none"}


@pytest.mark.parametrize(("name", "text"), [("flyway.conf", CONF), ("flyway.toml", TOML)])
def test_run_with_nothing_but_a_file_of_flyway(
    name: str, text: str, tmp_path: Path, database: Database, role: Role, run_presync: RunPresync
) -> None:
    """Place, login, locations, schema and placeholder all come from the file."""
    environment = configured(tmp_path, name, text, database, role)
    done = run_presync(["run"], environment)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert database.query("SELECT count(*) FROM app.first") == [(0,)]
    assert database.query("SELECT script FROM app.flyway_schema_history WHERE version = '1'") == [
        ("V1__names.sql",)
    ]
    assert PASSWORD not in done.stdout + done.stderr


def test_environment_of_a_file_is_known_to_scripts(
    tmp_path: Path, database: Database, role: Role, run_presync: RunPresync
) -> None:
    """Else a repeatable that names it would run again after a swap of the images."""
    environment = configured(tmp_path, "flyway.toml", TOML, database, role)
    script = "CREATE TABLE seen AS SELECT '${flyway:environment}'::text AS name"
    (tmp_path / "sql" / "R__seen.sql").write_text(script)
    done = run_presync(["run"], environment)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert database.query("SELECT name FROM app.seen") == [("prod",)]


@pytest.mark.parametrize(("name", "text"), [("flyway.conf", CONF), ("flyway.toml", TOML)])
def test_password_of_a_file_is_never_shown(
    name: str, text: str, tmp_path: Path, database: Database, role: Role, run_presync: RunPresync
) -> None:
    """It is a secret also when it is wrong, and when a line of the file is refused."""
    environment = configured(tmp_path, name, text, database, role)
    shown = [run_presync(["config"], environment)]
    database.execute(f"ALTER ROLE \"{role.name}\" PASSWORD 'other'")
    shown.append(run_presync(["info"], environment))
    shown.append(run_presync(["info"], environment | {"PRESYNC_DEADLINE": "soon"}))
    assert [done.exit_code for done in shown] == [ExitCode.OK, ExitCode.AUTH, ExitCode.CONFIG]
    assert not [done for done in shown if PASSWORD in done.stdout + done.stderr]
    assert str(tmp_path / name) in shown[0].stdout
