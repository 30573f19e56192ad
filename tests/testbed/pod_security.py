"""The "restricted" Pod Security Standard, as far as a rendered pod can break it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image",
    "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_PROFILES = {"RuntimeDefault", "Localhost"}

Spec = dict[str, Any]


def violations(pod: Spec) -> list[str]:
    """Return what in the pod spec *pod* admission would refuse under "restricted"."""
    containers = [
        item
        for key in ("initContainers", "containers", "ephemeralContainers")
        for item in pod.get(key, ())
    ]
    found = list(_pod_violations(pod))
    for item in containers:
        found += (f"{item['name']}: {text}" for text in _container_violations(pod, item))
    return found


def _pod_violations(pod: Spec) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field
    for volume in pod.get("volumes", ()):
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUMES:
            yield f"volume {volume['name']} of {', '.join(sorted(kinds))}"
    context = pod.get("securityContext", {})
    for field in ("sysctls", "seLinuxOptions", "appArmorProfile", "windowsOptions"):
        if field in context:
            yield f"securityContext.{field}"


def _container_violations(pod: Spec, container: Spec) -> Iterator[str]:
    own: Spec = container.get("securityContext", {})
    both: Spec = pod.get("securityContext", {}) | own
    capabilities = own.get("capabilities", {})
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if both.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if both.get("seccompProfile", {}).get("type") not in _PROFILES:
        yield "no seccompProfile"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities are not dropped"
    if not set(capabilities.get("add", ())) <= {"NET_BIND_SERVICE"}:
        yield "capabilities are added"
    if own.get("privileged"):
        yield "privileged"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "hostPort"
