"""One node of Kubernetes for all tests of this folder: `make cluster` builds and runs it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.control_plane import start_control_plane
from tests.cluster.forwarder import Address, forwarded
from tests.cluster.images import build_pause_image, build_release, import_image
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import ADDRESS, PAUSE_IMAGE, add_network, start_containerd, start_kubelet
from tests.cluster.program import Programs, running_programs
from tests.cluster.rollout import MakeRelease, Release, Rollout
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer

_RELEASE = "localhost/shop/migrations"
# In the memory of the sandbox, and short because of the sockets below it.
_FOLDER = Path("/run/presync-cluster")
_POSTGRES = Address(ADDRESS, 5432)
_RESTRICTED = "pod-security.kubernetes.io/enforce"

_numbers = itertools.count(1)


def _needed(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        pytest.fail(f"{variable} is not set; run make cluster", pytrace=False)
    return value


@dataclass(frozen=True, slots=True)
class Cluster:
    """The running node.

    Attributes:
        image: Name and digest of the release image, with a blank between them.
    """

    kubectl: Kubectl
    image: str
    programs: Programs


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return the node, with the release image on it. Nothing of it outlives the sandbox."""
    binaries = Path(_needed("PRESYNC_TEST_KUBERNETES"))
    image = _needed("PRESYNC_TEST_IMAGE")
    _FOLDER.mkdir()
    add_network(_FOLDER)
    with running_programs(_FOLDER) as programs:
        start_containerd(programs)
        build_pause_image(PAUSE_IMAGE, _FOLDER)
        import_image(PAUSE_IMAGE, _FOLDER)
        build_release(f"{_RELEASE}:test", image)
        digest = import_image(f"{_RELEASE}:test", _FOLDER)
        kubectl = start_control_plane(programs, binaries, ADDRESS)
        start_kubelet(programs, binaries / "kubelet", kubectl)
        yield Cluster(kubectl, f"{_RELEASE} {digest}", programs)


@pytest.fixture(autouse=True)
def _living_cluster(cluster: Cluster) -> Iterator[None]:
    """Fail with the log of the program that died, rather than with what that led to."""
    yield
    cluster.programs.check()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Return a fresh namespace that admits restricted pods only."""
    name = f"shop-{next(_numbers)}"
    labels = {_RESTRICTED: "restricted"}
    metadata = {"name": name, "labels": labels}
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    cluster.kubectl.apply(json.dumps(document))
    yield name
    cluster.kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def open_door(server: PostgresServer) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return ``open_door()``: while the context lasts, pods reach PostgreSQL."""
    return lambda: forwarded(_POSTGRES, Address(server.host, server.port))


@pytest.fixture
def migrator(database: Database, make_role: Callable[..., Role]) -> Role:
    """Return a role that may migrate, and has to give its password."""
    role = make_role(password="s3cr3t-canary")
    database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
    return role


@pytest.fixture
def unreachable(
    cluster: Cluster, namespace: str, migrator: Role, database: Database, tmp_path: Path
) -> Rollout:
    """Return a rollout whose Secret is right, and whose database is down."""
    folder = tmp_path / "release"
    folder.mkdir()
    rollout = Rollout(cluster.kubectl, namespace, folder)
    secret = {
        "POSTGRES_HOST": _POSTGRES.host,
        "POSTGRES_PORT": str(_POSTGRES.port),
        "POSTGRES_DB": database.name,
        "POSTGRES_USER": migrator.name,
        "POSTGRES_PASSWORD": migrator.password,
    }
    rollout.create("Secret", "presync-database", stringData=secret)
    return rollout


@pytest.fixture
def rollout(
    unreachable: Rollout, open_door: Callable[[], contextlib.AbstractContextManager[None]]
) -> Iterator[Rollout]:
    """Return a rollout in front of `database`."""
    with open_door():
        yield unreachable


@pytest.fixture
def release(cluster: Cluster) -> MakeRelease:
    """Return ``release(**fields) -> Release``, on the image that the node has."""
    return partial(Release, cluster.image)
