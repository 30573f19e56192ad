"""The wait for a primary that is one of several hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import DatabaseUnreachable
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.wait_stage import superuser_of, wait_stage


def test_wait_takes_the_primary_of_several_hosts(
    server: PostgresServer, standby: PostgresServer, ctx: Context
) -> None:
    """By itself libpq would stay with the first that answers."""
    several = {
        "host": f"{standby.host},{server.host}",
        "port": f"{standby.port},{server.port}",
    }
    reached = wait_stage(superuser_of(standby, **several)).run(ctx).value
    with reached.session:
        assert reached.session.peer.port == server.port
    told = {**several, "target_session_attrs": "any"}
    with pytest.raises(DatabaseUnreachable, match="it is a standby"):
        wait_stage(superuser_of(standby, **told), seconds=0.3).run(ctx)


@pytest.mark.parametrize("hosts_beside_it", [False, True])
def test_wait_takes_the_primary_of_the_hosts_of_a_service(
    hosts_beside_it: bool,  # noqa: FBT001 - a parameter of the test
    server: PostgresServer,
    standby: PostgresServer,
    ctx: Context,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are in its file, or libpq finds them in the environment: it stays with the first."""
    hosts, ports = f"{standby.host},{server.host}", f"{standby.port},{server.port}"
    login = superuser_of(standby).parameters
    lines = [f"dbname={login['dbname']}", f"user={login['user']}"]
    if hosts_beside_it:
        monkeypatch.setenv("PGHOST", hosts)
        monkeypatch.setenv("PGPORT", ports)
    else:
        lines += [f"host={hosts}", f"port={ports}"]
    services = tmp_path / "services.conf"
    services.write_text("\n".join(["[two]", *lines, ""]))
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    target = ConnectionTarget({"service": "two"})
    reached = wait_stage(target).run(ctx).value
    with reached.session:
        assert reached.session.peer.port == server.port
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "any")
    with pytest.raises(DatabaseUnreachable, match="it is a standby"):
        wait_stage(target, seconds=0.3).run(ctx)


def test_wait_tells_that_several_hosts_are_all_standbys(
    standby: PostgresServer, ctx: Context
) -> None:
    """One of them may be promoted within the wait."""
    several = {"host": f"{standby.host},{standby.host}", "port": f"{standby.port},{standby.port}"}
    with pytest.raises(DatabaseUnreachable, match=r"read-only \(waited [\d.]+s\)") as caught:
        wait_stage(superuser_of(standby, **several), seconds=0.3).run(ctx)
    assert caught.value.hint == "Point the settings at the primary."
