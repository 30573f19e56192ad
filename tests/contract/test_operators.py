"""What the operators of Kubernetes leave in a bucket, under the settings that the docs name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hook.catalogs.opening import Access
from hook.core.outcome import Status
from tests.contract.conftest import Place
from tests.contract.verdict import text_of
from tests.testbed.backup_gate import fresh_repository, judge_source, run_gate
from tests.testbed.barman_server import NEWEST, SYSTEM_IDENTIFIER, fresh_server

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)


def _move(folder: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, target)


@EVERYWHERE
def test_cloudnativepg_is_read_as_barman(place: Place) -> None:
    """DestinationPath is the place and serverName the server; its names of backups do not matter.

    ``barmanObjectStore`` and the plugin run barman-cloud, and leave the same.
    """
    server = fresh_server(place.root)
    server.edit(NEWEST, backup_name="backup-20261129030000", server_name="cloud")
    (server.backup(NEWEST) / "data.tar.gz").rename(server.backup(NEWEST) / "data.tar.snappy")
    _move(server.folder, place.root / "clusters" / "shop-db")
    access = Access(place.settings, "shop-db")
    findings = judge_source(f"barman:{place.url}/clusters", access, SYSTEM_IDENTIFIER)
    assert [item.status for item in findings] == [Status.PASSED], text_of(findings)
    assert f"newest usable backup {NEWEST}" in text_of(findings)


@EVERYWHERE
def test_crunchy_pgo_is_read_as_pgbackrest(place: Place) -> None:
    """The operator calls every stanza db, and puts it below /pgbackrest/repoN."""
    repository = fresh_repository(place.root)
    root = place.root / "pgbackrest" / "repo1"
    for folder in ("backup", "archive"):
        _move(repository.root / folder / "app", root / folder / "db")
        (repository.root / folder).rmdir()
    findings = run_gate(f"{place.url}/pgbackrest/repo1", place.settings, "db")
    assert [item.status for item in findings] == [Status.PASSED], text_of(findings)
