"""The Job that a backup trigger makes, on a real control plane, with the documented rights."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_trigger import JobTrigger as Named
from hook.triggers import Phase, Standing, Wanted
from hook.triggers.job import JobTrigger
from hook.triggers.kubernetes import KubernetesApi
from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import Document
from tests.cluster.node import ADDRESS
from tests.testbed.process import ROOT
from tests.testbed.run_context import eventually

_SECONDS = 120.0
_WANTED = Wanted("r1", None)
# Waits for a database that never comes, longer than the test does.
_LONG = ["verify", "--url", "postgresql://127.0.0.1:1/x", "--wait-timeout", "10m"]


def _documented_rights(namespace: str) -> str:
    """Return the Role for a CronJob and its binding, both in *namespace*."""
    text = (ROOT / "docs" / "backup-trigger.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    role, _, binding = block.split("---\n")
    return re.sub(r"namespace: \w+", f"namespace: {namespace}", f"{role}---\n{binding}")


def _cronjob(image: str, arguments: list[str]) -> Document:
    name, _, digest = image.partition(" ")
    container = {
        "name": "backup",
        "image": f"{name}@{digest}",
        "args": arguments,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    labels = {"app.kubernetes.io/instance": "shop", "app": "backup"}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "shop-backup"},
        "spec": {
            # The thirty-first of February: nobody but us starts one.
            "schedule": "0 0 31 2 *",
            "jobTemplate": {
                "metadata": {"labels": labels},
                "spec": {"backoffLimit": 0, "template": {"spec": pod}},
            },
        },
    }


@pytest.fixture
def trigger(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> JobTrigger:
    """Return the trigger as it is in a pod of the service account ``db-migration``."""
    place = f"--namespace={namespace}"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "db-migration"}}
    cluster.kubectl.apply(json.dumps(account), place)
    token = cluster.kubectl.run("create", "token", "db-migration", place).stdout
    (tmp_path / "token").write_text(token)
    authority = cluster.kubectl.kubeconfig.with_name("apiserver.crt")
    (tmp_path / "ca.crt").write_text(authority.read_text())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", ADDRESS)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    return JobTrigger(Named(namespace, "shop-backup"), KubernetesApi(tmp_path))


def test_job_from_a_cronjob_runs_to_its_end(
    cluster: Cluster, namespace: str, trigger: JobTrigger
) -> None:
    """The API server takes it, the CronJob's controller owns it, its conditions end the wait."""
    place = f"--namespace={namespace}"
    cluster.kubectl.apply(json.dumps(_cronjob(cluster.image, ["--version"])), place)
    cluster.kubectl.apply(_documented_rights(namespace))
    begun = trigger.begin(_WANTED)
    assert not begun.is_adopted
    eventually(lambda: trigger.look().phase is not Phase.RUNNING, _SECONDS)
    assert trigger.look().phase is Phase.ENDED
    job = cluster.kubectl.get(place, "job", begun.name.rpartition("/")[2])
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "shop-backup", True)
    assert job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert job["metadata"]["labels"]["app"] == "backup"
    assert "app.kubernetes.io/instance" not in job["metadata"]["labels"]


def test_job_that_somebody_started_is_taken_up(
    cluster: Cluster, namespace: str, trigger: JobTrigger
) -> None:
    """It is found by its owner; and when it is deleted, that is the end of it."""
    place = f"--namespace={namespace}"
    cluster.kubectl.apply(json.dumps(_cronjob(cluster.image, _LONG)), place)
    cluster.kubectl.apply(_documented_rights(namespace))
    cluster.kubectl.run("create", "job", place, "--from=cronjob/shop-backup", "by-hand")
    begun = trigger.begin(_WANTED)
    assert (begun.name, begun.is_adopted) == (f"Job {namespace}/by-hand", True)
    assert trigger.look() == Standing(Phase.RUNNING)
    cluster.kubectl.run("delete", "job", place, "by-hand")
    assert trigger.look() == Standing(Phase.FAILED, "it was deleted")


def test_rights_that_are_missing_are_told(
    cluster: Cluster, namespace: str, trigger: JobTrigger
) -> None:
    """First nothing is allowed, then the CronJob may be read that is not there."""
    with pytest.raises(BackupUnknown, match="may not read CronJob"):
        trigger.begin(_WANTED)
    cluster.kubectl.apply(_documented_rights(namespace))
    with pytest.raises(BackupSourceMissing, match=f"there is no CronJob {namespace}/shop-backup"):
        trigger.begin(_WANTED)
