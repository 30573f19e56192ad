"""The wait stage, and the places where it finds no database."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from hook.core.execution.expectations import Expectations
from hook.postgres.connecting import connect
from hook.settings.target import ConnectionTarget
from hook.stages.wait import WaitStage
from tests.testbed.postgres_server import PostgresServer

CANARY = "c4nary'\\ secret"


def wait_stage(
    target: ConnectionTarget,
    seconds: float = 30,
    expectations: Expectations | None = None,
    connect_seconds: float = 5,
) -> WaitStage:
    """Return the stage that waits *seconds* for *target*."""
    return WaitStage(
        target,
        connect,
        timedelta(seconds=seconds),
        expectations or Expectations(),
        timedelta(seconds=connect_seconds),
    )


def superuser_of(server: PostgresServer, **more: str) -> ConnectionTarget:
    """Return the maintenance database of *server*; *more* are libpq parameters."""
    parameters = {"host": server.host, "port": str(server.port), "user": server.superuser}
    return ConnectionTarget({**parameters, "dbname": "postgres", **more})


def nowhere(port: int, **more: str) -> ConnectionTarget:
    """Return a target on this machine whose password nobody may see."""
    parameters = {"host": "127.0.0.1", "port": str(port), "user": "app", "dbname": "shop"}
    return ConnectionTarget({**parameters, **more}, CANARY)


@contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """Listen; answer every connection with *answer* and hang up, or never if none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if answer is not None:
            threading.Thread(target=_serve, args=(server, answer), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            peer.recv(100)
            peer.sendall(answer)
