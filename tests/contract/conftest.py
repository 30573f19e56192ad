"""Directories, a real S3 server with and without TLS, and what speaks for the Kubernetes API."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hook.core.backups.cnpg import PLUGIN
from hook.core.outcome import Finding, Status
from hook.demo.repository import STANZA
from hook.errors import ExitCode
from hook.settings.backup_source import S3Settings
from hook.settings.backup_trigger import ClusterTrigger as NamedCluster
from hook.settings.backup_trigger import JobTrigger as NamedJob
from hook.triggers.cnpg import ClusterTrigger
from hook.triggers.job import JobTrigger
from hook.triggers.kubernetes import KubernetesApi
from tests.testbed.backup_gate import run_gate
from tests.testbed.kubernetes_api import CLUSTER, CRONJOB, FakeCluster, running_api
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, S3Server, running_s3, running_tls_s3

INFO = f"backup/{STANZA}/backup.info"
CANARY = "canary-secret-of-another"


@dataclass(frozen=True, slots=True)
class Place:
    """An empty place for a repository, and how the settings name it.

    Attributes:
        root: Where to put files so that they appear there.
        url: Bucket or path as in ``PRESYNC_BACKUP_SOURCE``.
        outside: The same for a bucket or path that does not exist.
    """

    root: Path
    url: str
    outside: str
    settings: S3Settings


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return a real S3 server over plain HTTP."""
    root = tmp_path_factory.mktemp("s3")
    with running_s3(root) as endpoint:
        yield S3Server(endpoint, root)


@pytest.fixture(scope="session")
def tls_s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return a real S3 server behind TLS, under an authority of its own."""
    root, folder = tmp_path_factory.mktemp("s3-tls"), tmp_path_factory.mktemp("tls")
    with running_tls_s3(root, folder) as server:
        yield server


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give boto3 the server's keys and nothing of this machine's own configuration."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture
def s3_place(s3_server: S3Server, credentials: None) -> Place:  # noqa: ARG001 - sets them
    """Return an empty bucket over plain HTTP."""
    return _bucket(s3_server)


@pytest.fixture
def tls_place(tls_s3_server: S3Server, credentials: None) -> Place:  # noqa: ARG001 - sets them
    """Return an empty bucket behind TLS."""
    return _bucket(tls_s3_server)


@pytest.fixture
def directory_place(tmp_path: Path) -> Place:
    """Return an empty directory."""
    root = tmp_path / "repository"
    root.mkdir()
    return Place(root, str(root), str(tmp_path / "not-mounted"), S3Settings())


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """Return the place that a test's parameter names."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


def _bucket(server: S3Server) -> Place:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    (server.root / name / "repo").mkdir(parents=True)
    settings = S3Settings(
        endpoint=server.endpoint,
        ca_file=None if server.ca_file is None else str(server.ca_file),
        connect_timeout=timedelta(seconds=2),
        read_timeout=timedelta(seconds=5),
    )
    return Place(
        server.root / name / "repo", f"s3://{name}/repo", f"s3://not-{name}/repo", settings
    )


@pytest.fixture
def unreachable(s3_place: Place) -> Callable[[str], Place]:
    """Return ``make(endpoint) -> Place``: the bucket, asked for at another address."""

    def make(endpoint: str) -> Place:
        settings = s3_place.settings._replace(endpoint=endpoint, read_timeout=timedelta(seconds=1))
        return replace(s3_place, settings=settings)

    return make


def unknown_finding(
    place: Place,
    timeout: timedelta = timedelta(seconds=30),
    meanwhile: Callable[[], object] = tuple,
) -> Finding:
    """Return the one finding of a gate that could not find out, without a secret in it."""
    (finding,) = run_gate(place.url, place.settings, timeout=timeout, meanwhile=meanwhile)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.rule == "backup-unknown"
    assert finding.hint.endswith(".")
    assert "\n" not in finding.message
    assert SECRET_KEY not in repr(finding)
    assert CANARY not in repr(finding)
    return finding


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """Return a cluster with a CronJob and a cluster of CloudNativePG, seen from a pod."""
    with running_api(tmp_path) as api:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
        # No proxy has any business with the cluster's own address.
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        template: dict[str, Any] = {"spec": {"template": {"spec": {"containers": []}}}}
        api.put(CRONJOB, spec={"jobTemplate": template})
        api.put(CLUSTER, spec={"plugins": [{"name": PLUGIN}]})
        yield api


@pytest.fixture
def job(cluster: FakeCluster) -> JobTrigger:
    """Return the trigger that makes a Job."""
    return JobTrigger(NamedJob("ops", "shop-backup"), KubernetesApi(cluster.folder))


@pytest.fixture
def backup(cluster: FakeCluster) -> ClusterTrigger:
    """Return the trigger that makes a Backup."""
    return ClusterTrigger(NamedCluster("ops", "db"), KubernetesApi(cluster.folder))
