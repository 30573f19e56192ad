"""Two repositories of the real pgBackRest, one of which can no longer be restored from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask
from tests.testbed.binaries import Binaries
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.pgbackrest import PgBackRest, new_pgbackrest
from tests.testbed.postgres_server import running_server
from tests.testbed.restore import LineFailed, run_as_printed, start_restored


@pytest.fixture
def tool(binaries: Binaries) -> Iterator[PgBackRest]:
    """Return a server with a full backup in each of two repositories."""
    with (
        running_server(binaries, ARCHIVING, CHECKSUMS) as server,
        new_pgbackrest(server, [None, None]) as made,
    ):
        made.create_stanza()
        for repo in ("--repo=1", "--repo=2"):
            made.run("backup", "--type=full", repo)
        yield made


def test_printed_command_restores_from_the_repository_that_was_looked_into(
    tool: PgBackRest, ask: Ask
) -> None:
    """By itself pgBackRest would take the first one, whose data is gone."""
    done = ask(tool, "run", repo=2, PRESYNC_BACKUP_REPO="2")
    assert done.exit_code == ExitCode.OK, done.stderr
    commands = [str(way["command"]) for way in done.report["marker"]["restore"]]
    assert all(" --repo=2 " in command for command in commands)
    _take_data_away(tool.places[0].root)
    refused = ask(tool, PRESYNC_BACKUP_REPO="1")
    assert_answer(refused, ExitCode.NO_WAY_BACK, "backup", "of its objects cannot be read")
    (finding,) = findings(refused, "backup")
    assert "(pgbackrest --stanza=app --repo=1 --type=full backup)" in finding["hint"]
    tool.server.stop()
    with pytest.raises(LineFailed):
        run_as_printed(tool, re.sub(r" --(repo|set)=\S+", "", commands[0]))
    run_as_printed(tool, commands[0])
    start_restored(tool, tool.server)
    with tool.server.connect() as admin:
        assert admin.execute("SELECT to_regclass('shop_item')").fetchone() == (None,)


def _take_data_away(repository: Path) -> None:
    for folder in repository.glob("backup/*/*/pg_data"):
        shutil.rmtree(folder)
