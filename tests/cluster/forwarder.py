"""A door from the network of the pods to a server that listens on loopback only."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    @property
    def pair(self) -> tuple[str, int]:
        """Return what the socket module wants."""
        return self.host, self.port


@contextlib.contextmanager
def forwarded(door: Address, server: Address) -> Iterator[None]:
    """Let who connects to *door* talk to *server*; at the end nobody is let in any more."""
    with socket.create_server(door.pair) as listener:
        threading.Thread(target=_accept_all, args=(listener, server), daemon=True).start()
        try:
            yield
        finally:
            # Closing alone would leave the thread in accept(), and the port open.
            listener.shutdown(socket.SHUT_RDWR)


def _accept_all(listener: socket.socket, server: Address) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            try:
                backend = socket.create_connection(server.pair)
            except OSError:
                client.close()
                continue
            for source, target in ((client, backend), (backend, client)):
                threading.Thread(target=_carry, args=(source, target), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
    source.close()
