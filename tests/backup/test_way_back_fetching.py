"""What a run prints for a tool that only fetches files undoes what its migration did.

barman-cloud is the real one. WAL-G is not to be had: a program of two commands stands in for
it, which takes what WAL-G's manual says of them, so that is what the printed line is held to.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from tests.backup.conftest import ARCHIVING, CHECKSUMS
from tests.backup.test_way_back import DESTRUCTIVE, GOOD, IS_STANDBY, Shop, is_paused, prepare
from tests.testbed.barman_cloud import new_barman_cloud
from tests.testbed.binaries import Binaries
from tests.testbed.postgres_server import PostgresServer, empty_server, running_server
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
    label = tool.back_up()
    shop.run("V1__shop.sql", GOOD)
    before = shop.digests()
    marker = shop.run("V2__tidy_up.sql", DESTRUCTIVE).report["marker"]
    tool.back_up()
    assert (marker["archived"], marker["backup"]) == (True, label)
    in_place, beside, *_ = (way["command"] for way in marker["restore"])
    _look_beside(shop, beside, before)
    _restore_in_place(shop, in_place)
    assert shop.digests() == before
    shop.must_be_writable()


def _look_beside(shop: Shop, command: str, before: list[tuple[object, ...]]) -> None:
    with empty_server(shop.server) as beside:
        run_as_printed(shop.tool, command, RESTORE_TO=str(beside.data))
        start_restored(shop.tool, beside)
        eventually(lambda: is_paused(beside), _SECONDS)
        assert shop.digests(beside) == before
        with beside.connect("shop") as admin:
            assert admin.execute("SHOW archive_mode").fetchone() == ("off",)
            with pytest.raises(ReadOnlySqlTransaction):
                admin.execute("DELETE FROM customer")
        beside.stop("immediate")


def _restore_in_place(shop: Shop, command: str) -> None:
    """Stop the server, leave its directory as the command wants it, and run that."""
    server = shop.server
    server.stop()
    for path in server.data.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    run_as_printed(shop.tool, command, PGDATA=str(server.data))
    start_restored(shop.tool, server)
    with server.connect("shop") as admin:
        eventually(lambda: admin.execute(IS_STANDBY).fetchone() == (False,), _SECONDS)
