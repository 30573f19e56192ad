"""The triggers that ask Kubernetes, over TLS, against a server that speaks its shapes.

What else may answer: `test_bad_kubernetes.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from hook.core.backups.backup_made import Rest
from hook.errors import BackupSourceMissing
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from hook.triggers.cnpg import ClusterTrigger
from hook.triggers.job import JobTrigger
from tests.testbed.kubernetes_api import BATCH, CLUSTER, CNPG, TOKEN, FakeCluster

WANTED = Wanted("r1", None)


def _put_job(cluster: FakeCluster, name: str, **fields: Any) -> None:
    owner = {"ownerReferences": [{"uid": "uid-of-shop-backup"}]}
    cluster.put(f"{BATCH}/jobs/{name}", metadata=owner, **fields)


def _finish(cluster: FakeCluster, name: str, kind: str, message: str = "") -> None:
    condition = {"type": kind, "status": "True", "message": message}
    cluster.objects[f"{BATCH}/jobs/{name}"]["status"] = {"conditions": [condition]}


def test_job_is_made_and_watched_to_its_end(cluster: FakeCluster, job: JobTrigger) -> None:
    """The Job is the CronJob's own, and its conditions say how it ended."""
    begun = job.begin(WANTED)
    assert begun == Begun("Job ops/shop-backup-presync-00001", is_adopted=False)
    (made,) = cluster.created
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid-of-shop-backup"
    assert job.look() == Standing(Phase.RUNNING)
    _finish(cluster, "shop-backup-presync-00001", "Complete")
    assert job.look().phase is Phase.ENDED
    assert job.close() == Left(Rest.GOES_ON)
    assert f"{BATCH}/jobs/shop-backup-presync-00001" in cluster.objects


def test_job_that_runs_is_taken_up(cluster: FakeCluster, job: JobTrigger) -> None:
    """Also when it is on the last page of a long list; no second one is made."""
    for number in range(5):
        _put_job(cluster, f"old-{number}")
        _finish(cluster, f"old-{number}", "Complete")
    _put_job(cluster, "scheduled")
    assert job.begin(WANTED) == Begun("Job ops/scheduled", is_adopted=True)
    assert cluster.created == []


@pytest.mark.parametrize("is_deleted", [True, False])
def test_job_that_fails_or_is_deleted_has_failed(
    cluster: FakeCluster,
    job: JobTrigger,
    is_deleted: bool,  # noqa: FBT001 - a case
) -> None:
    """A Job that is gone tells nothing of its end."""
    _put_job(cluster, "scheduled")
    job.begin(WANTED)
    _finish(cluster, "scheduled", "Failed", "Job has reached the specified backoff limit")
    if is_deleted:
        del cluster.objects[f"{BATCH}/jobs/scheduled"]
    told = "it was deleted" if is_deleted else "Job has reached the specified backoff limit"
    assert job.look() == Standing(Phase.FAILED, told)


def test_backup_is_made_and_watched_to_its_end(
    cluster: FakeCluster, backup: ClusterTrigger
) -> None:
    """The operator says how far it is in the phase."""
    begun = backup.begin(WANTED)
    assert begun == Begun("Backup ops/db-presync-00001", is_adopted=False)
    assert cluster.created[0]["spec"]["method"] == "plugin"
    made = cluster.objects[f"{CNPG}/backups/db-presync-00001"]
    assert backup.look() == Standing(Phase.RUNNING)
    made["status"] = {"phase": "running"}
    assert backup.look() == Standing(Phase.RUNNING)
    made["status"] = {"phase": "completed"}
    assert backup.look() == Standing(Phase.ENDED, "completed")
    made["status"] = {"phase": "failed", "error": "no space"}
    assert backup.look() == Standing(Phase.FAILED, "failed: no space")
    del cluster.objects[f"{CNPG}/backups/db-presync-00001"]
    assert backup.look() == Standing(Phase.FAILED, "it was deleted")
    assert backup.close() == Left(Rest.GOES_ON)


def test_backup_that_runs_is_taken_up(cluster: FakeCluster, backup: ClusterTrigger) -> None:
    """The operator would only queue a second one behind it."""
    cluster.put(
        f"{CNPG}/backups/daily", spec={"cluster": {"name": "db"}}, status={"phase": "running"}
    )
    assert backup.begin(WANTED) == Begun("Backup ops/daily", is_adopted=True)
    assert cluster.created == []


def test_volume_snapshot_that_runs_is_not_taken_up(
    cluster: FakeCluster, backup: ClusterTrigger
) -> None:
    """It proves nothing in the bucket; the operator queues ours behind it."""
    spec = {"cluster": {"name": "db"}, "method": "volumeSnapshot"}
    cluster.put(f"{CNPG}/backups/daily", spec=spec, status={"phase": "running"})
    begun = backup.begin(WANTED)
    assert begun == Begun("Backup ops/db-presync-00001", is_adopted=False)
    assert cluster.created[0]["spec"]["method"] == "plugin"


def test_cluster_without_backups_is_told(cluster: FakeCluster, backup: ClusterTrigger) -> None:
    """The operator would take the Backup and never make it."""
    cluster.put(CLUSTER, spec={})
    with pytest.raises(BackupSourceMissing, match="is not set up for backups"):
        backup.begin(WANTED)


def test_backup_that_no_gate_would_count_is_not_made(
    cluster: FakeCluster, backup: ClusterTrigger
) -> None:
    """Volume snapshots: each run would make one more, and be refused all the same."""
    cluster.put(CLUSTER, spec={"backup": {"volumeSnapshot": {"className": "x"}}})
    with pytest.raises(BackupSourceMissing, match="volume snapshots, which no gate looks at") as it:
        backup.begin(WANTED)
    assert "spec.backup.barmanObjectStore" in it.value.hint
    assert cluster.created == []


def test_token_is_read_for_every_request(cluster: FakeCluster, job: JobTrigger) -> None:
    """The kubelet replaces it while a long backup is waited for."""
    job.begin(WANTED)
    cluster.write_token("the-next-token")
    job.look()
    assert set(cluster.tokens) == {TOKEN, "the-next-token"}
    assert cluster.tokens[-1] == "the-next-token"
