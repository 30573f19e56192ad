"""The triggers that ask Kubernetes, over TLS, against a server that speaks its shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hook.core.backups.cnpg import PLUGIN
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_trigger import ClusterTrigger as NamedCluster
from hook.settings.backup_trigger import JobTrigger as NamedJob
from hook.triggers import Begun, Phase, Standing, Trigger, Wanted
from hook.triggers.cnpg import ClusterTrigger
from hook.triggers.job import JobTrigger
from hook.triggers.kubernetes import KubernetesApi
from tests.testbed.kubernetes_api import TOKEN, FakeCluster, refusal, running_api

BATCH = "/apis/batch/v1/namespaces/ops"
CNPG = "/apis/postgresql.cnpg.io/v1/namespaces/ops"
CRONJOB = f"{BATCH}/cronjobs/shop-backup"
CLUSTER = f"{CNPG}/clusters/db"
WANTED = Wanted("r1", None)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """Return a cluster with a CronJob and a cluster of CloudNativePG, seen from a pod."""
    with running_api(tmp_path) as api:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
        # No proxy has any business with the cluster's own address.
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        template: dict[str, Any] = {"spec": {"template": {"spec": {"containers": []}}}}
        api.put(CRONJOB, spec={"jobTemplate": template})
        api.put(CLUSTER, spec={"plugins": [{"name": PLUGIN}]})
        yield api


@pytest.fixture
def job(cluster: FakeCluster) -> JobTrigger:
    """Return the trigger that makes a Job."""
    return JobTrigger(NamedJob("ops", "shop-backup"), KubernetesApi(cluster.folder))


@pytest.fixture
def backup(cluster: FakeCluster) -> ClusterTrigger:
    """Return the trigger that makes a Backup."""
    return ClusterTrigger(NamedCluster("ops", "db"), KubernetesApi(cluster.folder))


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
    job.close()
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
    backup.close()


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


@pytest.fixture
def trigger(request: pytest.FixtureRequest) -> Trigger:
    """Return the trigger that a test's parameter names."""
    found: Trigger = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
@pytest.mark.parametrize(
    ("answer", "told", "hint"),
    [
        (refusal(403, "jobs.batch is forbidden"), "may not read", "docs/backup-trigger.md"),
        (refusal(401, "Unauthorized"), "does not accept the service account's token", "projected"),
        (refusal(500, "etcd\nis gone"), "HTTP 500 (etcd\\nis gone)", "run again"),
        ((503, b"<html>busy</html>"), "HTTP 503 (HTTP 503)", "run again"),
        ((429, b"[]"), "HTTP 429", "run again"),
        ((200, b"<html>"), "does not answer", "NetworkPolicy"),
        ((200, b"[]"), "it is no object", "NetworkPolicy"),
        ((307, b"https://127.0.0.1:1/"), "HTTP 307", "run again"),
    ],
)
def test_refusal_has_a_reason_and_a_next_step(
    cluster: FakeCluster, trigger: Trigger, answer: tuple[int, bytes], told: str, hint: str
) -> None:
    """Whatever the API server says instead, and no token goes to anybody else."""
    cluster.answer = lambda _method, _path: answer
    with pytest.raises(BackupUnknown) as caught:
        trigger.begin(WANTED)
    assert told in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert TOKEN not in caught.value.message
    assert len(cluster.tokens) == 1


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
def test_right_to_create_is_told_apart(cluster: FakeCluster, trigger: Trigger) -> None:
    """Reading is allowed, creating is not."""

    def answer(method: str, _path: str) -> tuple[int, bytes] | None:
        return refusal(403, "no") if method == "POST" else None

    cluster.answer = answer
    with pytest.raises(BackupUnknown, match=r"may not create (Jobs|Backups) in ops"):
        trigger.begin(WANTED)


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
def test_what_is_named_and_not_there_is_told(cluster: FakeCluster, trigger: Trigger) -> None:
    """A typing mistake in the name."""
    cluster.objects.clear()
    with pytest.raises(BackupSourceMissing, match=r"there is no (CronJob|Cluster) ops/"):
        trigger.begin(WANTED)


def test_answer_that_is_no_cronjob_is_told(cluster: FakeCluster, job: JobTrigger) -> None:
    """Some proxy answers everything with an object of its own."""
    cluster.answer = lambda _method, _path: (200, json.dumps({"kind": "x"}).encode())
    with pytest.raises(BackupUnknown, match="is not CronJob ops/shop-backup: it has no metadata"):
        job.begin(WANTED)


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
def test_object_without_a_name_is_not_followed(cluster: FakeCluster, trigger: Trigger) -> None:
    """Nobody could say which of them to wait for."""
    nameless = json.dumps({"kind": "x", "metadata": {}}).encode()
    cluster.answer = lambda method, _path: (201, nameless) if method == "POST" else None
    with pytest.raises(BackupUnknown, match=r"is none of (Jobs|Backups) in ops: it has no name"):
        trigger.begin(WANTED)


def test_list_that_does_not_end_is_left(cluster: FakeCluster, job: JobTrigger) -> None:
    """A server that always has one more page."""
    endless = json.dumps({"items": [], "metadata": {"continue": "more"}}).encode()
    cluster.answer = lambda _method, path: (200, endless) if "/jobs" in path else None
    with pytest.raises(BackupUnknown, match="the list of Jobs in ops does not end"):
        job.begin(WANTED)


def test_server_of_another_authority_is_not_told_the_token(
    cluster: FakeCluster, job: JobTrigger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only the CA of the service account counts."""
    with running_api(tmp_path_factory.mktemp("other")) as other:
        (cluster.folder / "ca.crt").write_bytes((other.folder / "ca.crt").read_bytes())
        with pytest.raises(BackupUnknown, match="certificate verify failed"):
            job.begin(WANTED)
    assert cluster.tokens == []


def test_pod_without_a_service_account_is_told(job: JobTrigger, cluster: FakeCluster) -> None:
    """The manifests mount no token unless told to."""
    (cluster.folder / "token").unlink()
    with pytest.raises(BackupUnknown, match="token cannot be read: no such file") as caught:
        job.begin(WANTED)
    assert "automountServiceAccountToken: true" in caught.value.hint


def test_no_cluster_around_is_told(job: JobTrigger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody tries it on his own machine."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(BackupSourceMissing, match="there is no Kubernetes API"):
        job.begin(WANTED)


def test_server_that_is_not_there_is_told(job: JobTrigger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default NetworkPolicy lets nothing pass to the API server."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    with pytest.raises(BackupUnknown, match="the Kubernetes API does not answer"):
        job.begin(WANTED)
