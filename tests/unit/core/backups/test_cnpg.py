"""The Backup that is asked of CloudNativePG, and what its phases mean."""

from __future__ import annotations

from typing import Any

import pytest

from hook.core.backups.cnpg import PLUGIN, backup_of, finish_of, running_backup_of

IN_TREE = {"spec": {"backup": {"barmanObjectStore": {"destinationPath": "s3://b"}}}}


def _backup(name: str, phase: str | None, cluster: str = "db", error: str = "") -> dict[str, Any]:
    status = {} if phase is None else {"phase": phase, "error": error}
    return {
        "metadata": {"name": name},
        "spec": {"cluster": {"name": cluster}},
        "status": status,
    }


@pytest.mark.parametrize(
    ("spec", "method"),
    [
        (
            {"plugins": [{"name": PLUGIN, "isWALArchiver": True}]},
            {"method": "plugin", "pluginConfiguration": {"name": PLUGIN}},
        ),
        (IN_TREE["spec"], {"method": "barmanObjectStore"}),
        (
            {"backup": {"volumeSnapshot": {"className": "x"}, **IN_TREE["spec"]["backup"]}},
            {"method": "barmanObjectStore"},
        ),
        (
            {"plugins": [{"name": PLUGIN, "enabled": False}, {"name": "x"}], **IN_TREE["spec"]},
            {"method": "barmanObjectStore"},
        ),
    ],
)
def test_backup_is_made_as_the_cluster_makes_its_own(
    spec: dict[str, Any], method: dict[str, Any]
) -> None:
    """The plugin comes first, as in-tree backups are on their way out."""
    backup = backup_of({"spec": spec}, "db", "r1")
    assert backup == {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Backup",
        "metadata": {"generateName": "db-presync-", "annotations": {"presync/run-id": "r1"}},
        "spec": {"cluster": {"name": "db"}, **method},
    }


def test_backup_of_a_long_name_still_has_room() -> None:
    """The server appends five characters, and refuses more than 63."""
    name = backup_of(IN_TREE, f"{'a' * 44}.{'b' * 7}", "r1")["metadata"]["generateName"]
    assert name == f"{'a' * 44}-presync-"
    longest = backup_of(IN_TREE, "a" * 63, "r1")["metadata"]["generateName"]
    assert longest == f"{'a' * 45}-presync-"


@pytest.mark.parametrize("cluster", [{}, {"spec": {"plugins": [{"name": "x"}]}}])
def test_backup_needs_a_cluster_that_is_set_up_for_one(cluster: dict[str, Any]) -> None:
    """The operator would take the Backup and never make it."""
    with pytest.raises(ValueError, match=f"neither the plugin {PLUGIN} nor spec.backup$"):
        backup_of(cluster, "db", "r1")


def test_backup_by_volume_snapshot_is_not_asked_for() -> None:
    """It would be made, and be refused by the gate that it was made for."""
    spec = {"backup": {"volumeSnapshot": {"className": "x"}}}
    with pytest.raises(ValueError, match="volume snapshots, which no gate looks at"):
        backup_of({"spec": spec}, "db", "r1")


@pytest.mark.parametrize("phase", [None, "", "pending", "started", "running", "finalizing"])
def test_running_backup_is_one_of_the_cluster(phase: str | None) -> None:
    """One that nobody has looked at yet is one as well."""
    backups = [
        {"metadata": {"name": "of nothing"}},
        {"metadata": {"name": "of no cluster"}, "spec": {}},
        _backup("done", "completed"),
        _backup("other", "running", "x"),
        _backup("b", phase),
    ]
    assert running_backup_of("db", backups) == "b"
    assert running_backup_of("db", backups[:4]) is None
    assert finish_of(backups[4]) is None


@pytest.mark.parametrize(
    ("spec", "running"),
    [
        ({}, "b"),
        ({"method": "barmanObjectStore"}, "b"),
        ({"method": "plugin", "pluginConfiguration": {"name": PLUGIN}}, "b"),
        ({"method": "plugin", "pluginConfiguration": {"name": "x"}}, None),
        ({"method": "plugin"}, None),
        ({"method": "volumeSnapshot"}, None),
    ],
)
def test_running_backup_that_no_gate_could_count_is_none(
    spec: dict[str, Any], running: str | None
) -> None:
    """It would be waited for, and the bucket would hold nothing new."""
    backup = _backup("b", "running")
    backup["spec"] |= spec
    assert running_backup_of("db", [backup]) == running


@pytest.mark.parametrize(
    ("phase", "error", "end"),
    [
        ("completed", "", (True, "completed")),
        ("failed", "no space", (False, "failed: no space")),
        ("walArchivingFailing", "", (False, "walArchivingFailing")),
        ("invalid backup definition", "x", (False, "invalid backup definition: x")),
        ("of a later version", "", (False, "of a later version")),
    ],
)
def test_only_completed_is_success(phase: str, error: str, end: tuple[bool, str]) -> None:
    """Every other end, a new one too, is not a backup."""
    assert finish_of(_backup("b", phase, error=error)) == end
