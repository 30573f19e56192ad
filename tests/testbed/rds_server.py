"""The API of Amazon RDS over HTTP, as moto knows it, for a process of its own to ask."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.backends import get_backend
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID

REGION = "eu-central-1"
_AWS = f"https://rds.{REGION}.amazonaws.com/"


@dataclass(slots=True)
class FakeRds:
    """An account with the instance ``shop``, which has no snapshot.

    Attributes:
        endpoint: Of the API.
        address: Of the instance.
        is_finishing: Snapshots are ready when somebody looks at them.
    """

    endpoint: str = ""
    address: str = ""
    is_finishing: bool = False

    @property
    def snapshots(self) -> list[str]:
        """Return the names of those that were asked for, in order."""
        return list(_backend().database_snapshots)

    def finish(self) -> None:
        """Let every snapshot be ready when somebody looks at it next."""
        self.is_finishing = True

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a request.

        moto's snapshots are ready at once; here they take their time.
        """
        if self.is_finishing and b"DBSnapshotIdentifier=" in body:
            self._set_status("available")
        headers = HTTPHeaders()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=AKIATEST/1/{REGION}/rds/x"
        request = AWSPreparedRequest("POST", _AWS, headers, body, stream_output=False)
        told = BotocoreStubber().process_request(request)
        assert told is not None
        if b"Action=CreateDBSnapshot" in body:
            self._set_status("creating")
        status, _, answer = told
        return status, answer.encode() if isinstance(answer, str) else answer

    def _set_status(self, status: str) -> None:
        for snapshot in _backend().database_snapshots.values():
            snapshot.status = status


def _backend() -> Any:
    return get_backend("rds")[DEFAULT_ACCOUNT_ID][REGION]


@contextlib.contextmanager
def running_rds() -> Iterator[FakeRds]:
    """Serve an account with the instance ``shop``."""
    rds = FakeRds()
    with mock_aws(), ThreadingHTTPServer(("127.0.0.1", 0), _handler(rds)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            rds.endpoint = f"http://127.0.0.1:{server.server_port}"
            rds.address = _make_instance()
            yield rds
        finally:
            server.shutdown()
            thread.join()


def _make_instance() -> str:
    client = boto3.client(
        "rds", region_name=REGION, aws_access_key_id="AKIATEST", aws_secret_access_key="canary"
    )
    made = client.create_db_instance(
        DBInstanceIdentifier="shop",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="canary-of-the-master",
        BackupRetentionPeriod=7,
    )
    for snapshot in client.describe_db_snapshots()["DBSnapshots"]:
        client.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])
    address: str = made["DBInstance"]["Endpoint"]["Address"]
    return address


def _handler(rds: FakeRds) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, data = rds.answer(body)
            self.send_response_only(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler
