"""A Job from the template of a CronJob, as ``kubectl create job --from`` makes it.

Shapes: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hook.core.backups.json_values import mapping_of, mappings_of

Manifest = Mapping[str, Any]

# With these, Argo CD would take the Job for one of an application's own, and prune it.
_TRACKING = frozenset({"app.kubernetes.io/instance"})
_TRACKING_PREFIX = "argocd.argoproj.io/"
# A name may have 63 characters; the server appends five to generateName.
_STEM_LENGTH = 45
_FINISHED = frozenset({"Complete", "Failed"})


def job_from(cronjob: Manifest, run_id: str) -> dict[str, Any]:
    """Return the Job that *cronjob* would make by itself, now, for the run *run_id*.

    Raises:
        ValueError: It is none.
    """
    identity = _identity(cronjob)
    template = _mapping(_mapping(cronjob, "spec"), "jobTemplate")
    metadata = mapping_of(template.get("metadata"))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": f"{identity['name'][:_STEM_LENGTH].rstrip('-.')}-presync-",
            "labels": _without_tracking(mapping_of(metadata.get("labels"))),
            "annotations": {
                **_without_tracking(mapping_of(metadata.get("annotations"))),
                "cronjob.kubernetes.io/instantiate": "manual",
                "presync/run-id": run_id,
            },
            # Not blockOwnerDeletion: that takes a right on the CronJob's finalizers.
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "CronJob",
                    "name": identity["name"],
                    "uid": identity["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": _mapping(template, "spec"),
    }


def active_job_of(cronjob: Manifest, jobs: Iterable[Manifest]) -> str | None:
    """Return the name of a Job of *cronjob* that is not finished, none without one.

    Raises:
        ValueError: *cronjob* is none.
    """
    uid = _identity(cronjob)["uid"]
    for job in jobs:
        metadata = mapping_of(job.get("metadata"))
        owners = mappings_of(metadata.get("ownerReferences"))
        is_suspended = mapping_of(job.get("spec")).get("suspend") is True
        is_own = any(owner.get("uid") == uid for owner in owners)
        if is_own and not is_suspended and finish_of(job) is None:
            return str(metadata.get("name"))
    return None


def finish_of(job: Manifest) -> tuple[bool, str] | None:
    """Return whether *job* succeeded and what is told of it, none while it runs."""
    for condition in mappings_of(mapping_of(job.get("status")).get("conditions")):
        kind = str(condition.get("type"))
        if kind in _FINISHED and condition.get("status") == "True":
            told = condition.get("message") or condition.get("reason") or ""
            return kind == "Complete", str(told)
    return None


def _identity(manifest: Manifest) -> Mapping[str, str]:
    metadata = _mapping(manifest, "metadata")
    if not all(isinstance(metadata.get(key), str) for key in ("name", "uid")):
        raise ValueError("it has no name and uid")
    return metadata


def _mapping(manifest: Manifest, key: str) -> Manifest:
    value = manifest.get(key)
    if not isinstance(value, Mapping):
        raise ValueError(f"it has no {key}")  # noqa: TRY004 - the server's answer, not a bug
    return value


def _without_tracking(names: Manifest) -> dict[str, Any]:
    return {
        name: value
        for name, value in names.items()
        if name not in _TRACKING and not name.startswith(_TRACKING_PREFIX)
    }
