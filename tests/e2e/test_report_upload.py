"""The report as an object in a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, running_s3

RunPresync = Callable[..., Completed]
BUCKET = "reports"


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Return the folder of a bucket, and what reaches its server."""
    root = tmp_path / "s3"
    (root / BUCKET).mkdir(parents=True)
    with running_s3(root) as endpoint:
        yield (
            root / BUCKET,
            {
                "PRESYNC_S3_ENDPOINT": endpoint,
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                "NO_PROXY": "127.0.0.1",
            },
        )


def test_report_is_put_into_the_bucket(
    deployment: Deployment, run_presync: RunPresync, bucket: tuple[Path, dict[str, str]]
) -> None:
    """At the key that is named, or below the folder under a name of the run's own."""
    folder, reaching = bucket
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    for url in ("last.json", "runs/"):
        environment = deployment.env(**reaching, PRESYNC_REPORT=f"s3://{BUCKET}/{url}")
        done = run_presync(["run"], environment)
        assert done.exit_code == ExitCode.OK, done.stderr
        name = f"runs/{done.report['run_id']}.json" if url.endswith("/") else url
        assert json.loads((folder / name).read_text()) == done.report


def test_report_of_a_refusal_is_put_there_too(
    deployment: Deployment, run_presync: RunPresync, bucket: tuple[Path, dict[str, str]]
) -> None:
    """Also when the settings are what is wrong."""
    folder, reaching = bucket
    environment = deployment.env(**reaching, PRESYNC_REPORT=f"s3://{BUCKET}/last.json")
    done = run_presync(["run"], environment | {"PRESYNC_LOCK_WAIT": "soon"})
    assert done.exit_code == ExitCode.CONFIG
    assert json.loads((folder / "last.json").read_text()) == done.report


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "c4nary"}, "PRESYNC_REPORT: "),
        ({"PRESYNC_S3_ENDPOINT": "http://127.0.0.1:1"}, "127.0.0.1:1"),
        ({"PRESYNC_REPORT": "s3://nowhere/last.json"}, "PRESYNC_REPORT: "),
    ],
    ids=["wrong-secret", "unreachable", "no-bucket"],
)
def test_report_that_cannot_be_put_there_is_a_code_of_its_own(
    deployment: Deployment,
    run_presync: RunPresync,
    bucket: tuple[Path, dict[str, str]],
    changed: dict[str, str],
    told: str,
) -> None:
    """The database is fine; the one line says what is not, and no secret."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    environment = deployment.env(**bucket[1], PRESYNC_REPORT=f"s3://{BUCKET}/last.json")
    done = run_presync(["run"], environment | changed)
    assert done.exit_code == ExitCode.REPORT
    verdict = done.events[-1]["verdict"]
    assert verdict.startswith("FAILED 50 REPORT: ")
    assert told in verdict
    assert verdict.endswith(", at 1")
    assert "c4nary" not in done.stdout + done.stderr
    findings = [item for stage in done.report["stages"] for item in stage["findings"]]
    assert all(item["hint"] for item in findings if item["code"] == "REPORT")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("s3://reports", "there is no key behind the bucket"),
        ("s3://", "there is no bucket after s3://"),
        ("gs://reports/last.json", "is neither a path nor s3://bucket/key"),
    ],
)
def test_report_without_a_place_is_refused(
    deployment: Deployment, run_presync: RunPresync, value: str, told: str
) -> None:
    """Before anything is done."""
    done = run_presync(["run"], deployment.env(PRESYNC_REPORT=value))
    assert done.exit_code == ExitCode.CONFIG
    assert told in done.stdout


def test_policy_has_the_right_to_put_the_report(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """And nothing besides where no backup is asked for."""
    environment = deployment.env(PRESYNC_REPORT="s3://reports/runs/")
    done = run_presync(["config", "--iam-policy"], environment)
    assert done.exit_code == ExitCode.OK, done.stderr
    (statement,) = json.loads(done.stdout)["Statement"]
    assert statement["Action"] in ("s3:PutObject", ["s3:PutObject"])
    resource = "arn:aws:s3:::reports/runs/*.json"
    assert statement["Resource"] in (resource, [resource])
