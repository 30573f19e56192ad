"""Who logs in where, when not every name is in the source of the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.stages import Context
from tests.testbed.connections import resolve
from tests.testbed.database import Database
from tests.testbed.run_context import target_of
from tests.testbed.wait_stage import wait_stage


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
