"""RDS that cannot be asked, and backups that cannot be made: refused in one line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.demo.repository import STANZA
from hook.errors import ExitCode
from tests.testbed.canned_http import Answer, answering
from tests.testbed.pgbackrest_repository import Repository
from tests.testbed.process import Completed
from tests.testbed.refusal import S3_CANARY, Attempt, Refusal, memory_of_the_pod

NO_FILES = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": S3_CANARY}
RDS = {"PRESYNC_BACKUP_SOURCE": "rds:shop", **NO_FILES}
EUROPE = {"AWS_REGION": "eu-central-1"}
NOBODY = {"AWS_ENDPOINT_URL_RDS": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            RDS,
            Refusal(ExitCode.CONFIG, "AWS_REGION is not set: no region to look for RDS instance"),
        ),
        (
            {**RDS, **EUROPE, **NOBODY},
            Refusal(ExitCode.UNKNOWN_BACKUP, "no valid credentials to ask for RDS instance shop"),
        ),
        (
            {**RDS, **EUROPE, **KEYS, **NOBODY},
            Refusal(ExitCode.UNKNOWN_BACKUP, "RDS does not answer"),
        ),
        (
            {"PRESYNC_BACKUP_SOURCE": "rds:cluster/a/b"},
            Refusal(ExitCode.CONFIG, "'a/b' is not the identifier"),
        ),
        (
            {**RDS, "PRESYNC_BACKUP_TRIGGER": "job:ops"},
            Refusal(ExitCode.CONFIG, "PRESYNC_BACKUP_TRIGGER"),
        ),
        (
            {"PRESYNC_BACKUP_TRIGGER": "rds-snapshot"},
            Refusal(ExitCode.CONFIG, "rds-snapshot needs a PRESYNC_BACKUP_SOURCE of rds:"),
        ),
    ],
    ids=["no region", "no credentials", "nobody answers", "no name", "no job", "no source"],
)
def test_bad_configuration_is_told_in_one_line(
    environment: Mapping[str, str], expected: Refusal, attempt: Attempt
) -> None:
    """Nothing is migrated when nobody can tell whether there is a way back."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    attempt.assert_refused(expected, environment)


PAGES = {
    "good": Answer(200, b"<html>sign in</html>"),
    "refused": Answer(403, b"<html>no</html>"),
    "huge": Answer(200, length=5 * 2**30, more=itertools.repeat(b"x" * 2**16)),
}


@pytest.mark.parametrize("page", PAGES)
def test_page_of_a_proxy_is_no_answer_of_rds(page: str, attempt: Attempt) -> None:
    """At any moment, and of any length: `tests/contract/test_bad_rds.py`."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    with answering(lambda _: PAGES[page]) as server:
        asked = {**RDS, **EUROPE, **KEYS, "AWS_ENDPOINT_URL_RDS": server.endpoint}
        peak = attempt.assert_refused(Refusal(ExitCode.UNKNOWN_BACKUP, "RDS"), asked)
    assert peak < memory_of_the_pod()


@pytest.fixture
def stale(tmp_path: Path, attempt: Attempt) -> dict[str, str]:
    """Return the settings of a repository of this cluster whose newest backup is old."""
    ((identifier,),) = attempt.deployment.database.query(
        "SELECT system_identifier FROM pg_control_system()"
    )
    repository = Repository.copy_to(tmp_path / "repository")
    repository.belong_to(identifier)
    repository.stop_newest_at(datetime.now(UTC) - timedelta(hours=31))
    return {
        "PRESYNC_BACKUP_SOURCE": f"pgbackrest:{repository.root}",
        "PRESYNC_BACKUP_STANZA": STANZA,
        "PRESYNC_ARCHIVE_POLICY": "off",
    }


@pytest.mark.parametrize("trigger", ["job:ops/shop-backup", "cnpg:shop/shop-db"])
def test_backup_that_cannot_be_made_is_told_in_one_line(
    trigger: str, stale: Mapping[str, str], attempt: Attempt
) -> None:
    """Outside of a cluster nobody makes one; the ledger is as untouched as the rest."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    expected = Refusal(ExitCode.NO_WAY_BACK, "there is no Kubernetes API")
    attempt.assert_refused(expected, {**stale, "PRESYNC_BACKUP_TRIGGER": trigger})


def test_check_makes_no_backup(stale: Mapping[str, str], attempt: Attempt) -> None:
    """It changes nothing, in the storage neither."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    done = attempt.run("check", **stale, PRESYNC_BACKUP_TRIGGER="job:ops/shop-backup")
    assert done.exit_code == ExitCode.NO_WAY_BACK
    assert "stopped 31h" in done.report["verdict"]


def test_policy_is_printed_as_json_alone(run_presync: Callable[..., Completed]) -> None:
    """It goes into a file or a command of AWS as it is; notes are in the log."""
    env = {"PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://shop/pg", "PRESYNC_BACKUP_STANZA": "app"}
    done = run_presync(["config", "--iam-policy"], env)
    assert done.exit_code == ExitCode.OK
    assert json.loads(done.stdout)["Statement"][0]["Resource"] == ["arn:aws:s3:::shop"]
    assert "kms:Decrypt" in done.stderr


def test_policy_of_nothing_in_aws_is_refused(run_presync: Callable[..., Completed]) -> None:
    """There is no empty policy."""
    done = run_presync(["config", "--iam-policy"], {"PRESYNC_BACKUP_SOURCE": "none"})
    assert done.exit_code == ExitCode.CONFIG
    assert "names nothing in AWS" in done.stderr
