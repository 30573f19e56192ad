"""The trigger that dumps into a bucket: a real S3 server, a real database.

A program of the test's own stands in for pg_dump, as a dump has to go wrong here. That of
the server is at work in ``tests/backup/test_dumps.py``: not every server comes with one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from psycopg.conninfo import conninfo_to_dict

from hook.clock import Interrupt
from hook.core.backups.backup_made import Rest
from hook.errors import BackupSourceMissing, BackupUnknown, ExitCode
from hook.settings.backup_source import S3Location, S3Settings
from hook.settings.target import KEEPALIVES, ConnectionTarget
from hook.stages.trigger import TriggerStage
from hook.triggers import Left, Phase, Standing, Wanted
from hook.triggers.dump import SIZE_LIMIT, DumpTrigger
from tests.fakes import FakeEvents
from tests.testbed.database import Database
from tests.testbed.run_context import eventually, make_context, target_of
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, running_s3

WANTED = Wanted("r1", 10_000_000)
CANARY = "c4nary-p4ssword"
# Larger than a part, so that the upload has begun when the program goes on.
_FILL = "head -c 20000000 /dev/zero"
Make = Callable[..., DumpTrigger]


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Settings]:
    """Return how to reach a server with the empty bucket ``dumps``."""
    for name, value in (
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("NO_PROXY", "127.0.0.1"),
    ):
        monkeypatch.setenv(name, value)
    (tmp_path / "s3" / "dumps").mkdir(parents=True)
    with running_s3(tmp_path / "s3") as endpoint:
        yield S3Settings(endpoint=endpoint)


@pytest.fixture
def make(bucket: S3Settings, database: Database, tmp_path: Path) -> Iterator[Make]:
    """Return ``make(script, bucket="dumps") -> DumpTrigger``, whose pg_dump is *script*."""
    opened: list[DumpTrigger] = []

    def build(script: str, name: str = "dumps") -> DumpTrigger:
        program = tmp_path / "pg_dump"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        target = ConnectionTarget(target_of(database).parameters, CANARY)
        opened.append(DumpTrigger(target, S3Location(name, "shop"), bucket, str(program)))
        return opened[-1]

    yield build
    for trigger in opened:
        trigger.close()


def _end_of(trigger: DumpTrigger) -> Standing:
    eventually(lambda: trigger.look().phase is not Phase.RUNNING)
    return trigger.look()


def _client(settings: S3Settings) -> Any:
    return boto3.client("s3", endpoint_url=settings.endpoint, region_name="us-east-1")


def _objects(settings: S3Settings) -> list[str]:
    answer = _client(settings).list_objects_v2(Bucket="dumps")
    return [item["Key"] for item in answer.get("Contents", ())]


def _uploads(settings: S3Settings) -> list[str]:
    """Return the keys of the uploads that are neither completed nor aborted."""
    try:
        answer = _client(settings).list_multipart_uploads(Bucket="dumps")
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchUpload":  # there never was one
            return []
        raise
    return [item["Key"] for item in answer.get("Uploads", ())]


def _assert_nothing_left(settings: S3Settings) -> None:
    assert _objects(settings) == []
    assert _uploads(settings) == []


def test_dump_of_a_program_that_fails_is_not_there(make: Make, bucket: S3Settings) -> None:
    """What was uploaded until then is aborted; stored as complete it would pass for a dump."""
    trigger = make(f"{_FILL}; echo 'pg_dump: error: lost\n it' >&2; exit 3")
    trigger.begin(WANTED)
    standing = _end_of(trigger)
    assert trigger.close() == Left(Rest.NOTHING)
    assert standing.phase is Phase.FAILED
    assert "pg_dump ended with 3: pg_dump: error: lost\\n it" in standing.detail
    _assert_nothing_left(bucket)


def test_dump_that_no_gate_would_count_is_not_there(make: Make, bucket: S3Settings) -> None:
    """Each run would upload another one and find it unverified; pg_dump is ended on the way."""
    trigger = make("exec cat /dev/zero")
    trigger.limit = 2**24
    trigger.begin(WANTED)
    standing = _end_of(trigger)
    assert trigger.close() == Left(Rest.NOTHING)
    assert standing.phase is Phase.FAILED
    assert standing.detail == (
        "the dump is longer than 16 MiB, more than can be verified of one that came out of a pipe;"
        " make the backup in another way, and name that in PRESYNC_BACKUP_TRIGGER"
    )
    _assert_nothing_left(bucket)


def test_dump_as_long_as_a_gate_reads_is_there(make: Make, bucket: S3Settings) -> None:
    """The limit is the one of the gate: to the byte."""
    trigger = make(f"head -c {2**24} /dev/zero")
    trigger.limit = 2**24
    trigger.begin(WANTED)
    assert _end_of(trigger) == Standing(Phase.ENDED, f"{2**24} bytes")
    assert len(_objects(bucket)) == 1


def test_dump_that_is_stopped_is_not_there(make: Make, bucket: S3Settings, tmp_path: Path) -> None:
    """A stop request ends the program and aborts the upload before presync is gone."""
    trigger = make(f"echo $$ > {tmp_path}/pid; {_FILL}; exec sleep 600")
    trigger.begin(WANTED)
    eventually(lambda: "16 MiB" in trigger.look().detail)
    assert trigger.close() == Left(Rest.NOTHING)
    assert trigger.look() == Standing(Phase.FAILED, "it was stopped")
    _assert_nothing_left(bucket)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    trigger.close()


def test_dump_is_not_begun_after_a_stop(make: Make, bucket: S3Settings) -> None:
    """The request to begin may still be on its way when the run is told to stop."""
    trigger = make(f"{_FILL}")
    trigger.close()
    trigger.begin(WANTED)
    assert trigger._process is None
    assert trigger.close() == Left(Rest.NOTHING)
    _assert_nothing_left(bucket)


def test_dump_goes_with_the_deadline_of_the_run(make: Make, bucket: S3Settings) -> None:
    """The program is ended and its upload aborted, and the run says so."""
    trigger = make(f"{_FILL}; exec sleep 600")
    with closing(Interrupt()) as interrupt:
        ctx = make_context(interrupt, FakeEvents())

        def end_when_it_is_under_way() -> None:
            if trigger.look().detail:
                ctx.deadline.ends_at = 0

        stage = TriggerStage(lambda: trigger, timedelta(minutes=5))
        (finding,) = stage.run(ctx, WANTED.size, end_when_it_is_under_way).findings
    assert finding.code is ExitCode.BUDGET
    assert re.fullmatch(
        r"PRESYNC_DEADLINE is used up while dump s3://dumps/shop/\S+\.dump was made, which was"
        r" stopped and its upload aborted",
        finding.message,
    )
    _assert_nothing_left(bucket)


def test_dump_that_ends_meanwhile_is_whole(make: Make, bucket: S3Settings) -> None:
    """Nobody waits for it any longer, and the next run finds it."""
    trigger = make("echo whole")
    trigger.begin(WANTED)
    assert _end_of(trigger).phase is Phase.ENDED
    assert trigger.close() == Left(Rest.WHOLE)
    assert len(_objects(bucket)) == 1


def test_dump_shows_the_password_to_nobody(make: Make, tmp_path: Path) -> None:
    """Arguments can be read by every process of the machine."""
    trigger = make(f'echo "$@" > {tmp_path}/args; echo "$PGPASSWORD" > {tmp_path}/env')
    trigger.begin(WANTED)
    _end_of(trigger)
    assert CANARY not in (tmp_path / "args").read_text()
    assert CANARY in (tmp_path / "env").read_text()
    assert "--no-password" in (tmp_path / "args").read_text()


def test_dump_is_told_every_parameter_as_it_is(
    make: Make, tmp_path: Path, bucket: S3Settings
) -> None:
    """Names may have quotes, blanks and backslashes, and be empty; what is said there counts."""
    make(f'for one in "$@"; do last=$one; done; printf %s "$last" > {tmp_path}/last')
    odd = {"host": "/run/a b", "dbname": "it's\\a\\'db", "user": "", "options": "-c a=b\\ c"}
    odd["keepalives_idle"] = "7"
    place, program = S3Location("dumps", "shop"), str(tmp_path / "pg_dump")
    with closing(DumpTrigger(ConnectionTarget(odd), place, bucket, program)) as trigger:
        trigger.begin(WANTED)
        _end_of(trigger)
    told = (tmp_path / "last").read_text().removeprefix("--dbname=")
    # It notices as early as presync itself that the server has vanished.
    assert conninfo_to_dict(told) == {**KEEPALIVES, **odd}


def test_bucket_that_is_not_there_fails_the_dump(make: Make) -> None:
    """The program is ended; it would wait for somebody to read."""
    trigger = make(f"{_FILL}; sleep 600", "no-bucket")
    trigger.begin(WANTED)
    standing = _end_of(trigger)
    assert standing.phase is Phase.FAILED
    assert "there is no bucket no-bucket" in standing.detail


def test_program_that_is_not_there_is_told(bucket: S3Settings, database: Database) -> None:
    """The image has no PostgreSQL client."""
    trigger = DumpTrigger(target_of(database), S3Location("dumps"), bucket, "no-such-pg_dump")
    with pytest.raises(BackupSourceMissing, match="no no-such-pg_dump on the PATH") as caught:
        trigger.begin(WANTED)
    assert "Add the PostgreSQL client" in caught.value.hint


def test_program_that_is_none_is_told(make: Make, tmp_path: Path) -> None:
    """A client of another machine, for example."""
    trigger = make("true")
    (tmp_path / "pg_dump").write_bytes(b"\x7fELF nonsense")
    with pytest.raises(BackupSourceMissing, match="cannot be started"):
        trigger.begin(WANTED)


@pytest.mark.parametrize(
    ("size", "error", "told"),
    [
        (SIZE_LIMIT + 2**30, BackupSourceMissing, "the database has 6.0 GiB"),
        (None, BackupUnknown, "the size of the database cannot be seen"),
    ],
)
def test_database_that_is_too_large_is_not_dumped(
    make: Make, size: int | None, error: type[Exception], told: str
) -> None:
    """A dump of hours holds back vacuum, and everybody waits for it."""
    with pytest.raises(error, match=told):
        make("true").begin(Wanted("r1", size))


def test_key_with_a_passphrase_is_not_shown(bucket: S3Settings, database: Database) -> None:
    """There is no variable for it, and arguments are no place for secrets."""
    target = target_of(database, sslpassword=CANARY)
    trigger = DumpTrigger(target, S3Location("dumps"), bucket, "sh")
    with pytest.raises(BackupSourceMissing, match="sslpassword") as caught:
        trigger.begin(WANTED)
    assert CANARY not in caught.value.message
