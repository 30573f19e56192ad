"""A proxy in front of PostgreSQL that counts round trips and loses connections on demand.

It follows the protocol's framing (manual, chapter "Frontend/Backend Protocol"), for
connections without TLS.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from hook.settings.target import ConnectionTarget
from tests.testbed.database import Database
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import target_of

_CANCEL_CODE = 80877102
_FOR_GOOD = 0


class Fault(Enum):
    """How a connection is lost."""

    REQUEST = "the request does not arrive"
    REPLY = "the request is carried out, its reply does not arrive"
    SILENCE = "the request arrives, nothing comes back, and no cancel gets through"


@dataclass(slots=True)
class Conversation:
    """One connection.

    Attributes:
        queries: Of the simple protocol; each is a round trip.
        parsed: Statements of the extended protocol.
        scripts: The queries, and between them what ran of the extended protocol, several
            statements in one round trip.
        answers: How often the server was ready again, once after the login included.
        wants_data: How often it asked for the data of a COPY.
    """

    queries: list[bytes] = field(default_factory=list)
    parsed: list[bytes] = field(default_factory=list)
    scripts: list[bytes] = field(default_factory=list)
    answers: int = 0
    wants_data: int = 0
    _stream: list[bytes] = field(default_factory=list)

    def note(self, kind: bytes, body: bytes) -> None:
        """Note the request *body*."""
        if kind == b"P":
            self.parsed.append(body)
        elif kind == b"Q":
            self.queries.append(body)
            self.scripts.append(body)
        elif kind == b"E":
            _, text, _ = self.parsed[-1].split(b"\0", 2)
            self._stream.append(text + b"\n")
        elif kind == b"S":
            self.scripts += self._stream if len(self._stream) > 1 else []
            self._stream.clear()


@dataclass(slots=True)
class Proxy:
    """A running proxy. Faults strike at queries of the simple protocol, but for `lose_read`.

    Attributes:
        faults: By the text of the request at which one strikes; how, and how often.
        reads: The same at statements of the extended protocol, which have parameters.
        requests: All of both protocols, in the order in which they came, see `text_of`.
        nth: One of them, how many like it come before, and what happens there.
        behind: How many more pass until a connection is lost again, each time.
        lost_at: How many had come whenever one was lost in this way.
        refuses: Whether new connections are hung up on.
    """

    server: PostgresServer
    listener: socket.socket
    conversations: list[Conversation] = field(default_factory=list)
    faults: dict[bytes, tuple[Fault, int]] = field(default_factory=dict)
    reads: dict[bytes, tuple[Fault, int]] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    nth: tuple[bytes, int, Fault] | None = None
    behind: list[int] = field(default_factory=list)
    lost_at: list[int] = field(default_factory=list)
    refuses: bool = False
    is_silent: bool = False
    _noting: threading.Lock = field(default_factory=threading.Lock)
    _open: list[socket.socket] = field(default_factory=list)
    _links: list[_Link] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Return the port to connect to."""
        number: int = self.listener.getsockname()[1]
        return number

    def target(self, database: Database) -> ConnectionTarget:
        """Return *database* as it is reached through here, by its superuser."""
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        return target_of(database, None, host="127.0.0.1", port=str(self.port), **plain)

    def refuse_from(self, text: str, fault: Fault) -> None:
        """Lose the connection at a request with *text*, and let nobody in any more."""
        self.faults[text.encode()] = (fault, _FOR_GOOD)

    def lose(self, text: str, fault: Fault, times: int = 1) -> None:
        """Lose the connection in which a request with *text* is seen."""
        self.faults[text.encode()] = (fault, times)

    def lose_read(self, text: str, fault: Fault, times: int = 1) -> None:
        """Lose the connection in which a statement with *text* is parsed."""
        self.reads[text.encode()] = (fault, times)

    def accept_all(self) -> None:
        """Serve connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.refuses:
                    _hang_up(client)
                    continue
                backend = socket.create_connection((self.server.host, self.server.port))
                for end in (client, backend):
                    # What passes here message by message would wait for the one before.
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [client, backend]
                link = _Link(self, client, backend)
                self._links.append(link)
                for work in (link.carry_requests, link.carry_replies):
                    threading.Thread(target=work, daemon=True).start()

    def take_fault(self, request: bytes) -> Fault | None:
        """Return what is to happen at *request*."""
        return self._take(self.faults, request)

    def take_fault_of_read(self, statement: bytes) -> Fault | None:
        """Return what is to happen at *statement*, of the extended protocol."""
        return self._take(self.reads, statement)

    def take_nth(self, request: bytes) -> Fault | None:
        """Note *request*, and return what is to happen at it."""
        text = text_of(request)
        with self._noting:
            before = self.requests.count(text)
            self.requests.append(text)
            if self.nth is None or not self._is_struck((text, before)):
                return None
            self.lost_at.append(len(self.requests))
            return self.nth[2]

    def _is_struck(self, place: tuple[bytes, int]) -> bool:
        """Tell whether the connection is lost at the last request, which is at *place*."""
        if not self.lost_at:
            return self.nth is not None and self.nth[:2] == place
        passed = len(self.requests) - self.lost_at[-1] - 1
        return self.behind[len(self.lost_at) - 1 :][:1] == [passed]

    def _take(self, faults: dict[bytes, tuple[Fault, int]], request: bytes) -> Fault | None:
        text = next((text for text in faults if text in request), None)
        if text is None:
            return None
        fault, times = faults.pop(text)
        self.refuses = self.refuses or times is _FOR_GOOD
        if times > 1:
            faults[text] = (fault, times - 1)
        return fault

    def cut(self, text: str) -> None:
        """Lose the connections with a request with *text* now; the server goes on with it."""
        for link in self._links:
            asked = link.conversation.queries + link.conversation.parsed
            if any(text.encode() in query for query in asked):
                _hang_up(link.client)

    def lead_to(self, server: PostgresServer) -> None:
        """Let everybody in again, to *server*."""
        self.server, self.refuses = server, False

    def close(self) -> None:
        """Close everything."""
        for item in (self.listener, *self._open):
            _hang_up(item)


@dataclass(slots=True)
class _Link:
    """One connection through the proxy."""

    proxy: Proxy
    client: socket.socket
    backend: socket.socket
    conversation: Conversation = field(default_factory=Conversation)
    fault: Fault | None = None

    def carry_requests(self) -> None:
        with contextlib.suppress(OSError):
            startup = _read(self.client, 4)
            startup += _read(self.client, struct.unpack("!I", startup)[0] - 4)
            is_cancel = struct.unpack("!I", startup[4:8])[0] == _CANCEL_CODE
            if not (is_cancel and self.proxy.is_silent):
                self.backend.sendall(startup)
            if is_cancel:
                return
            self.proxy.conversations.append(self.conversation)
            while self._carry_request():
                pass
        _hang_up(self.backend)

    def _carry_request(self) -> bool:
        kind, body = _read_message(self.client)
        self.conversation.note(kind, body)
        if kind == b"P":
            self.fault = self.proxy.take_fault_of_read(body)
        elif kind == b"Q":
            self.fault = self.proxy.take_fault(body)
        if kind in {b"P", b"Q"}:
            self.fault = self.proxy.take_nth(body) or self.fault
        self.proxy.is_silent = self.proxy.is_silent or self.fault is Fault.SILENCE
        if self.fault is Fault.REQUEST:
            _hang_up(self.client)
            return False
        self.backend.sendall(kind + struct.pack("!I", len(body) + 4) + body)
        return kind != b"X"

    def carry_replies(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                kind, body = _read_message(self.backend)
                self.conversation.answers += kind == b"Z"
                self.conversation.wants_data += kind == b"G"
                if self.fault is None:
                    self.client.sendall(kind + struct.pack("!I", len(body) + 4) + body)
                elif self.fault is Fault.REPLY and kind == b"Z":
                    break
        if self.fault is not Fault.SILENCE:
            _hang_up(self.client)


def text_of(request: bytes) -> bytes:
    """Return the text of *request* as it is in each run."""
    return re.sub(rb"\d+", b"0", request.strip(b"\0").split(b"\0", 1)[0])


def _read_message(source: socket.socket) -> tuple[bytes, bytes]:
    head = _read(source, 5)
    return head[:1], _read(source, struct.unpack("!I", head[1:])[0] - 4)


def _read(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = source.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def running_proxy(server: PostgresServer) -> Iterator[Proxy]:
    """Run a proxy in front of *server*."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(server, listener)
        threading.Thread(target=proxy.accept_all, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.close()
