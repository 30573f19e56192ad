"""PostgreSQL behind TLS: the server's own, or one that ends in front of a build without it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from select import select

import trustme

from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually

# Whoever comes with a certificate of the authority is let in, nobody else.
_HBA = """\
local   all all              trust
hostssl all all 127.0.0.1/32 trust clientcert=verify-ca
hostnossl all postgres 127.0.0.1/32 trust
"""
_SSL_REQUEST_BYTES = 8
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where TLS is spoken, with a certificate for ``localhost`` and nothing else.

    Attributes:
        folder: Holds ``root.crt``, and ``client.crt`` with its ``client.key``.
    """

    port: int
    folder: Path

    def env(self, **more: str) -> dict[str, str]:
        """Return libpq's variables of a client that trusts and is trusted, and *more*."""
        return {
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.folder / "root.crt"),
            "PGSSLCERT": str(self.folder / "client.crt"),
            "PGSSLKEY": str(self.folder / "client.key"),
            **more,
        }


def has_tls(server: PostgresServer) -> bool:
    """Tell whether the server was built with TLS."""
    with server.connect() as admin:
        row = admin.execute("SHOW ssl_library").fetchone()
    assert row is not None
    return bool(row[0])


@contextlib.contextmanager
def tls_endpoint(server: PostgresServer, folder: Path) -> Iterator[Endpoint]:
    """Lend TLS in front of *server*, which is reconfigured if it speaks it itself."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "root.crt"))
    client = authority.issue_cert(common_name="client")
    client.cert_chain_pems[0].write_to_path(str(folder / "client.crt"))
    client.private_key_pem.write_to_path(str(folder / "client.key"))
    (folder / "client.key").chmod(0o600)
    certificate = authority.issue_cert("localhost")
    if has_tls(server):
        _switch_on(server, authority, certificate)
        yield Endpoint(server.port, folder)
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with _terminator(server, context) as port:
        yield Endpoint(port, folder)


def _switch_on(
    server: PostgresServer, authority: trustme.CA, certificate: trustme.LeafCert
) -> None:
    certificate.private_key_pem.write_to_path(str(server.data / "server.key"))
    certificate.cert_chain_pems[0].write_to_path(str(server.data / "server.crt"))
    authority.cert_pem.write_to_path(str(server.data / "root.crt"))
    (server.data / "server.key").chmod(0o600)
    (server.data / "pg_hba.conf").write_text(_HBA)
    for name in ("server.key", "server.crt", "root.crt"):
        server.cluster.own(server.data / name)
    server.configure({"ssl": "on", "ssl_ca_file": "root.crt"})
    with server.connect() as admin:
        admin.execute("SELECT pg_reload_conf()")
        eventually(lambda: admin.execute("SHOW ssl").fetchone() == ("on",))


@contextlib.contextmanager
def _terminator(server: PostgresServer, context: ssl.SSLContext) -> Iterator[int]:
    """Speak TLS on a port of its own and pass everything on to *server*."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, server, context), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: PostgresServer, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, server, context), daemon=True).start()


def _serve(client: socket.socket, server: PostgresServer, context: ssl.SSLContext) -> None:
    """Carry one connection, in one thread: a session of TLS is no business of two."""
    with client, contextlib.suppress(OSError):
        client.recv(_SSL_REQUEST_BYTES)
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as outside,
            socket.create_connection((server.host, server.port)) as inside,
        ):
            while _pass_on(outside, inside):
                pass


def _pass_on(outside: ssl.SSLSocket, inside: socket.socket) -> bool:
    """Pass on what came on either side; tell whether both still speak."""
    ready = [outside] if outside.pending() else select([outside, inside], [], [])[0]
    for source in ready:
        data = source.recv(_CHUNK)
        if not data:
            return False
        (inside if source is outside else outside).sendall(data)
    return True
