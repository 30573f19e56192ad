"""The Job's pod without a cluster: podman, told what the rendered manifest says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.testbed.database import Database, Role
from tests.testbed.manifests import Document, container
from tests.testbed.process import RunningPresync

# What the kubelet fills in; the values are those of no cluster.
_FIELDS = {
    "metadata.name": "db-migration-x7k2p",
    "metadata.namespace": "shop",
    "metadata.labels['batch.kubernetes.io/job-name']": "db-migration",
    "metadata.labels['batch.kubernetes.io/controller-uid']": "0a1b2c3d",
}


@dataclass(frozen=True, slots=True)
class Pod:
    """How one pod differs from the rendered Job.

    Attributes:
        image: Stands in for the Job's image.
        secret: What the Secret of the manifest holds.
        env: Settings on top of the manifest's.
        mounts: Paths of the host to be seen read-only inside, by their path there.
        arguments: Instead of the manifest's ``args``.
        entrypoint: Instead of the image's.
        user: Instead of the manifest's, as some clusters choose one themselves.
    """

    image: str
    secret: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    arguments: Sequence[str] | None = None
    entrypoint: str | None = None
    user: str | None = None

    def start(self, job: Document, name: str, termination_log: Path) -> RunningPresync:
        """Start the container *name* as the kubelet would; podman's exit code is its own."""
        env = self._environment(job)
        # The kubelet creates the file like this, whoever the container runs as.
        termination_log.touch()
        termination_log.chmod(0o666)
        command = ["podman", "run", "--rm", "--pull=never", "--network=host", f"--name={name}"]
        command += _confinement(job)
        log_path = container(job)["terminationMessagePath"]
        command += [f"--volume={termination_log}:{log_path}"]
        command += (f"--volume={host}:{inside}:ro" for inside, host in self.mounts.items())
        # A name without value is taken from podman's own environment: argv shows no secret.
        command += (f"--env={variable}" for variable in env)
        if self.user is not None:
            command.append(f"--user={self.user}")
        if self.entrypoint is not None:
            command.append(f"--entrypoint={self.entrypoint}")
        arguments = container(job)["args"] if self.arguments is None else self.arguments
        process = subprocess.Popen(
            [*command, self.image, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # conmon leaves a file named oom in the current folder when memory ran out.
            cwd=termination_log.parent,
            env=dict(os.environ) | env,
        )
        return RunningPresync(process)

    def _environment(self, job: Document) -> dict[str, str]:
        return {
            entry["name"]: value
            for entry in container(job)["env"]
            if (value := self._value(entry)) is not None
        } | dict(self.env)

    def _value(self, entry: Document) -> str | None:
        source = entry.get("valueFrom", {})
        if "secretKeyRef" in source:
            return self.secret.get(source["secretKeyRef"]["key"])
        if "fieldRef" in source:
            return _FIELDS[source["fieldRef"]["fieldPath"]]
        return str(entry["value"])


CANARY = "s3cr3t-canary"


def secret_of(database: Database, role: Role | None = None) -> dict[str, str]:
    """Return the Secret for *database*, as the superuser unless *role* is given.

    The password is `CANARY`, right for nobody; the superuser is trusted without.
    """
    return {
        "POSTGRES_HOST": database.server.host,
        "POSTGRES_PORT": str(database.server.port),
        "POSTGRES_DB": database.name,
        "POSTGRES_USER": role.name if role else database.server.superuser,
        "POSTGRES_PASSWORD": CANARY,
    }


def remove(name: str) -> None:
    """Kill and forget the container *name*, if there is still one."""
    subprocess.run(["podman", "rm", "--force", "--ignore", name], check=True, capture_output=True)


def _confinement(job: Document) -> list[str]:
    pod = job["spec"]["template"]["spec"]
    own, context = container(job)["securityContext"], pod["securityContext"]
    memory = container(job)["resources"]["limits"]["memory"].replace("Mi", "m")
    options = [
        f"--user={context['runAsUser']}:{context['runAsGroup']}",
        f"--memory={memory}",
        f"--memory-swap={memory}",
        f"--stop-timeout={pod['terminationGracePeriodSeconds']}",
    ]
    if own["readOnlyRootFilesystem"]:
        options += ["--read-only", "--read-only-tmpfs=false"]
    if not own["allowPrivilegeEscalation"]:
        options.append("--security-opt=no-new-privileges")
    options += (f"--cap-drop={name}" for name in own["capabilities"]["drop"])
    sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"]}
    options += (
        f"--tmpfs={mount['mountPath']}:size={sizes[mount['name']].replace('Mi', 'm')},mode=1777"
        for mount in container(job)["volumeMounts"]
    )
    return options
