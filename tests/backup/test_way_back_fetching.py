"""What a run prints for a tool that only fetches files undoes what its migration did.

barman-cloud is the real one. WAL-G is not to be had: a program of two commands stands in for
it, which takes what WAL-G's manual says of them, so that is what the printed line is held to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from tests.backup.conftest import ARCHIVING, CHECKSUMS
from tests.testbed.barman_cloud import new_barman_cloud
from tests.testbed.binaries import Binaries
from tests.testbed.destroyed_shop import (
    DATABASE,
    Destroyed,
    Shop,
    assert_back,
    destroy,
    is_paused,
    leave_empty,
    prepare,
    restore,
)
from tests.testbed.postgres_server import (
    PostgresServer,
    empty_server,
    running_server,
)
from tests.testbed.restore import Restorer, run_as_printed, start_restored
from tests.testbed.run_context import eventually
from tests.testbed.s3_server import S3Server
from tests.testbed.walg_writer import WalGWriter

_SECONDS = 180.0


class Tool(Restorer, Protocol):
    """A backup tool that fetches a backup, and WAL for a server that recovers."""

    def back_up(self) -> str:
        """Take a full backup and return its name."""


@pytest.fixture
def server(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return a server that does not keep its time in UTC, with an empty shop."""
    settings = {**ARCHIVING, "timezone": "Asia/Shanghai"}
    with running_server(binaries, settings, CHECKSUMS) as running:
        prepare(running)
        yield running


@pytest.fixture
def barman(server: PostgresServer, tls_s3: S3Server) -> Iterator[Tool]:
    """Return barman-cloud, into a bucket."""
    with new_barman_cloud(server, tls_s3, "way-back-barman") as tool:
        yield tool


@pytest.fixture
def walg(server: PostgresServer) -> Iterator[Tool]:
    """Return a prefix of WAL-G in a directory."""
    with tempfile.TemporaryDirectory(
        prefix="presync-walg-", dir="/tmp", ignore_cleanup_errors=True
    ) as name:
        Path(name).chmod(0o755)
        tool = WalGWriter(server, Path(name))
        tool.archive()
        yield tool


@pytest.mark.parametrize("name", ["barman", "walg"])
def test_printed_commands_bring_everything_back(
    request: pytest.FixtureRequest, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """First a look beside production, then in place, although a newer backup is there."""
    tool: Tool = request.getfixturevalue(name)
    shop = Shop(tool, tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("home"))
    destroyed = destroy(shop, tool.back_up, tool.back_up)
    _look_beside(destroyed, tool)
    tool.server.stop()
    leave_empty(tool.server.data)
    restore(tool, destroyed.command("${PGDATA:"), PGDATA=str(tool.server.data))
    assert_back(shop, destroyed.before)


def _look_beside(destroyed: Destroyed, tool: Tool) -> None:
    with empty_server(tool.server) as beside:
        run_as_printed(tool, destroyed.command("${RESTORE_TO:"), RESTORE_TO=str(beside.data))
        start_restored(tool, beside)
        eventually(lambda: is_paused(beside), _SECONDS)
        assert destroyed.shop.content(beside) == destroyed.before
        with beside.connect(DATABASE) as admin:
            assert admin.execute("SHOW archive_mode").fetchone() == ("off",)
            with pytest.raises(ReadOnlySqlTransaction):
                admin.execute("DELETE FROM customer")
        beside.stop("immediate")
