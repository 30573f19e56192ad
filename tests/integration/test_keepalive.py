"""A connection whose peer vanished is noticed: keepalives and the user timeout of TCP."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta

import pytest

from hook.clock import Bounds, Interrupt
from hook.postgres.connecting import connect
from tests.testbed.database import Database
from tests.testbed.run_context import RUN_ID, target_of

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
