"""A pgBackRest repository of which the names were kept, and a body only of its info files."""

from __future__ import annotations

import shutil

import pytest

from hook.core.outcome import Status
from hook.errors import ExitCode
from tests.contract.conftest import Place
from tests.testbed.backup_gate import fresh_repository, run_gate
from tests.testbed.pgbackrest_repository import ERRORED, FULL, INCREMENTAL


@pytest.mark.parametrize("place", ["s3", "directory"], indirect=True)
def test_copy_of_the_names_counts_and_says_what_was_not_seen(place: Place) -> None:
    """No manifest that pgBackRest itself leaves is without content."""
    repository = fresh_repository(place.root)
    for label in (ERRORED, FULL, INCREMENTAL):
        folder = repository.stanza / label
        for path in folder.glob("backup.manifest*"):
            path.write_bytes(b"")
        for data in (item for item in folder.iterdir() if item.is_dir()):
            shutil.rmtree(data)
    (finding,) = run_gate(place.url, place.settings)
    assert finding.status is Status.PASSED
    told = "its manifest has no content, so that nothing behind it could be looked for"
    assert finding.message.endswith(told)


@pytest.mark.parametrize("place", ["s3", "directory"], indirect=True)
def test_one_manifest_without_content_is_damage(place: Place) -> None:
    """The others have theirs, and the backup before it counts."""
    repository = fresh_repository(place.root)
    repository.manifest(INCREMENTAL).write_bytes(b"")
    passed_over, finding = run_gate(place.url, place.settings)
    assert f"backup.manifest of {INCREMENTAL} is damaged: empty" in passed_over.message
    assert f"newest usable backup {FULL} (full)" in finding.message
    repository.manifest(FULL).write_bytes(b"")
    (finding,) = run_gate(place.url, place.settings)
    assert finding.code is ExitCode.NO_WAY_BACK
