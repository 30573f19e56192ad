"""Who logs in where, when not every name is in the source of the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import ConfigError, DatabaseRejected
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from tests.testbed.connections import resolve
from tests.testbed.database import Database
from tests.testbed.run_context import target_of
from tests.testbed.wait_stage import wait_stage


def leaving_out(database: Database, *names: str, **more: str) -> ConnectionTarget:
    """Return the target in whose source nobody has put *names*; *more* are libpq parameters."""
    parameters = {"port": "", "host": "", **target_of(database).parameters, **more}
    variables = {"host": "POSTGRES_HOST", "port": "POSTGRES_PORT", "dbname": "POSTGRES_DB"}
    environment = {
        variable: parameters[name] for name, variable in variables.items() if name not in names
    }
    if "user" not in names:
        environment["POSTGRES_USER"] = parameters["user"]
    target = resolve(**environment).target
    assert target is not None
    return target


def test_service_is_reached_whatever_the_variables_beside_it_say(
    database: Database, ctx: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is stronger, and libpq fills in from them what it leaves open."""
    named = dict(target_of(database).parameters)
    user = named.pop("user")
    lines = "\n".join(f"{name}={value}" for name, value in named.items())
    services = tmp_path / "services.conf"
    services.write_text(f"[shop]\n{lines}\n")
    beside = {"PGSERVICE": "shop", "PGDATABASE": "elsewhere", "PGPORT": "1", "PGUSER": user}
    for name, value in {**beside, "PGSERVICEFILE": str(services)}.items():
        monkeypatch.setenv(name, value)
    target = resolve(**beside).target
    assert target is not None
    reached = wait_stage(target).run(ctx).value
    with reached.session:
        assert (reached.facts.database, reached.facts.user) == (database.name, user)


def test_session_tells_where_its_names_come_from(database: Database, ctx: Context) -> None:
    """A source without a database leads to the one that is called as the user."""
    outcome = wait_stage(leaving_out(database, "dbname")).run(ctx)
    with outcome.value.session as session:
        user = database.server.superuser
        assert session.fetch("SELECT current_database()") == [(user,)]
    assert outcome.findings[0].message.endswith(
        f"; no database is named, and libpq takes the user's name: {user}"
    )


def test_refused_login_tells_what_nobody_has_named(database: Database, ctx: Context) -> None:
    """The server speaks of a database or a role that is written nowhere."""
    other = {"user": "presync_nobody_else"}
    with pytest.raises((DatabaseRejected, ConfigError)) as caught:
        wait_stage(leaving_out(database, "dbname", **other)).run(ctx)
    assert other["user"] in caught.value.message
    assert caught.value.hint.startswith("Name the database: none is set,")
