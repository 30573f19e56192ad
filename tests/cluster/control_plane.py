"""etcd, the API server, the controllers and the scheduler, for one administrator."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path

from tests.cluster.kubectl import Kubectl, KubectlFailed
from tests.cluster.program import Programs

_ETCD = "http://127.0.0.1:2379"
_PORT = 6443


def start_control_plane(programs: Programs, binaries: Path, address: str) -> Kubectl:
    """Start everything but the node, and return its kubectl.

    It is made for one test session in a network of its own: one token may do everything,
    and nothing survives a crash. *address* is one that pods can reach.

    Raises:
        ProgramFailed: Something ended or did not become ready.
    """
    folder = programs.folder
    kubectl = Kubectl(binaries / "kubectl", folder / "kubeconfig")
    _write_credentials(folder, address)
    programs.start(
        binaries / "etcd", f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD}", f"--advertise-client-urls={_ETCD}",
    )  # fmt: skip
    programs.start(
        binaries / "kube-apiserver", f"--etcd-servers={_ETCD}",
        f"--cert-dir={folder}", f"--advertise-address={address}", f"--secure-port={_PORT}",
        "--service-cluster-ip-range=198.19.0.0/24",
        # For the logs; there is no DNS that knows the node by its name.
        "--kubelet-preferred-address-types=InternalIP",
        "--authorization-mode=RBAC", f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'account.key'}",
        f"--service-account-signing-key-file={folder / 'account.key'}",
    )  # fmt: skip
    programs.wait_until(lambda: _is_ready(kubectl), "API server")
    as_admin = f"--kubeconfig={kubectl.kubeconfig}"
    programs.start(
        binaries / "kube-controller-manager", as_admin, "--leader-elect=false",
        f"--service-account-private-key-file={folder / 'account.key'}",
    )  # fmt: skip
    programs.start(binaries / "kube-scheduler", as_admin, "--leader-elect=false")
    return kubectl


def _write_credentials(folder: Path, address: str) -> None:
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    key = folder / "account.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    # The API server signs a certificate for this address itself, and for no other.
    server, authority = f"https://{address}:{_PORT}", folder / "apiserver.crt"
    cluster = {"server": server, "certificate-authority": str(authority)}
    named = {
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    text = json.dumps({"apiVersion": "v1", "kind": "Config"} | named)
    (folder / "kubeconfig").write_text(text)


def _is_ready(kubectl: Kubectl) -> bool:
    try:
        return kubectl.run("get", "--raw=/readyz").stdout == "ok"
    except KubectlFailed:
        return False
