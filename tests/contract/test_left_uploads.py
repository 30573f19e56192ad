"""What stays of a dump whose upload cannot be aborted: told, and gone by the printed command.

moto stands in for AWS: it knows who may do what, and keeps what is not aborted.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore import xform_name
from moto import mock_aws
from moto.core.authorization import disable_iam_authentication, enable_iam_authentication

from hook.core.outcome import Finding, Status
from hook.settings.backup_source import S3Location, S3Settings
from hook.settings.target import ConnectionTarget
from hook.triggers import Phase, Standing, Wanted
from hook.triggers.dump import DumpTrigger
from tests.contract.conftest import CANARY
from tests.testbed.run_context import eventually

BUCKET = "dumps"
USER = "presync"
REGION = "eu-central-1"
ENOUGH = ("s3:PutObject", "s3:AbortMultipartUpload")
# A part and more, so that something has been uploaded before the program goes on.
_PG_DUMP = "#!/bin/sh\nhead -c 20000000 /dev/zero; exit 3\n"
_UPLOAD = re.compile(
    r"the unfinished upload (\S+) of s3://dumps/(shop/database/\w+\.dump) could not be aborted,"
    r" and its parts may stay: (.*)"
)


class Account(NamedTuple):
    """An account of AWS with an empty bucket, and a user who may do what a test allows."""

    s3: Any
    iam: Any

    def allow(self, *actions: str) -> None:
        """Let the user do *actions* with the objects of the bucket, and nothing else."""
        objects = f"arn:aws:s3:::{BUCKET}/*"
        statement = {"Effect": "Allow", "Action": actions, "Resource": objects}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        with disable_iam_authentication():
            self.iam.put_user_policy(UserName=USER, PolicyName="p", PolicyDocument=document)

    def open_uploads(self) -> list[tuple[str, str]]:
        """Return key and identifier of the uploads that are neither completed nor aborted."""
        with disable_iam_authentication():
            answer = self.s3.list_multipart_uploads(Bucket=BUCKET)
        return [(item["Key"], item["UploadId"]) for item in answer.get("Uploads", ())]

    def run(self, command: str) -> None:
        """Do what the AWS CLI would do on *command*, which is made of the same model."""
        program, service, operation, *rest = shlex.split(command)
        assert (program, service) == ("aws", "s3api")
        call = xform_name(operation.title().replace("-", ""))
        members = self.s3.meta.service_model.operation_model("AbortMultipartUpload").input_shape
        names = {f"--{xform_name(name, '-')}": name for name in members.members}
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        with disable_iam_authentication():
            getattr(self.s3, call)(**{names[name]: value for name, value in options.items()})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Return an account whose user's key is the one in the environment."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        made = Account(*(boto3.client(name, region_name=REGION) for name in ("s3", "iam")))
        made.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        made.iam.create_user(UserName=USER)
        key = made.iam.create_access_key(UserName=USER)["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        with enable_iam_authentication():
            yield made


@pytest.fixture
def give_up(tmp_path: Path) -> Callable[[], tuple[Standing, tuple[Finding, ...]]]:
    """Return what dumps with a program that fails: how it ended, and what is told of the rest."""
    program = tmp_path / "pg_dump"
    program.write_text(_PG_DUMP)
    program.chmod(0o755)

    def give_up() -> tuple[Standing, tuple[Finding, ...]]:
        target, place = ConnectionTarget({}, CANARY), S3Location(BUCKET, "shop")
        trigger = DumpTrigger(target, place, S3Settings(), str(program))
        trigger.begin(Wanted("r1", 10_000_000))
        eventually(lambda: trigger.look().phase is not Phase.RUNNING)
        return trigger.look(), trigger.close().findings

    return give_up


def test_upload_that_may_not_be_aborted_is_told(
    account: Account, give_up: Callable[[], tuple[Standing, tuple[Finding, ...]]]
) -> None:
    """The right that is missing, what stays and where, and a command that removes it."""
    account.allow("s3:PutObject")
    standing, (left,) = give_up()
    assert standing.phase is Phase.FAILED
    assert "pg_dump ended with 3" in standing.detail
    assert (left.status, left.rule) == (Status.WARNED, "backup-leftover")
    told = _UPLOAD.fullmatch(left.message)
    assert told is not None, left.message
    upload_id, key, why = told.groups()
    assert account.open_uploads() == [(key, upload_id)]
    assert left.facts == {"bucket": BUCKET, "key": key, "upload_id": upload_id}
    assert why.startswith(f"s3:AbortMultipartUpload on arn:aws:s3:::{BUCKET}/{key} is denied")
    assert "`presync config --iam-policy` prints all that is needed" in left.hint
    assert CANARY not in repr(left)
    account.run(left.hint.split("`")[1])
    assert account.open_uploads() == []


def test_upload_that_is_aborted_is_not_worth_a_word(
    account: Account, give_up: Callable[[], tuple[Standing, tuple[Finding, ...]]]
) -> None:
    """With the right nothing stays, and nothing is told."""
    account.allow(*ENOUGH)
    standing, left = give_up()
    assert (standing.phase, left) == (Phase.FAILED, ())
    assert account.open_uploads() == []


def test_upload_that_is_refused_itself_is_the_main_failure(
    account: Account, give_up: Callable[[], tuple[Standing, tuple[Finding, ...]]]
) -> None:
    """Nothing was begun, so nothing stays."""
    account.allow("s3:AbortMultipartUpload")
    standing, left = give_up()
    assert standing.detail.startswith("s3:PutObject on arn:aws:s3:::dumps/shop/database/")
    assert left == ()
