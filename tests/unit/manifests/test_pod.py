"""The pod of every render: what it may do, what it is told, what it leaves behind."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from hook.settings.specification import SETTINGS
from tests.testbed.manifests import RENDERS, Document, container, documents, environment, one
from tests.testbed.pod_security import violations
from tests.testbed.process import ROOT

# How long presync may take from SIGTERM to its exit.
_STOP_BUDGET = timedelta(seconds=20)
_CONNECTION = {f"POSTGRES_{part}" for part in ("HOST", "PORT", "DB", "USER", "PASSWORD")}


@pytest.fixture(params=RENDERS)
def job(request: pytest.FixtureRequest) -> Document:
    """Return the Job of each render in turn."""
    return one(request.param, "Job")


@pytest.fixture
def pod(job: Document) -> Document:
    """Return the pod's spec."""
    return dict(job["spec"]["template"]["spec"])


def test_pod_has_time_to_roll_back(pod: Document) -> None:
    """The grace period holds the whole stop, with a margin."""
    assert pod["terminationGracePeriodSeconds"] >= 2 * _STOP_BUDGET.total_seconds()


def test_pod_leaves_a_message_even_without_writing_one(job: Document) -> None:
    """When presync could not write its message, the end of its log becomes the message."""
    assert container(job)["terminationMessagePath"] == "/dev/termination-log"
    assert container(job)["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_pod_starts_presync_itself(job: Document) -> None:
    """No shell stands between the stop signal and the process, and no probe ends it midway."""
    assert container(job)["args"] == ["run"]
    probes = {f"{kind}Probe" for kind in ("liveness", "readiness", "startup")}
    assert not {"command", "lifecycle", *probes} & set(container(job))
    assert 'ENTRYPOINT ["presync"]' in (ROOT / "Dockerfile").read_text()


def test_pod_pins_its_image(job: Document) -> None:
    """What was reviewed is what runs, from the node's cache when it is there."""
    assert re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", container(job)["image"])
    assert container(job)["imagePullPolicy"] == "IfNotPresent"


def test_pod_meets_the_restricted_standard(pod: Document) -> None:
    """Admission lets the pod into a namespace that enforces "restricted"."""
    assert violations(pod) == []


def test_pod_runs_as_the_images_user(pod: Document) -> None:
    """The user is a number, not root, and the one that the image was built for.

    Files of a Secret that is mounted with 0440 belong to the group.
    """
    context = pod["securityContext"]
    user, group = context["runAsUser"], context["runAsGroup"]
    assert user > 0
    assert group > 0
    assert context["fsGroup"] == group
    assert f"USER {user}:{group}" in (ROOT / "Dockerfile").read_text().splitlines()


def test_pod_writes_to_bounded_volumes_only(job: Document, pod: Document) -> None:
    """The root is read-only; every volume is temporary, on disk, and has a limit."""
    assert container(job)["securityContext"]["readOnlyRootFilesystem"] is True
    assert all(set(volume) == {"name", "emptyDir"} for volume in pod["volumes"])
    # In memory it would count against the limit of the container.
    assert all(set(volume["emptyDir"]) == {"sizeLimit"} for volume in pod["volumes"])
    mounted = {mount["name"] for mount in container(job)["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_pod_has_no_credentials_of_the_cluster(pod: Document) -> None:
    """Nothing in the pod can talk to the API server."""
    assert pod["automountServiceAccountToken"] is False


def test_pod_has_a_service_account_of_its_own(
    request: pytest.FixtureRequest, job: Document, pod: Document
) -> None:
    """The account comes with the Job, has no token and no role."""
    render = request.node.callspec.params["job"]
    account = one(render, "ServiceAccount")
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    assert pod["serviceAccountName"].startswith("db-migration")
    assert account["automountServiceAccountToken"] is False
    kinds = {document["kind"] for document in documents(render)}
    assert kinds == {job["kind"], "ServiceAccount", "NetworkPolicy"}


def test_pod_gets_no_variables_from_services(pod: Document) -> None:
    """A Service with an unlucky name cannot change where libpq connects to."""
    assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("name", sorted(set(RENDERS) - {"cloudnative-pg", "from-flyway"}))
def test_connection_comes_from_one_secret(name: str) -> None:
    """Every part of the connection is one key of the same, pre-existing Secret."""
    env = environment(one(name, "Job"))
    references = {name: env[name]["valueFrom"]["secretKeyRef"] for name in _CONNECTION}
    assert {name: reference["key"] for name, reference in references.items()} == {
        name: name for name in _CONNECTION
    }
    assert len({reference["name"] for reference in references.values()}) == 1
    assert all(set(entry) == {"name", "valueFrom"} for entry in map(env.get, _CONNECTION) if entry)


def test_settings_are_literal_text(job: Document) -> None:
    """No variable is put together from others, and none is given twice."""
    env = container(job)["env"]
    values = [entry["value"] for entry in env if "value" in entry]
    assert not [value for value in values if "$(" in value]
    assert len({entry["name"] for entry in env}) == len(env)
    assert "envFrom" not in container(job)


def test_settings_are_presyncs_own_defaults(job: Document) -> None:
    """What the base makes visible is a setting, at the value it has anyway."""
    visible = {entry["name"]: entry for entry in container(one("base", "Job"))["env"]}
    defaults = {name: setting.default for setting in SETTINGS for name in setting.environment}
    assert {name for name in environment(job) if name.startswith("PRESYNC_")} <= set(defaults)
    for name, entry in visible.items():
        assert "value" not in entry or entry["value"] == defaults[name]


def test_settings_hold_no_secret(job: Document) -> None:
    """A password, token or URL with one belongs into the Secret."""
    literal = {entry["name"]: entry["value"] for entry in container(job)["env"] if "value" in entry}
    telling = re.compile(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY|_URL$|CREDENTIAL")
    assert not [name for name in literal if telling.search(name)]
    assert not [name for name, value in literal.items() if re.search(r"://[^/]*@", value)]


def test_pod_knows_who_it_is(job: Document) -> None:
    """The log and the report can be traced to the pod and the Job."""
    fields = {
        name: entry["valueFrom"]["fieldRef"]["fieldPath"]
        for name, entry in environment(job).items()
        if "fieldRef" in entry.get("valueFrom", {})
    }
    assert fields == {
        "PRESYNC_POD": "metadata.name",
        "PRESYNC_NAMESPACE": "metadata.namespace",
        "PRESYNC_JOB": "metadata.labels['batch.kubernetes.io/job-name']",
        "PRESYNC_JOB_UID": "metadata.labels['batch.kubernetes.io/controller-uid']",
    }


def test_pod_asks_for_what_it_needs(job: Document) -> None:
    """Memory and disk are bounded; CPU is not, as throttling only makes locks last longer."""
    resources = container(job)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}
    assert set(resources["limits"]) == {"memory", "ephemeral-storage"}
    assert resources["limits"]["memory"] == "128Mi"


def test_pod_is_not_moved_nor_given_sidecars(job: Document) -> None:
    """Autoscalers leave a migration alone, and no mesh proxy keeps the pod running."""
    metadata = job["spec"]["template"]["metadata"]
    assert metadata["annotations"] == {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        "linkerd.io/inject": "disabled",
    }
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"
