"""Storage that takes all the time or all the memory there is, and a whole run in front of it."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.canned_http import Answer, CannedServer, answering
from tests.testbed.crowded_bucket import CROWDS, PREFIX, contents, crowded_bucket
from tests.testbed.deployment import Deployment
from tests.testbed.process import ROOT
from tests.testbed.refusal import Attempt, Refusal
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY

OBJECTS = 100_000
SECONDS = 300
PENDING = {"V2__x.sql": "CREATE TABLE x ()"}


def storage(server: CannedServer, system: str) -> dict[str, str]:
    """Return the settings that name *server*."""
    return {
        "PRESYNC_BACKUP_SOURCE": f"{system}:s3://shop/{PREFIX}",
        "PRESYNC_BACKUP_STANZA": "app",
        "PRESYNC_S3_ENDPOINT": server.endpoint,
        "PRESYNC_ARCHIVE_POLICY": "off",
        "PRESYNC_MARKER_POLICY": "off",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
    }


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Return what ends the drip of a test with it."""
    event = threading.Event()
    yield event
    event.set()


def test_run_ends_although_its_storage_drips(attempt: Attempt, released: threading.Event) -> None:
    """A byte a second keeps a thread busy for days; the gate and the process do not wait."""
    attempt.deployment.release(PENDING)
    drip = itertools.takewhile(lambda _: not released.wait(1), itertools.repeat(b"x"))
    with answering(lambda _: Answer(200, length=2**20, more=drip)) as server:
        expected = Refusal(ExitCode.UNKNOWN_BACKUP, "did not answer within 2s")
        settings = storage(server, "pgbackrest")
        attempt.assert_refused(expected, {**settings, "PRESYNC_BACKUP_TIMEOUT": "2s"})
        released.set()


def run_in_the_pod(deployment: Deployment, server: CannedServer) -> int:
    """Run in front of the dumps at *server*, within the memory of the pod; return the exit code."""
    deployment.release(PENDING)
    manifest = (ROOT / "manifests" / "base" / "job.yaml").read_text()
    (limit,) = re.findall(r"limits: {memory: ([0-9]+)Mi", manifest)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "HOME": str(deployment.folder),
        **deployment.env(**storage(server, "dump"), PRESYNC_BACKUP_TIMEOUT="4m"),
    }
    command = [sys.executable, "-S", "bench/measured.py", sys.executable, "-m", "hook", "run"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    assert float(done.stdout.split()[-1]) < int(limit), done.stderr
    return done.returncode


def test_hundred_thousand_dumps_fit_into_the_pod(deployment: Deployment) -> None:
    """Their listing does not, if each keeps what the client makes of it."""
    with answering(crowded_bucket(CROWDS["dump"], OBJECTS)) as server:
        assert run_in_the_pod(deployment, server) == ExitCode.NO_WAY_BACK


def test_listing_without_an_end_fits_into_the_pod(deployment: Deployment) -> None:
    """The client would read it as a whole, and then make a tree of it."""
    entries = itertools.repeat(contents("x" * 100).encode() * 500)
    with answering(lambda _: Answer(200, b"<ListBucketResult>", length=-1, more=entries)) as server:
        assert run_in_the_pod(deployment, server) == ExitCode.UNKNOWN_BACKUP
