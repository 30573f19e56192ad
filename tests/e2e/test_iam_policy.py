"""What runs really ask S3 for, against the policy that presync prints for the same settings."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hook.demo.repository import STANZA
from hook.errors import ExitCode
from tests.testbed.archiving import Archiving
from tests.testbed.canned_http import answering
from tests.testbed.deployment import Deployment
from tests.testbed.directory_s3 import DirectoryS3
from tests.testbed.iam_authority import Authority
from tests.testbed.process import Completed
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY

BUCKET = "shop"
ARN = f"arn:aws:s3:::{BUCKET}"
ARCHIVE = f"archive/{STANZA}/"
NO_WAL = {f"{ARCHIVE}*", f"{ARN}/{ARCHIVE}archive.info*", f"{ARN}/{ARCHIVE}*.history"}
WAL_OFF = {"PRESYNC_ARCHIVE_POLICY": "off", "PRESYNC_MARKER_POLICY": "off"}
# Of what a place without the stanza holds, and of a server that was promoted.
ELSEWHERE = {"", "backup/", f"{ARN}/{ARCHIVE}*.history"}


@pytest.mark.parametrize(
    ("policies", "unlisted"),
    [
        ({}, set()),
        ({"PRESYNC_MARKER_POLICY": "off"}, set()),
        ({"PRESYNC_ARCHIVE_POLICY": "off"}, {f"{ARN}/{ARCHIVE}*.history"}),
        (WAL_OFF, NO_WAL),
        # The script destroys data, and so the backup is asked for all the same.
        ({**WAL_OFF, "PRESYNC_BACKUP_POLICY": "off"}, NO_WAL),
    ],
    ids=["all", "no marker", "no archive", "neither", "none"],
)
def test_run_asks_for_what_the_policy_allows_and_for_all_of_it(
    archiving: Archiving,
    shop: Deployment,
    run_presync: Callable[..., Completed],
    policies: dict[str, str],
    unlisted: set[str],
) -> None:
    """Each request of a run is allowed, and each pattern allowed one."""
    shop.release({"V1__t.sql": "CREATE TABLE t (id int); DROP TABLE IF EXISTS old"})
    with answering(DirectoryS3(archiving.repository.root)) as server:
        environment = shop.env(
            PRESYNC_BACKUP_SOURCE=f"pgbackrest:s3://{BUCKET}",
            PRESYNC_BACKUP_STANZA=STANZA,
            PRESYNC_S3_ENDPOINT=server.endpoint,
            AWS_ACCESS_KEY_ID=ACCESS_KEY,
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            NO_PROXY="127.0.0.1",
            **policies,
        )
        printed = run_presync(["config", "--iam-policy"], environment)
        assert server.paths == []
        done = run_presync(["run"], environment)
    assert done.exit_code == ExitCode.OK, done.stderr
    authority = Authority(json.loads(printed.stdout)["Statement"])
    assert [path for path in server.paths if not authority.allows_path(BUCKET, path)] == []
    assert authority.patterns() - authority.used - {ARN} == ELSEWHERE - unlisted
    assert not unlisted & authority.patterns()
