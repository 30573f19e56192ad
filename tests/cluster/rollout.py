"""One release on its way into a namespace: what Argo CD applies, and what it then sees."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.cluster.kubectl import Document, Kubectl, KubectlFailed
from tests.testbed.process import ROOT

HOOK = "argocd-presync"
BY_HAND = "manual-job"
JOB = "db-migration"

_SECONDS = 120.0
_KEPT = "presync.test/kept"
_CONTAINER = "migrate"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Release:
    """What a release writes into its kustomization.

    Attributes:
        image: Name and digest, with a blank between them.
        env: Settings on top of the manifest's; without a backup source there is no backup gate.
        spec: Fields of the Job's ``spec`` in place of the manifest's.
        scripts: Migrations in a ConfigMap, instead of those in the image.
        command: In place of the image's own.
    """

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, object] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    def patch(self) -> Document:
        """Return the patch for the Job."""
        settings = {"PRESYNC_BACKUP_SOURCE": "none", **self.env}
        env = [{"name": name, "value": value} for name, value in settings.items()]
        container: Document = {"name": _CONTAINER, "env": env}
        pod: Document = {"containers": [container]}
        if self.command:
            container["command"] = list(self.command)
        if self.scripts:
            container["volumeMounts"] = [{"name": "migrations", "mountPath": "/migrations"}]
            pod["volumes"] = [{"name": "migrations", "configMap": {"name": "migrations"}}]
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": JOB},
            "spec": {**self.spec, "template": {"spec": pod}},
        }


MakeRelease = Callable[..., Release]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One pod of the Job, as the API server knows it."""

    pod: Document

    @property
    def name(self) -> str:
        """Return the pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def conditions(self) -> set[str]:
        """Return the types of the pod's conditions that hold."""
        conditions = self.pod["status"].get("conditions", ())
        return {item["type"] for item in conditions if item["status"] == "True"}

    @property
    def has_ended(self) -> bool:
        """Tell whether the container has ended."""
        statuses = self.pod["status"].get("containerStatuses", ())
        return any("terminated" in status["state"] for status in statuses)

    @property
    def _terminated(self) -> Document:
        (status,) = self.pod["status"]["containerStatuses"]
        return dict(status["state"]["terminated"])

    @property
    def exit_code(self) -> int:
        """Return the exit code that the kubelet reported."""
        return int(self._terminated["exitCode"])

    @property
    def message(self) -> str:
        """Return the termination message."""
        return str(self._terminated["message"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a Job ended, as Argo CD reads it: the condition's type and message."""

    condition: str
    message: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """The releases of one namespace; their kustomization is in *folder*."""

    kubectl: Kubectl
    namespace: str
    folder: Path

    def render(self, release: Release, overlay: str = HOOK) -> str:
        """Write the kustomization of *release* and return what kustomize makes of it."""
        name, _, digest = release.image.partition(" ")
        base = os.path.relpath(ROOT / "manifests" / "overlays" / overlay, self.folder)
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": self.namespace,
            "resources": [base],
            "images": [{"name": "presync", "newName": name, "digest": digest}],
            "patches": [{"target": {"kind": "Job"}, "patch": json.dumps(release.patch())}],
        }
        (self.folder / "kustomization.yaml").write_text(json.dumps(kustomization))
        return self.kubectl.run("kustomize", str(self.folder)).stdout

    def create(self, kind: str, name: str, **fields: Mapping[str, str]) -> None:
        """Apply what must be there before the sync."""
        document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}} | fields
        self.kubectl.apply(json.dumps(document), f"--namespace={self.namespace}")

    def sync(self, release: Release) -> None:
        """Do what Argo CD does in the PreSync phase, up to the wait for the Job."""
        if release.scripts:
            self.create("ConfigMap", "migrations", data=release.scripts)
        self.delete_job()
        self.kubectl.apply(self.render(release))

    def delete_job(self) -> None:
        """Delete the Job as the policy BeforeHookCreation does, and wait until it is gone."""
        self._kubectl("delete", "job", JOB, "--ignore-not-found", "--cascade=foreground")

    def job(self, name: str = JOB) -> Document:
        """Return the Job as it is now."""
        return self.kubectl.get(f"--namespace={self.namespace}", "job", name)

    def outcome(self, name: str = JOB) -> Outcome:
        """Wait until the Job has ended, and return how."""

        def ended() -> Outcome | None:
            for condition in self.job(name)["status"].get("conditions", ()):
                if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
                    return Outcome(condition["type"], condition.get("message", ""))
            return None

        return self.wait_for(ended, f"end of {name}")

    def attempts(self, name: str = JOB) -> list[Attempt]:
        """Return the pods of the Job that are still there, the oldest first."""
        selector = f"--selector=batch.kubernetes.io/job-name={name}"
        found = self.kubectl.get(f"--namespace={self.namespace}", "pods", selector)["items"]
        return [Attempt(pod) for pod in sorted(found, key=_creation)]

    def attempt(self, name: str = JOB) -> Attempt:
        """Return the only pod that there is; those that failed by themselves stay."""
        (only,) = self.attempts(name)
        return only

    def log(self, pod: str) -> list[Document]:
        """Return the events that the pod has logged; its report is in the same stream."""
        lines = map(json.loads, self._kubectl("logs", pod).splitlines())
        return [line for line in lines if "event" in line]

    def ended(self, pod: str) -> Attempt | None:
        """Return *pod* if it has ended."""
        found = Attempt(self.kubectl.get(f"--namespace={self.namespace}", "pod", pod))
        return found if found.has_ended else None

    @contextlib.contextmanager
    def kept(self, pod: str) -> Iterator[None]:
        """Keep *pod* readable after it was deleted, until the end of the block."""
        patch = [{"op": "add", "path": "/metadata/finalizers/-", "value": _KEPT}]
        self._kubectl("patch", "pod", pod, "--type=json", f"--patch={json.dumps(patch)}")
        try:
            yield
        finally:
            self.wait_for(lambda: self._release(pod), f"release of {pod}")

    def _release(self, pod: str) -> bool | None:
        """Give up *pod*; nothing when its controller took away its own hold meanwhile."""
        found = self.kubectl.get(f"--namespace={self.namespace}", "pod", pod)
        place = f"/metadata/finalizers/{found['metadata']['finalizers'].index(_KEPT)}"
        patch = [{"op": "test", "path": place, "value": _KEPT}, {"op": "remove", "path": place}]
        try:
            self._kubectl("patch", "pod", pod, "--type=json", f"--patch={json.dumps(patch)}")
        except KubectlFailed:
            return None
        return True

    def evict(self, pod: str) -> None:
        """Ask the API server to evict *pod*, as ``kubectl drain`` does."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}"
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": self.namespace},
        }
        arguments = ("create", f"--raw={path}/eviction", "--filename=-")
        self.kubectl.run(*arguments, stdin=json.dumps(eviction))

    def delete_pod(self, pod: str) -> None:
        """Delete *pod* as somebody by hand would."""
        self._kubectl("delete", "pod", pod, "--wait=false")

    def wait_for(self, find: Callable[[], T | None], what: str) -> T:
        """Return what *find* finds, as soon as it does.

        Raises:
            AssertionError: It did not in time; the message tells what the cluster did instead.
        """
        end = time.monotonic() + _SECONDS
        while (found := find()) is None:
            assert time.monotonic() < end, f"no {what} in {self.namespace}:\n{self._story()}"
            time.sleep(0.3)
        return found

    def _story(self) -> str:
        pods = self._kubectl("get", "pods", "--output=wide")
        events = self._kubectl("events")
        return f"{pods}\n{events}"

    def _kubectl(self, *arguments: str) -> str:
        return self.kubectl.run(*arguments, f"--namespace={self.namespace}").stdout


def _creation(pod: Document) -> str:
    return str(pod["metadata"]["creationTimestamp"])
