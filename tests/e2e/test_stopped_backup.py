"""SIGTERM while a run has a backup made: exit 40, and what is told of half a backup is true.

A program of the test's own stands in for pg_dump: it dumps for as long as the test wants.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from hook.clock import ABANDON_SECONDS
from hook.errors import ExitCode
from hook.settings.migrations import DEFAULT_LEDGER
from tests.testbed.deployment import Deployment
from tests.testbed.process import RunningPresync, command_lines, has_ended
from tests.testbed.run_context import eventually
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, running_s3

BUCKET = "dumps"
# More than a part: when the pids are written, that part is on its way. Then it hangs.
PG_DUMP = """\
#!/bin/sh
head -c 20000000 /dev/zero
sleep 600 &
echo $$ $! > {pids}
wait
"""


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Any]:
    """Return a client of a server with an empty bucket."""
    (tmp_path / "s3" / BUCKET).mkdir(parents=True)
    with running_s3(tmp_path / "s3") as endpoint:
        yield boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}),
        )


@pytest.fixture
def env(deployment: Deployment, bucket: Any, tmp_path: Path) -> Mapping[str, str]:
    """Return the settings of a run that has to make a dump first."""
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(PG_DUMP.format(pids=tmp_path / "pids"))
    program.chmod(0o755)
    deployment.release({"V1__t.sql": "CREATE TABLE t (id int)"})
    return deployment.env(
        PATH=f"{program.parent}:/usr/bin:/bin",
        PRESYNC_BACKUP_SOURCE=f"dump:s3://{BUCKET}/shop",
        PRESYNC_BACKUP_TRIGGER=f"dump:s3://{BUCKET}/shop",
        PRESYNC_S3_ENDPOINT=bucket.meta.endpoint_url,
        AWS_ACCESS_KEY_ID=ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        AWS_REGION="us-east-1",
        NO_PROXY="127.0.0.1",
    )


def uploads(bucket: Any) -> list[str]:
    """Return the keys of the uploads that are neither completed nor aborted."""
    try:
        answer = bucket.list_multipart_uploads(Bucket=BUCKET)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchUpload":  # there never was one
            return []
        raise
    return [item["Key"] for item in answer.get("Uploads", ())]


def dumping(running: RunningPresync, tmp_path: Path) -> list[int]:
    """Return the processes of the dump, once it is under way."""
    running.wait_for_event("backup.started")
    pids = tmp_path / "pids"
    eventually(lambda: pids.exists() and pids.read_text().endswith("\n"))
    return [int(pid) for pid in pids.read_text().split()]


def stopped(running: RunningPresync, pids: Sequence[int], what: str) -> list[dict[str, Any]]:
    """Stop *running*: its dump is gone with it, and told as *what*; return what else is told."""
    running.send_signal()
    completed = running.wait(ABANDON_SECONDS)
    assert completed.exit_code == ExitCode.INTERRUPTED
    verdict = completed.report["verdict"]
    assert verdict.startswith("FAILED 40 INTERRUPTED: SIGTERM received while dump s3://")
    assert verdict.endswith(f", which was stopped{what}; database untouched")
    assert completed.events[-1]["verdict"] == verdict
    # One that was killed with the other may be on its way out.
    eventually(lambda: all(map(has_ended, pids)))
    (made,) = (stage for stage in completed.report["stages"] if stage["name"] == "trigger")
    findings: list[dict[str, Any]] = made["findings"]
    interrupted, *others = findings
    assert interrupted["code"] == "INTERRUPTED"
    return others


def test_stop_while_a_dump_is_made(
    deployment: Deployment,
    env: Mapping[str, str],
    bucket: Any,
    start_presync: Callable[..., RunningPresync],
    tmp_path: Path,
) -> None:
    """The program and its children are gone, the upload is aborted, nothing was migrated."""
    running = start_presync(["run"], env)
    assert stopped(running, dumping(running, tmp_path), " and its upload aborted") == []
    assert uploads(bucket) == []
    assert "Contents" not in bucket.list_objects_v2(Bucket=BUCKET)
    eventually(lambda: not deployment.has_sessions())
    names = f"SELECT to_regclass('t'), to_regclass('{DEFAULT_LEDGER}')"
    assert deployment.database.query(names) == [(None, None)]


def test_stop_while_the_storage_of_a_dump_hangs(
    deployment: Deployment,
    env: Mapping[str, str],
    bucket: Any,
    start_presync: Callable[..., RunningPresync],
    tmp_path: Path,
) -> None:
    """The upload cannot be aborted, which is told, and never becomes a dump."""
    (storage,) = processes_on(tmp_path / "s3")
    running = start_presync(["run"], env)
    pids = dumping(running, tmp_path)
    os.kill(storage, signal.SIGSTOP)
    try:
        (left,) = stopped(running, pids, ", its upload maybe not aborted")
    finally:
        os.kill(storage, signal.SIGCONT)
    assert left["rule"] == "backup-leftover"
    assert left["message"].endswith(f"{bucket.meta.endpoint_url} did not answer within 12s")
    assert (
        f"--upload-id {left['upload_id']} --endpoint-url {bucket.meta.endpoint_url}`"
        in (left["hint"])
    )
    assert list((tmp_path / "s3" / BUCKET).rglob("*.dump")) == []
    eventually(lambda: not deployment.has_sessions())


def processes_on(place: Path) -> list[int]:
    """Return the processes that were told *place* as an argument."""
    argument = f"\0{place}\0"
    return [process for process, line in command_lines().items() if argument in line]
