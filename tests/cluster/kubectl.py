"""kubectl, as an operator would use it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]

# Longer than a pod may take to stop, as deleting waits for that.
_SECONDS = 120.0


class KubectlFailed(Exception):
    """The API server, or kubectl itself, refused; the message is what kubectl said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The program *path*, an administrator of the cluster in *kubeconfig*."""

    path: Path
    kubeconfig: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return variables under which ``kubectl`` in a shell is this one."""
        return {
            "PATH": f"{self.path.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.kubeconfig.parent),
            "KUBECONFIG": str(self.kubeconfig),
        }

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl with *arguments*.

        Raises:
            KubectlFailed: It did not end with 0.
        """
        done = subprocess.run(
            [self.path, *arguments],
            input=stdin, capture_output=True, text=True, check=False, timeout=_SECONDS,
            env=self.environment,
        )  # fmt: skip
        if done.returncode:
            raise KubectlFailed(done.stderr or done.stdout)
        return done

    def get(self, *arguments: str) -> Document:
        """Return the object or list that ``kubectl get`` finds.

        Raises:
            KubectlFailed: There is no such object.
        """
        found: Document = json.loads(self.run("get", "--output=json", *arguments).stdout)
        return found

    def apply(self, manifests: str, *options: str) -> str:
        """Apply *manifests* on the server, unknown fields refused; return its warnings.

        Raises:
            KubectlFailed: The server refused them.
        """
        strict = ("apply", "--server-side", "--validate=strict", "--filename=-")
        return self.run(*strict, *options, stdin=manifests).stderr
