"""Makes a backup by a Backup of CloudNativePG."""

from __future__ import annotations

from datetime import timedelta

from hook.core.backups.backup_made import Rest
from hook.core.backups.cnpg import PLUGIN, backup_of, finish_of, running_backup_of
from hook.errors import BackupSourceMissing
from hook.settings.backup_trigger import ClusterTrigger as Named
from hook.triggers import Begun, Left, Standing, Wanted
from hook.triggers.kubernetes import KubernetesApi
from hook.triggers.made_objects import MadeObjects

_GROUP = "postgresql.cnpg.io/v1"


class ClusterTrigger:
    """A `Trigger` that takes up a Backup of the cluster or makes one."""

    poll = timedelta(seconds=5)

    def __init__(self, named: Named, api: KubernetesApi) -> None:
        self._named = named
        self._api = api
        self._backups = MadeObjects(api, _GROUP, named.namespace, "Backup", finish_of)

    def describe(self) -> str:
        """Return the cluster."""
        return f"Cluster {self._named.namespace}/{self._named.cluster} of CloudNativePG"

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a Backup that runs, whoever made it, or make one."""
        name = self._named.cluster
        path = f"/apis/{_GROUP}/namespaces/{self._named.namespace}/clusters/{name}"
        cluster = self._api.get(path, self.describe())
        running = running_backup_of(name, self._backups.list_all())
        if running is not None:
            return self._backups.take_up(running)
        try:
            body = backup_of(cluster, name, wanted.run_id)
        except ValueError as error:
            raise BackupSourceMissing(
                f"{self.describe()} is not set up for backups that count: {error}",
                f"Give it the plugin {PLUGIN} or spec.backup.barmanObjectStore, or unset"
                " PRESYNC_BACKUP_TRIGGER.",
            ) from error
        return self._backups.create(body)

    def look(self) -> Standing:
        """Return what the phase of the Backup says."""
        return self._backups.look()

    def close(self) -> Left:
        """Leave the Backup: it goes on, and the next run takes it up."""
        return Left(Rest.GOES_ON)
