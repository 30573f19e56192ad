"""The Job that is made from a CronJob, and what its conditions say."""

from __future__ import annotations

from typing import Any

import pytest

from hook.core.backups.cronjob import active_job_of, finish_of, job_from

CRONJOB: dict[str, Any] = {
    "metadata": {
        "name": "shop-backup",
        "uid": "u-1",
        "annotations": {"argocd.argoproj.io/tracking-id": "shop:batch/CronJob:ops/shop-backup"},
    },
    "spec": {
        "schedule": "0 2 * * *",
        "jobTemplate": {
            "metadata": {
                "labels": {"app": "backup", "app.kubernetes.io/instance": "shop"},
                "annotations": {"a": "b", "argocd.argoproj.io/hook": "PreSync"},
            },
            "spec": {"template": {"spec": {"containers": [{"name": "backup"}]}}},
        },
    },
}


def _job(name: str, uid: str = "u-1", **fields: object) -> dict[str, Any]:
    return {"metadata": {"name": name, "ownerReferences": [{"uid": uid}]}, **fields}


def _finished(kind: str, status: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "message": "why"}]}


def test_job_is_that_of_the_template() -> None:
    """As ``kubectl create job --from`` makes it, but with a name that the server completes."""
    job = job_from(CRONJOB, "r1")
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["spec"] == CRONJOB["spec"]["jobTemplate"]["spec"]
    assert job["metadata"]["generateName"] == "shop-backup-presync-"
    assert job["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": "shop-backup",
            "uid": "u-1",
            "controller": True,
        }
    ]


def test_job_is_none_of_argo_cds() -> None:
    """Argo CD would prune what carries its marks and is not in the repository."""
    metadata = job_from(CRONJOB, "r1")["metadata"]
    assert metadata["labels"] == {"app": "backup"}
    assert metadata["annotations"] == {
        "a": "b",
        "cronjob.kubernetes.io/instantiate": "manual",
        "presync/run-id": "r1",
    }


def test_job_of_a_long_name_still_has_room() -> None:
    """The server appends five characters, and refuses more than 63."""
    long = {**CRONJOB, "metadata": {"name": f"{'a' * 44}.{'b' * 7}", "uid": "u"}}
    assert job_from(long, "r1")["metadata"]["generateName"] == f"{'a' * 44}-presync-"
    longest = {**CRONJOB, "metadata": {"name": "a" * 52, "uid": "u"}}
    name = job_from(longest, "r1")["metadata"]["generateName"]
    assert name == f"{'a' * 45}-presync-"
    assert len(name) + 5 <= 63


def test_job_needs_no_metadata_in_the_template() -> None:
    """Most CronJobs have none there."""
    template: dict[str, Any] = {"spec": {"template": {}}}
    plain = {**CRONJOB, "spec": {"jobTemplate": template}}
    assert job_from(plain, "r1")["metadata"]["labels"] == {}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({}, "no metadata"),
        ({"metadata": {"name": "x"}}, "no name and uid"),
        ({"metadata": {"name": "x", "uid": 7}}, "no name and uid"),
        ({"metadata": CRONJOB["metadata"], "spec": []}, "no spec"),
        ({"metadata": CRONJOB["metadata"], "spec": {"jobTemplate": {}}}, "no spec"),
    ],
)
def test_answer_that_is_no_cronjob_is_told(answer: dict[str, Any], told: str) -> None:
    """Whatever answers for the API server."""
    with pytest.raises(ValueError, match=told):
        job_from(answer, "r1")


def test_active_job_is_one_of_the_cronjob_that_goes_on() -> None:
    """Not another's, not a finished one, not one that somebody has put to rest."""
    jobs: list[dict[str, Any]] = [
        {"status": None},
        {"metadata": {"name": "orphan"}},
        _job("other", "u-2"),
        _job("done", status=_finished("Complete")),
        _job("failed", status=_finished("Failed")),
        _job("resting", spec={"suspend": True}),
        _job("new"),
        _job("later"),
    ]
    assert active_job_of(CRONJOB, jobs) == "new"
    assert active_job_of(CRONJOB, jobs[:6]) is None


def test_finish_is_what_a_condition_says() -> None:
    """Kubernetes announces an end before it has come; only the last word counts."""
    assert finish_of(_job("x")) is None
    assert finish_of(_job("x", status=_finished("SuccessCriteriaMet"))) is None
    assert finish_of(_job("x", status=_finished("Complete", "False"))) is None
    assert finish_of(_job("x", status=_finished("Complete"))) == (True, "why")
    assert finish_of(_job("x", status=_finished("Failed"))) == (False, "why")
