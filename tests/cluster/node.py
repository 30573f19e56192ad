"""The node: a network for its pods, containerd and the kubelet."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.cluster.kubectl import Kubectl, KubectlFailed
from tests.cluster.program import Programs

# Of the range that is set aside for tests of networks (RFC 2544). The node is the first.
ADDRESS = "198.18.0.1"
_NETWORK = "198.18.0.0/24"
_BRIDGE = "pods"
_NAME = "node"

PAUSE_IMAGE = "localhost/pause:1"
CONTROL_GROUP = "/presync-cluster"  # removed by .ci/cluster

_CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
_CONTAINERD = """\
version = 2
root = "{folder}/containerd"
[plugins."io.containerd.grpc.v1.cri"]
disable_apparmor = true
restrict_oom_score_adj = true
sandbox_image = "{pause}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{folder}/cni"
"""


def add_network(folder: Path) -> None:
    """Make the bridge that the pods are attached to. Nobody enforces a NetworkPolicy on it."""
    for command in (
        f"ip link add {_BRIDGE} type bridge",
        f"ip address add {ADDRESS}/24 dev {_BRIDGE}",
        f"ip link set {_BRIDGE} up",
    ):
        subprocess.run(command.split(), check=True)
    plugin = {
        "type": "bridge",
        "bridge": _BRIDGE,
        "isGateway": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": _NETWORK}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(folder / "addresses"),
        },
    }
    (folder / "cni").mkdir()
    conflist = {"cniVersion": "0.4.0", "name": "pods", "plugins": [plugin]}
    (folder / "cni" / "pods.conflist").write_text(json.dumps(conflist))


def start_containerd(programs: Programs) -> None:
    """Start containerd.

    Raises:
        ProgramFailed: It ended or did not become ready.
    """
    path = programs.folder / "containerd.toml"
    path.write_text(_CONTAINERD.format(folder=programs.folder, pause=PAUSE_IMAGE))
    programs.start("containerd", "--config", path)

    def answers() -> bool:
        return subprocess.run(["ctr", "version"], capture_output=True, check=False).returncode == 0

    programs.wait_until(answers, "containerd")


def start_kubelet(programs: Programs, kubelet: Path, kubectl: Kubectl) -> None:
    """Start the kubelet and wait until pods may be scheduled on it.

    Raises:
        ProgramFailed: It ended or the node did not become ready.
    """
    folder = programs.folder
    path = folder / "kubelet.json"
    path.write_text(json.dumps(_kubelet_configuration(folder)))
    programs.start(
        kubelet, f"--config={path}", f"--kubeconfig={kubectl.kubeconfig}",
        f"--root-dir={folder / 'kubelet'}", f"--hostname-override={_NAME}", f"--node-ip={ADDRESS}",
    )  # fmt: skip

    def is_schedulable() -> bool:
        try:
            return "taints" not in kubectl.get("node", _NAME)["spec"]
        except KubectlFailed:
            return False

    programs.wait_until(is_schedulable, "node without taints")


def _kubelet_configuration(folder: Path) -> dict[str, object]:
    """Return what lets the kubelet run in a container, and in either version of control groups."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{_CONTAINERD_SOCKET}",
        "address": ADDRESS,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "podLogsDir": str(folder / "pods"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": CONTROL_GROUP,
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        # The disk is that of whoever runs the tests, and may be nearly full.
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
    }
