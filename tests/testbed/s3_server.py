"""A real S3 server: rclone's, over a directory whose folders are the buckets."""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trustme

ACCESS_KEY = "TESTACCESSKEY"
SECRET_KEY = "canary-secret-9f3b7c51d2"
_SECONDS = 30.0
_LISTENING = re.compile(rb"Starting s3 server on \[(https?)://127\.0\.0\.1:(\d+)/")


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server. What a test puts into *root* is visible at once."""

    endpoint: str
    root: Path
    ca_file: Path | None = None


@contextlib.contextmanager
def running_s3(root: Path, options: Sequence[str] = ()) -> Iterator[str]:
    """Serve *root* and yield the URL; *options* are added to rclone's command line."""
    program = Path(sys.executable).with_name("rclone")
    # Without the caching options a file that a test writes, ages or removes under the
    # server's feet would stay invisible for minutes. With a time of none at all rclone never
    # stops to clear the cache of a folder that something is written to.
    command: list[str | Path] = [
        program, "serve", "s3", root, "--addr", "127.0.0.1:0",
        "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--config", "/dev/null",
        "--vfs-cache-mode", "off", "--dir-cache-time", "1ms", "--poll-interval", "0",
        "--use-json-log", "--log-level", "NOTICE", *options,
    ]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.PIPE)
    log = server.stderr
    assert log is not None
    found: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read_log, args=(log, found), daemon=True)
    reader.start()
    try:
        yield found.get(timeout=_SECONDS)
    finally:
        server.terminate()
        server.wait(_SECONDS)
        reader.join(_SECONDS)
        log.close()


@contextlib.contextmanager
def running_tls_s3(root: Path, folder: Path, options: Sequence[str] = ()) -> Iterator[S3Server]:
    """Serve *root* over TLS; the certificates, of an authority of their own, go to *folder*."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    ca_file, cert, key = folder / "ca.crt", folder / "s3.crt", folder / "s3.key"
    authority.cert_pem.write_to_path(str(ca_file))
    certificate.cert_chain_pems[0].write_to_path(str(cert))
    certificate.private_key_pem.write_to_path(str(key))
    with running_s3(root, ["--cert", str(cert), "--key", str(key), *options]) as endpoint:
        yield S3Server(endpoint, root, ca_file)


def _read_log(log: IO[bytes], found: queue.Queue[str]) -> None:
    """Report the address, then keep reading so that the server never blocks on its log."""
    for line in log:
        match = _LISTENING.search(line)
        if match:
            scheme, port = match.groups()
            host = "localhost" if scheme == b"https" else "127.0.0.1"
            found.put(f"{scheme.decode()}://{host}:{int(port)}")
