"""An HTTP server that gives one prepared answer, for what no real S3 server would say."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to a request.

    *length* overrides the true one; a negative one is not told, and the end of the
    connection is the end of the body. *more* follows the body piece by piece, for as long
    as somebody reads.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    more: Iterable[bytes] = ()


@dataclass(frozen=True, slots=True)
class CannedServer:
    """A running server.

    Attributes:
        paths: Of the requests it has seen.
        sent: Bytes of bodies that somebody was there to read.
    """

    endpoint: str
    paths: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    """Has a thread for each request, and tells *known* what it sees."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.known = CannedServer(f"http://127.0.0.1:{self.server_port}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self._tell(f"{self.path}#{asked}" if asked else self.path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._tell(f"{self.path}?{body.decode()}")

    def _tell(self, path: str) -> None:
        known = self.server.known
        known.paths.append(self.path)
        told = self.server.answer(path)
        self.send_response_only(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        length = len(told.body) if told.length is None else told.length
        if length >= 0:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        # Who has read enough hangs up.
        with contextlib.suppress(ConnectionError):
            for piece in itertools.chain((told.body,), told.more):
                self.wfile.write(piece)
                known.sent.append(len(piece))
        self.close_connection = True

    # As a proxy is asked for a way to somebody else.
    do_CONNECT = do_GET  # noqa: N815 - named by http.server

    def log_message(self, *_: object) -> None:
        """Stay silent: the answers are the test's own."""


@contextlib.contextmanager
def answering(answer: Callable[[str], Answer]) -> Iterator[CannedServer]:
    """Serve what *answer* says to each path with query; behind ``#`` stands a range.

    What is sent to a path counts as its query.
    """
    with _Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.known
        finally:
            server.shutdown()
            thread.join()
