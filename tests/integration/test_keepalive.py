"""A peer that vanished is noticed, at both ends: keepalives and the user timeout of TCP."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta

import pytest

from hook.clock import Bounds, Interrupt
from hook.errors import ExitCode
from hook.postgres.connecting import connect
from hook.postgres.lock import MigrationLock
from tests.testbed.database import Database
from tests.testbed.gate import Gate
from tests.testbed.run_context import RUN_ID, target_of

_SHOWN = {
    name: f"(SELECT setting FROM pg_settings WHERE name = '{name}')"
    for name in (
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_keepalives_count",
        "tcp_user_timeout",
    )
}
PURPOSES = ("", "lock")


def options_of(database: Database, interrupt: Interrupt, more: Mapping[str, str]) -> set[object]:
    """Return the socket options of a new connection, as the kernel has them."""
    found: set[object] = set()
    for purpose in PURPOSES:
        target = target_of(database, None, **more)
        bounds, timeout = Bounds(interrupt), timedelta(seconds=10)
        with connect(target, purpose, RUN_ID, bounds, timeout) as session:
            descriptor = os.dup(session._link.pgconn.socket)
            with socket.socket(fileno=descriptor) as end:
                found.add(
                    (
                        end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                        end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                        end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                    )
                )
    return found


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, (1, 30, 60_000)), ({"keepalives_idle": "7", "tcp_user_timeout": "9000"}, (1, 7, 9000))],
)
def test_every_connection_notices_a_peer_that_vanished(
    more: Mapping[str, str], expected: object, database: Database, interrupt: Interrupt
) -> None:
    """By default within a minute; what the settings say is stronger."""
    assert options_of(database, interrupt, more) == {expected}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ("30", "10", "3", "60000")),
        ({"keepalives_idle": "7", "tcp_user_timeout": "9000"}, ("7", "10", "3", "9000")),
    ],
)
def test_server_notices_that_the_node_with_the_lock_vanished(
    more: Mapping[str, str], expected: object, database: Database, interrupt: Interrupt
) -> None:
    """It keeps the lock no longer than the client would wait for the server."""
    query = f"SELECT {', '.join(_SHOWN.values())}"
    target = target_of(database, None, **more)
    bounds, timeout = Bounds(interrupt), timedelta(seconds=10)
    with connect(target, "lock", RUN_ID, bounds, timeout) as session:
        assert MigrationLock(session, 1).try_acquire()
        assert session.fetch(query) == [expected]


def test_server_notices_that_the_node_of_a_script_vanished(gate: Gate) -> None:
    """It may wait for more of the script, or the data of a COPY, with all locks that it has."""
    columns = ", ".join(f"{shown} AS {name}" for name, shown in _SHOWN.items())
    report = gate.run({"V1__seen.sql": f"CREATE TABLE seen AS SELECT {columns}"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT * FROM seen") == [("30", "10", "3", "60000")]
