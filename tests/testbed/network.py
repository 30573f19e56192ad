"""The network between a client and PostgreSQL, which fails when it is told to.

It carries connections without TLS, each known by the process id of its backend. What a
`tests.testbed.proxy` does at the text of a request happens here at a moment of the test's.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_BACKEND_KEY = b"K"
_COMMAND_COMPLETE = b"C"
_READ_SIZE = 65_536

# socket(7): a filter sees a segment before TCP does, so that one which it drops is not even
# acknowledged. This one drops all: BPF_RET | BPF_K, 0 bytes to keep.
_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 6, 0, 0, 0)
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class _Stall:
    """Keeps each request with *text* on its way until it is over."""

    text: bytes
    has_caught: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    def detain(self, request: bytes) -> None:
        if self.text in request:
            self.has_caught.set()
            self.is_over.wait()


def _loses_none(_tag: bytes) -> bool:
    return False


@dataclass(slots=True)
class _Line:
    """One connection: towards the client, towards the server.

    Attributes:
        is_cut: It ends with an RST and not in order, which a server that is not heard would
            wait to do until it is.
        loses: Told the tag of each statement that is done; whether its reply is to be lost.
        has_lost: Such a reply came, and is.
    """

    client: socket.socket
    backend: socket.socket
    detain: Callable[[bytes], None]
    pid: int = 0
    loses: Callable[[bytes], bool] = _loses_none
    is_cut: bool = False
    has_lost: bool = False

    def carry_requests(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.client.recv(_READ_SIZE):
                self.detain(data)
                self.backend.sendall(data)
        if not self.is_cut:
            _end(self.backend)

    def carry_replies(self) -> None:
        with contextlib.suppress(OSError), self.backend.makefile("rb") as replies:
            while len(head := replies.read(5)) == 5:
                kind, size = head[:1], struct.unpack("!I", head[1:])[0] - 4
                body = replies.read(size)
                if kind == _BACKEND_KEY:
                    self.pid = struct.unpack("!I", body[:4])[0]
                if kind == _COMMAND_COMPLETE and self.loses(body.rstrip(b"\0")):
                    self.has_lost = True
                    self.reset()
                    return
                self.client.sendall(head + body)
        if not self.is_cut:
            _end(self.client)

    def reset(self) -> None:
        """Tell both ends with an RST that there is no connection."""
        self.is_cut = True
        ends = (self.client, self.backend)
        for end in ends:
            with contextlib.suppress(OSError):  # it is closed already
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        for end in ends:
            # The thread that reads has to let go of the socket, or it is not closed.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)
            end.close()

    def swallow(self) -> None:
        """Let nothing through any more, and tell nobody."""
        self.is_cut = True
        for end in (self.client, self.backend):
            program = ctypes.create_string_buffer(_DROP_ALL)
            pointer = struct.pack("HP", 1, ctypes.addressof(program))
            with contextlib.suppress(OSError):  # it is closed already
                end.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


@dataclass(slots=True)
class Network:
    """A running network.

    Attributes:
        upstream: Host and port that new connections lead to.
    """

    listener: socket.socket
    upstream: tuple[str, int]
    _lines: list[_Line] = field(default_factory=list)
    _stall: _Stall | None = None

    @property
    def port(self) -> int:
        """Return the port to connect to, on 127.0.0.1."""
        number: int = self.listener.getsockname()[1]
        return number

    def reset(self, pid: int) -> None:
        """Reset the connection of the backend *pid*."""
        self._line(pid).reset()

    def lose_reply(self, pid: int, tag: str | None) -> Callable[[], bool]:
        """Reset the connection of the backend *pid* instead of telling that *tag* is done.

        None stands for whatever it is at. Returns what tells whether that has happened.
        """
        line = self._line(pid)
        line.loses = lambda done: tag is None or done == tag.encode()
        return lambda: line.has_lost

    @contextlib.contextmanager
    def stalling(self, text: bytes) -> Iterator[Callable[[], bool]]:
        """Let no request with *text* arrive meanwhile; yields what tells whether there was one."""
        stall = self._stall = _Stall(text)
        try:
            yield stall.has_caught.is_set
        finally:
            self._stall = None
            stall.is_over.set()

    def _detain(self, request: bytes) -> None:
        if self._stall is not None:
            self._stall.detain(request)

    def swallow(self) -> None:
        """Let nothing through any more on the connections there are; new ones work."""
        for line in self._lines:
            line.swallow()

    def end_all(self) -> None:
        """Reset every connection there is."""
        for line in self._lines:
            line.reset()
        self._lines.clear()

    def serve(self) -> None:
        """Carry connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    backend = socket.create_connection(self.upstream)
                except OSError:
                    _end(client)
                    continue
                line = _Line(client, backend, self._detain)
                self._lines.append(line)
                for work in (line.carry_requests, line.carry_replies):
                    threading.Thread(target=work, daemon=True).start()

    def _line(self, pid: int) -> _Line:
        return next(line for line in self._lines if line.pid == pid)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def running_network(host: str, port: int) -> Iterator[Network]:
    """Run a network in front of the server at *host* and *port*."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        network = Network(listener, (host, port))
        threading.Thread(target=network.serve, daemon=True).start()
        try:
            yield network
        finally:
            _end(listener)
            network.end_all()
