"""Makes a backup by a Job from a CronJob that the team has for it."""

from __future__ import annotations

from datetime import timedelta

from hook.core.backups.backup_made import Rest
from hook.core.backups.cronjob import active_job_of, finish_of, job_from
from hook.errors import BackupUnknown
from hook.settings.backup_trigger import JobTrigger as Named
from hook.triggers import Begun, Left, Standing, Wanted
from hook.triggers.kubernetes import KubernetesApi
from hook.triggers.made_objects import MadeObjects

_GROUP = "batch/v1"


class JobTrigger:
    """A `Trigger` that takes up a Job of the CronJob or makes one."""

    poll = timedelta(seconds=5)

    def __init__(self, named: Named, api: KubernetesApi) -> None:
        self._named = named
        self._api = api
        self._jobs = MadeObjects(api, _GROUP, named.namespace, "Job", finish_of)

    def describe(self) -> str:
        """Return the CronJob."""
        return f"CronJob {self._named.namespace}/{self._named.cronjob}"

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a Job that is not finished, whoever made it, or make one.

        ``concurrencyPolicy: Forbid`` does not count Jobs that somebody made by hand.
        """
        path = f"/apis/{_GROUP}/namespaces/{self._named.namespace}/cronjobs/{self._named.cronjob}"
        cronjob = self._api.get(path, self.describe())
        jobs = self._jobs.list_all()
        try:
            running, job = active_job_of(cronjob, jobs), job_from(cronjob, wanted.run_id)
        except ValueError as error:
            raise BackupUnknown(
                f"the API server's answer is not {self.describe()}: {error}",
                "See `kubectl get cronjob -o yaml`.",
            ) from error
        return self._jobs.create(job) if running is None else self._jobs.take_up(running)

    def look(self) -> Standing:
        """Return what the conditions of the Job say."""
        return self._jobs.look()

    def close(self) -> Left:
        """Leave the Job: it goes on, and the next run takes it up."""
        return Left(Rest.GOES_ON)
