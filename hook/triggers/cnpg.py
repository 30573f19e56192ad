"""Makes a backup by a Backup of CloudNativePG."""

from __future__ import annotations

from datetime import timedelta

from hook.core.backups.backup_made import Rest
from hook.core.backups.cnpg import backup_of, finish_of, running_backup_of
from hook.errors import BackupSourceMissing
from hook.settings.backup_trigger import ClusterTrigger as Named
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from hook.triggers.kubernetes import KubernetesApi


class ClusterTrigger:
    """A `Trigger` that takes up a Backup of the cluster or makes one."""

    poll = timedelta(seconds=5)

    def __init__(self, named: Named, api: KubernetesApi) -> None:
        self._named = named
        self._api = api
        self._base = f"/apis/postgresql.cnpg.io/v1/namespaces/{named.namespace}"
        self._backup = ""

    def describe(self) -> str:
        """Return the cluster."""
        return f"Cluster {self._named.namespace}/{self._named.cluster} of CloudNativePG"

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a Backup that runs, whoever made it, or make one."""
        name = self._named.cluster
        backups = f"Backups in {self._named.namespace}"
        cluster = self._api.get(f"{self._base}/clusters/{name}", self.describe())
        running = running_backup_of(name, self._api.list_all(f"{self._base}/backups", backups))
        if running is not None:
            self._backup = running
            return Begun(f"Backup {self._named.namespace}/{running}", is_adopted=True)
        try:
            body = backup_of(cluster, name, wanted.run_id)
        except ValueError as error:
            raise BackupSourceMissing(
                f"{self.describe()} is not set up for backups: {error}",
                "Set up backups for the cluster, or unset PRESYNC_BACKUP_TRIGGER.",
            ) from error
        made = self._api.create(f"{self._base}/backups", backups, body)
        self._backup = str((made.get("metadata") or {}).get("name", ""))
        return Begun(f"Backup {self._named.namespace}/{self._backup}", is_adopted=False)

    def look(self) -> Standing:
        """Return what the phase of the Backup says."""
        name = f"Backup {self._named.namespace}/{self._backup}"
        try:
            finish = finish_of(self._api.get(f"{self._base}/backups/{self._backup}", name))
        except BackupSourceMissing:
            return Standing(Phase.FAILED, "it was deleted")
        if finish is None:
            return Standing(Phase.RUNNING)
        succeeded, told = finish
        return Standing(Phase.ENDED if succeeded else Phase.FAILED, told)

    def close(self) -> Left:
        """Leave the Backup: it goes on, and the next run takes it up."""
        return Left(Rest.GOES_ON)
