"""A Backup of CloudNativePG: what to ask for, and what its phases mean.

https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/ (BackupSpec, BackupStatus)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hook.core.backups.json_values import mapping_of, mappings_of

Manifest = Mapping[str, Any]

PLUGIN = "barman-cloud.cloudnative-pg.io"
_RUNNING = frozenset({"", "pending", "started", "running", "finalizing"})
_COMPLETED = "completed"
# What a Backup is made by that does not say.
_IN_TREE = "barmanObjectStore"


def backup_of(cluster: Manifest, name: str, run_id: str) -> dict[str, Any]:
    """Return the Backup to create for the cluster called *name*.

    Raises:
        ValueError: The cluster is set up for no way of making one that a gate could count.
    """
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Backup",
        "metadata": {
            "generateName": f"{name[:45].rstrip('-.')}-presync-",
            "annotations": {"presync/run-id": run_id},
        },
        "spec": {"cluster": {"name": name}, **_method(mapping_of(cluster.get("spec")))},
    }


def _method(spec: Manifest) -> dict[str, Any]:
    plugins = mappings_of(spec.get("plugins"))
    if any(item.get("name") == PLUGIN and item.get("enabled") is not False for item in plugins):
        return {"method": "plugin", "pluginConfiguration": {"name": PLUGIN}}
    backup = mapping_of(spec.get("backup"))
    if backup.get("barmanObjectStore"):
        return {"method": _IN_TREE}
    if backup.get("volumeSnapshot"):
        raise ValueError("its backups are volume snapshots, which no gate looks at")
    raise ValueError(f"it has neither the plugin {PLUGIN} nor spec.backup")


def running_backup_of(name: str, backups: Iterable[Manifest]) -> str | None:
    """Return the name of a Backup of the cluster *name* that runs, none without one.

    One that will not be in the bucket, as a volume snapshot, is nothing that a gate could
    count afterwards.
    """
    for backup in backups:
        spec = mapping_of(backup.get("spec"))
        is_ours = mapping_of(spec.get("cluster")).get("name") == name
        if is_ours and _ends_in_bucket(spec) and phase_of(backup) in _RUNNING:
            return str(mapping_of(backup.get("metadata")).get("name"))
    return None


def _ends_in_bucket(spec: Manifest) -> bool:
    method = spec.get("method") or _IN_TREE
    plugin = mapping_of(spec.get("pluginConfiguration")).get("name")
    return method == _IN_TREE or (method == "plugin" and plugin == PLUGIN)


def phase_of(backup: Manifest) -> str:
    """Return the phase, empty as long as the operator has said nothing."""
    return str(mapping_of(backup.get("status")).get("phase") or "")


def finish_of(backup: Manifest) -> tuple[bool, str] | None:
    """Return whether *backup* was completed and what is told of it, none while it runs.

    An operator that says ``walArchivingFailing`` waits for somebody to put that right.
    """
    phase = phase_of(backup)
    if phase in _RUNNING:
        return None
    error = mapping_of(backup.get("status")).get("error")
    return phase == _COMPLETED, f"{phase}: {error}" if error else phase
