"""An HTTP server that gives one prepared answer, for what no real S3 server would say."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to a request.

    *length* overrides the true one; a negative one is not told, and the end of the
    connection is the end of the body.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


@dataclass(frozen=True, slots=True)
class CannedServer:
    """A running server; *paths* are the request lines it has seen."""

    endpoint: str
    paths: list[str]


@contextlib.contextmanager
def answering(answer: Callable[[str], Answer]) -> Iterator[CannedServer]:
    """Serve what *answer* says to each path with query."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            told = answer(self.path)
            self.send_response_only(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            length = len(told.body) if told.length is None else told.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(told.body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Stay silent: the answers are the test's own."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield CannedServer(f"http://127.0.0.1:{server.server_port}", paths)
        finally:
            server.shutdown()
            thread.join()
