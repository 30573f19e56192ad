"""What the API server says to the manifests, and that it would say no to others."""

from __future__ import annotations

import pytest
import yaml

from tests.cluster.kubectl import Document, KubectlFailed
from tests.cluster.rollout import BY_HAND, HOOK, MakeRelease, Rollout

_ON_TRIAL = "--dry-run=server"


def _objects(manifests: str) -> dict[str, Document]:
    return {document["kind"]: document for document in yaml.safe_load_all(manifests)}


def _missing(wanted: object, found: object, path: str = "") -> list[str]:
    """Return where *found* does not hold what *wanted* does."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            text
            for key, value in wanted.items()
            for text in _missing(value, found.get(key), f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [text for i, pair in pairs for text in _missing(*pair, f"{path}[{i}]")]
    return [] if wanted == found else [f"{path}: {wanted!r} became {found!r}"]


def test_hook_is_stored_as_it_was_written(rollout: Rollout, release: MakeRelease) -> None:
    """No field is unknown, changed or dropped: annotations, time to live, rules, contexts."""
    manifests = rollout.render(release())
    warnings = rollout.kubectl.apply(manifests)
    assert warnings == ""
    for kind, document in _objects(manifests).items():
        metadata = document["metadata"]
        stored = rollout.kubectl.get(f"--namespace={rollout.namespace}", kind, metadata["name"])
        assert _missing(document, stored) == []


def test_hook_has_what_argo_cd_needs_of_a_hook(rollout: Rollout, release: MakeRelease) -> None:
    """The stored Job is a PreSync hook that stays until the next sync, and then goes first."""
    rollout.sync(release())
    job = rollout.job()
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "PreSync"
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    assert "suspend" not in job["spec"] or job["spec"]["suspend"] is False
    assert job["spec"]["ttlSecondsAfterFinished"] == 7 * 24 * 3600
    assert job["spec"]["podReplacementPolicy"] == "Failed"


def test_job_by_hand_is_refused_until_it_has_a_name(rollout: Rollout, release: MakeRelease) -> None:
    """Nobody takes the result of an old Job for that of a new one."""
    manifests = rollout.render(release(), BY_HAND)
    with pytest.raises(KubectlFailed, match=r"db-migration-manual-NAME.*lowercase RFC 1123"):
        rollout.kubectl.apply(manifests, _ON_TRIAL)
    named = manifests.replace("manual-NAME", "manual-1")
    assert rollout.kubectl.apply(named, _ON_TRIAL) == ""


@pytest.mark.parametrize("overlay", [HOOK, BY_HAND])
def test_misspelt_field_is_refused(rollout: Rollout, release: MakeRelease, overlay: str) -> None:
    """The server checks every field: one that it does not know is not dropped in silence."""
    manifests = rollout.render(release(), overlay).replace("manual-NAME", "manual-1")
    with pytest.raises(KubectlFailed, match="backOffLimit"):
        rollout.kubectl.apply(manifests.replace("backoffLimit", "backOffLimit"), _ON_TRIAL)


def test_pod_with_more_rights_is_refused(rollout: Rollout, release: MakeRelease) -> None:
    """The namespace enforces the standard that the manifests keep: no pod, and Argo CD waits."""
    job = _objects(rollout.render(release()))["Job"]
    spec = job["spec"]["template"]["spec"]
    pod: Document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    rollout.kubectl.apply(yaml.safe_dump_all(_objects(rollout.render(release())).values()))
    place = f"--namespace={rollout.namespace}"
    assert rollout.kubectl.apply(yaml.safe_dump(pod), place, _ON_TRIAL) == ""
    del spec["securityContext"]["seccompProfile"]
    with pytest.raises(KubectlFailed, match=r'violates PodSecurity "restricted:latest".*seccomp'):
        rollout.kubectl.apply(yaml.safe_dump(pod), place, _ON_TRIAL)
