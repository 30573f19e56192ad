"""A relay in front of PostgreSQL that counts how often the client waits for an answer."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.testbed.postgres_server import PostgresServer

# Longer than a busy machine lets a client wait between two pieces of what it says.
_QUIET_SECONDS = 0.1
_CHUNK = 1 << 16
# The last word of a client, to which there is no answer.
_TERMINATE = b"X\0\0\0\4"


@dataclass(slots=True)
class RoundTrips:
    """What passes the relay at *port*; *count* turns from asking to answering."""

    port: int
    count: int = 0


@contextmanager
def counted_round_trips(server: PostgresServer) -> Iterator[RoundTrips]:
    """Relay one connection to *server*.

    An answer is held back until the client has had nothing to say for a moment: what it
    sends without waiting is one turn, however many messages it is.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        trips = RoundTrips(listener.getsockname()[1])
        thread = threading.Thread(target=_relay, args=(listener, server, trips), daemon=True)
        thread.start()
        yield trips
        listener.close()
        thread.join(10)


def _relay(listener: socket.socket, server: PostgresServer, trips: RoundTrips) -> None:
    client, _ = listener.accept()
    with client, socket.create_connection(("127.0.0.1", server.port)) as backend:
        while _ask(client, backend) and _answer(client, backend):
            trips.count += 1


def _ask(client: socket.socket, backend: socket.socket) -> bool:
    """Pass on what *client* says, until it falls silent; tell whether it wants an answer."""
    while said := _pass_on(client, backend):
        if said == _TERMINATE:
            return False
        if not select.select([client], [], [], _QUIET_SECONDS)[0]:
            return True
    return False


def _answer(client: socket.socket, backend: socket.socket) -> bool:
    """Pass on what *backend* says, until *client* speaks; tell whether both are there."""
    while client not in (ready := select.select([client, backend], [], [])[0]):
        if backend in ready and not _pass_on(backend, client):
            return False
    return True


def _pass_on(source: socket.socket, sink: socket.socket) -> bytes:
    data = source.recv(_CHUNK)
    sink.sendall(data)
    return data
