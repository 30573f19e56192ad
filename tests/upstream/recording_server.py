"""A server that executes nothing and remembers every query: what psql takes for a statement."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_SECONDS = 60.0
_FLAGS = re.IGNORECASE | re.DOTALL
_LEADING = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_READS_STDIN = re.compile(rf"{_LEADING}copy\b[^;]*\bfrom\s+(?:stdin|stdout)\b", _FLAGS)
_STRINGS = re.compile(
    rf"{_LEADING}(?:set|reset)\s+(?:session\s+|local\s+)?standard_conforming_strings\b"
    r"(?:\s*(?:=|\bto\b)\s*(on|off|true|false))?",
    _FLAGS,
)
_OFF = frozenset({"off", "false"})


@dataclass(frozen=True, slots=True)
class RecordingServer:
    """Speaks with one psql at a time; *queries* are the texts of the one before.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """

    port: int
    queries: list[str]

    def queries_of(self, psql: Path, script: str) -> list[str]:
        """Return what *psql* sends for *script* on its standard input, in order.

        Raises:
            AssertionError: psql failed.
        """
        self.queries.clear()
        conninfo = f"host=127.0.0.1 port={self.port} dbname=x user=x sslmode=disable"
        done = subprocess.run(
            [psql, "-X", "-q", "-f", "-", f"{conninfo} gssencmode=disable"],
            input=script.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"LC_ALL": "C", "PGCLIENTENCODING": "UTF8"},
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        return list(self.queries)


@contextlib.contextmanager
def running_recording_server() -> Iterator[RecordingServer]:
    """Start the server and stop it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RecordingServer(listener.getsockname()[1], [])
        thread = threading.Thread(target=_serve, args=(listener, server.queries), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(_SECONDS)


def _serve(listener: socket.socket, queries: list[str]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as received, connection.makefile("wb") as sent:
            _answer(received, sent, queries)


def _answer(received: IO[bytes], sent: IO[bytes], queries: list[str]) -> None:
    (length,) = struct.unpack("!i", received.read(4))
    received.read(length - 4)
    sent.write(_message(b"R", struct.pack("!i", 0)))
    for name, value in (("client_encoding", "UTF8"), ("standard_conforming_strings", "on")):
        sent.write(_parameter(name, value))
    _ready(sent)
    while (kind := received.read(1)) not in {b"X", b""}:
        payload = _payload(received)
        if kind == b"Q":
            query = payload.rstrip(b"\0").decode()
            queries.append(query)
            _execute(query, received, sent)


def _execute(query: str, received: IO[bytes], sent: IO[bytes]) -> None:
    """Do with *query* what matters to how psql reads on."""
    if found := _STRINGS.match(query):
        value = (found[1] or "on").lower()
        sent.write(_parameter("standard_conforming_strings", "off" if value in _OFF else "on"))
    if _READS_STDIN.match(query):
        sent.write(_message(b"G", struct.pack("!bh", 0, 0)))
        sent.flush()
        while received.read(1) not in {b"c", b"f", b""}:
            _payload(received)
        _payload(received)
    sent.write(_message(b"C", b"DONE\0"))
    _ready(sent)


def _ready(sent: IO[bytes]) -> None:
    sent.write(_message(b"Z", b"I"))
    sent.flush()


def _parameter(name: str, value: str) -> bytes:
    return _message(b"S", f"{name}\0{value}\0".encode())


def _message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!i", len(payload) + 4) + payload


def _payload(received: IO[bytes]) -> bytes:
    (length,) = struct.unpack("!i", received.read(4))
    return received.read(length - 4)
