"""The check behind "the pod meets the restricted standard" sees each violation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.testbed.manifests import one
from tests.testbed.pod_security import violations

Spec = dict[str, Any]


def _context(**fields: object) -> Callable[[Spec], None]:
    return lambda pod: pod["containers"][0]["securityContext"].update(fields)


def _pod_context(**fields: object) -> Callable[[Spec], None]:
    return lambda pod: pod["securityContext"].update(fields)


_BREAKS: dict[str, Callable[[Spec], None]] = {
    "hostNetwork": lambda pod: pod.update(hostNetwork=True),
    "volume socket of hostPath": lambda pod: pod["volumes"].append(
        {"name": "socket", "hostPath": {"path": "/run"}}
    ),
    "securityContext.sysctls": _pod_context(sysctls=[{"name": "kernel.shm", "value": "1"}]),
    "runAsNonRoot is not true": _pod_context(runAsNonRoot=False),
    "runAsUser is 0": _context(runAsUser=0),
    "no seccompProfile": _context(seccompProfile={"type": "Unconfined"}),
    "allowPrivilegeEscalation is not false": _context(allowPrivilegeEscalation=None),
    "capabilities are not dropped": _context(capabilities={"drop": ["NET_RAW"]}),
    "capabilities are added": _context(capabilities={"drop": ["ALL"], "add": ["SYS_PTRACE"]}),
    "privileged": _context(privileged=True),
    "procMount": _context(procMount="Unmasked"),
    "hostPort": lambda pod: pod["containers"][0].update(ports=[{"hostPort": 80}]),
}


@pytest.mark.parametrize("expected", _BREAKS)
def test_violations_name_what_admission_would_refuse(expected: str) -> None:
    """A pod that is broken in one way has that one violation."""
    pod = copy.deepcopy(one("base", "Job")["spec"]["template"]["spec"])
    _BREAKS[expected](pod)
    (found,) = violations(pod)
    assert found.endswith(expected)


def test_violations_look_at_init_containers_too() -> None:
    """A bare init container violates every rule for containers that the pod does not set."""
    pod = copy.deepcopy(one("base", "Job")["spec"]["template"]["spec"])
    pod["initContainers"] = [{"name": "wait"}]
    assert violations(pod) == [
        "wait: allowPrivilegeEscalation is not false",
        "wait: capabilities are not dropped",
    ]
