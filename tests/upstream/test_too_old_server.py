"""A server older than what is promised is refused by name, before anything is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hook.demo.programs import reachable, server_account
from hook.demo.server import FAST, SUPERUSER, new_cluster
from hook.errors import ExitCode
from tests.testbed.postgres_server import free_port
from tests.testbed.process import Completed
from tests.upstream.npm_servers import TOO_OLD, server_programs


@pytest.fixture(scope="module")
def old_server() -> Iterator[str]:
    """Return the URL of a server that has just fallen out of support."""
    account = server_account()
    with (
        reachable(server_programs(TOO_OLD), account) as programs,
        new_cluster(programs, account, "presync-pg-") as cluster,
    ):
        cluster.initialise({**FAST, "listen_addresses": "127.0.0.1"})
        port = free_port()
        cluster.start(port)
        yield f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"


@pytest.mark.parametrize(
    "command", ["run", "check", "plan", "info", "validate", "verify", "repair --yes", "baseline"]
)
def test_too_old_server_is_refused_by_name(
    command: str, old_server: str, tmp_path: Path, run_presync: Callable[..., Completed]
) -> None:
    """The exit code is that of what is not supported, and the verdict has both versions."""
    (tmp_path / "V1__a.sql").write_text("CREATE TABLE a (id int)")
    env = {
        "PRESYNC_URL": old_server,
        "PRESYNC_LOCATIONS": str(tmp_path),
        "PRESYNC_BACKUP_SOURCE": "none",
    }
    done = run_presync(command.split(), env)
    assert done.exit_code == ExitCode.UNSUPPORTED, done.stderr
    assert "UNSUPPORTED: PostgreSQL 12.22 is older than 13" in done.stdout
