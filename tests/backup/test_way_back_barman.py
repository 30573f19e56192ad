"""What a run prints for a host of Barman undoes what its migration did: with the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from tests.backup.conftest import ARCHIVING, CHECKSUMS
from tests.testbed.barman_host import BarmanHost, new_barman_host
from tests.testbed.binaries import Binaries
from tests.testbed.destroyed_shop import (
    DATABASE,
    Destroyed,
    Shop,
    assert_back,
    await_writes,
    destroy,
    is_paused,
    leave_empty,
    prepare,
)
from tests.testbed.postgres_server import empty_server, running_server
from tests.testbed.restore import LineFailed
from tests.testbed.run_context import eventually

_SECONDS = 180.0


@pytest.fixture(scope="module")
def host(binaries: Binaries) -> Iterator[BarmanHost]:
    """Return Barman beside a server that does not keep its time in UTC, with an empty shop."""
    settings = {**ARCHIVING, "timezone": "Asia/Shanghai"}
    with running_server(binaries, settings, CHECKSUMS) as server:
        prepare(server)
        with new_barman_host(server) as made:
            yield made


@pytest.fixture(scope="module")
def destroyed(host: BarmanHost, tmp_path_factory: pytest.TempPathFactory) -> Destroyed:
    """Return a shop after the migration, with a newer backup of what is left."""
    shop = Shop(host, tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("home"))
    return destroy(shop, host.back_up, host.back_up)


def test_look_beside_shows_the_data_and_leaves_production_alone(
    destroyed: Destroyed, host: BarmanHost
) -> None:
    """A server of its own stops at the marker; it could not archive if it went on."""
    with empty_server(host.server) as beside:
        command = destroyed.command("${RESTORE_TO:")
        host.restore(command, beside.data, RESTORE_TO=str(beside.data))
        beside.start()
        eventually(lambda: is_paused(beside), _SECONDS)
        assert destroyed.shop.content(beside) == destroyed.before
        with beside.connect(DATABASE) as admin:
            assert admin.execute("SHOW archive_command").fetchone() == ("false",)
            with pytest.raises(ReadOnlySqlTransaction):
                admin.execute("DELETE FROM customer")


@pytest.mark.parametrize("target", ["--target-lsn", "--target-name", "--target-time"])
def test_printed_command_brings_everything_back(
    destroyed: Destroyed, host: BarmanHost, target: str
) -> None:
    """By position, by name and by time, although a newer backup is there.

    Only Barman's own hand on archive_command stays, of which the way by position is told.
    """
    server = host.server
    server.stop()
    leave_empty(server.data)
    command = destroyed.command("${PGDATA:", target)
    host.restore(command, server.data, PGDATA=str(server.data))
    server.start()
    await_writes(server)
    assert_back(destroyed.shop, destroyed.before)
    with server.connect() as admin:
        assert admin.execute("SHOW archive_command").fetchone() == ("false",)


def test_barman_restores_into_an_empty_folder_only(destroyed: Destroyed, host: BarmanHost) -> None:
    """So that is what the first way back says."""
    first = destroyed.marker["restore"][0]
    assert "the data directory empty; archive_command is to be set again" in first["purpose"]
    with pytest.raises(LineFailed, match="the destination must be empty"):
        host.run(first["command"], PGDATA=str(host.server.data))
