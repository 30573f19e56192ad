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


def _container_violations(pod: Spec, container: Spec) -> list[str]:
    own: Spec = container.get("securityContext", {})
    both: Spec = pod.get("securityContext", {}) | own
    capabilities = own.get("capabilities", {})
    ports = container.get("ports", ())
    broken = {
        "runAsNonRoot is not true": both.get("runAsNonRoot") is not True,
        "runAsUser is 0": both.get("runAsUser") == 0,
        "no seccompProfile": both.get("seccompProfile", {}).get("type") not in _PROFILES,
        "allowPrivilegeEscalation is not false": own.get("allowPrivilegeEscalation") is not False,
        "capabilities are not dropped": "ALL" not in capabilities.get("drop", ()),
        "capabilities are added": set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"},
        "privileged": own.get("privileged"),
        "procMount": own.get("procMount", "Default") != "Default",
        "hostPort": any(port.get("hostPort") for port in ports),
    }
    return [text for text, is_broken in broken.items() if is_broken]
