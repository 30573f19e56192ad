"""A server over TLS that speaks the shapes of the Kubernetes API, and the pod beside it."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme

TOKEN = "canary-token-of-the-service-account"
Objects = dict[str, dict[str, Any]]
BATCH = "/apis/batch/v1/namespaces/ops"
CNPG = "/apis/postgresql.cnpg.io/v1/namespaces/ops"
CRONJOB = f"{BATCH}/cronjobs/shop-backup"
CLUSTER = f"{CNPG}/clusters/db"


@dataclass(slots=True)
class FakeCluster:
    """What the API server has and what it saw.

    Attributes:
        objects: By path.
        folder: Token and CA, as they are mounted into a pod.
        tokens: That requests came with, in order.
        created: What was created, in order.
        answer: Says something else than the API server, if it wants to; path to status, body.
        page_size: Of lists.
    """

    port: int
    folder: Path
    objects: Objects = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[str, str], tuple[int, bytes] | None] = lambda _method, _path: None
    page_size: int = 2

    def write_token(self, token: str) -> None:
        """Replace the token, as the kubelet does."""
        (self.folder / "token").write_text(f"{token}\n")

    def put(self, path: str, **fields: Any) -> None:
        """Have an object at *path*."""
        name = path.rpartition("/")[2]
        metadata = {"name": name, "uid": f"uid-of-{name}", **fields.pop("metadata", {})}
        self.objects[path] = {"metadata": metadata, **fields}

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return an object, or a page of those below *path*."""
        if path in self.objects:
            return 200, self.objects[path]
        if path.rpartition("/")[2] not in {"jobs", "backups"}:
            return 404, _status(404, f'"{path.rpartition("/")[2]}" not found')
        below = [item for key, item in self.objects.items() if key.rpartition("/")[0] == path]
        start = int(query.get("continue", ["0"])[0])
        following = start + self.page_size
        more = str(following) if following < len(below) else ""
        return 200, {"items": below[start:following], "metadata": {"continue": more}}

    def create(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Create *body* below *path*, with a name of its own."""
        self.created.append(body)
        name = f"{body['metadata']['generateName']}{len(self.created):05}"
        made = {**body, "metadata": {**body["metadata"], "name": name, "uid": f"uid-of-{name}"}}
        self.objects[f"{path}/{name}"] = made
        return 201, made


@contextlib.contextmanager
def running_api(folder: Path) -> Iterator[FakeCluster]:
    """Serve an empty cluster; *folder* becomes that of the service account."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    holder: list[FakeCluster] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(holder)) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        cluster = FakeCluster(server.server_port, folder)
        cluster.write_token(TOKEN)
        holder.append(cluster)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()


def _handler(holder: list[FakeCluster]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._tell("GET", lambda: holder[0].get(url.path, parse_qs(url.query)))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kind = self.headers.get("Content-Type")
            path = urlsplit(self.path).path
            # As the real one: it reads no other form of it.
            refused = (415, _status(415, f"unsupported media type {kind}"))
            is_read = kind == "application/json"
            self._tell("POST", lambda: holder[0].create(path, body) if is_read else refused)

        def _tell(self, method: str, act: Callable[[], tuple[int, Any]]) -> None:
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            holder[0].tokens.append(token if scheme == "Bearer" else "")
            told = holder[0].answer(method, self.path)
            if told is None:
                status, answer = act()
                told = (status, json.dumps(answer).encode())
            status, data = told
            self.send_response_only(status)
            if status in {301, 307}:
                self.send_header("Location", data.decode())
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler


def refusal(status: int, message: str) -> tuple[int, bytes]:
    """Return the answer of an API server that refuses."""
    return status, json.dumps(_status(status, message)).encode()


def _status(status: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "code": status, "message": message}
