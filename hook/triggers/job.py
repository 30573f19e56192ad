"""Makes a backup by a Job from a CronJob that the team has for it."""

from __future__ import annotations

from datetime import timedelta

from hook.core.backups.backup_made import Rest
from hook.core.backups.cronjob import active_job_of, finish_of, job_from
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_trigger import JobTrigger as Named
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from hook.triggers.kubernetes import KubernetesApi


class JobTrigger:
    """A `Trigger` that takes up a Job of the CronJob or makes one."""

    poll = timedelta(seconds=5)

    def __init__(self, named: Named, api: KubernetesApi) -> None:
        self._named = named
        self._api = api
        self._job = ""

    def describe(self) -> str:
        """Return the CronJob."""
        return f"CronJob {self._named.namespace}/{self._named.cronjob}"

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a Job that is not finished, whoever made it, or make one.

        ``concurrencyPolicy: Forbid`` does not count Jobs that somebody made by hand.
        """
        base = f"/apis/batch/v1/namespaces/{self._named.namespace}"
        cronjob = self._api.get(f"{base}/cronjobs/{self._named.cronjob}", self.describe())
        jobs = self._api.list_all(f"{base}/jobs", f"Jobs in {self._named.namespace}")
        try:
            running, job = active_job_of(cronjob, jobs), job_from(cronjob, wanted.run_id)
        except ValueError as error:
            raise BackupUnknown(
                f"the API server's answer is not {self.describe()}: {error}",
                "See `kubectl get cronjob -o yaml`.",
            ) from error
        if running is None:
            made = self._api.create(f"{base}/jobs", f"Jobs in {self._named.namespace}", job)
            self._job = str((made.get("metadata") or {}).get("name", ""))
            return Begun(f"Job {self._named.namespace}/{self._job}", is_adopted=False)
        self._job = running
        return Begun(f"Job {self._named.namespace}/{running}", is_adopted=True)

    def look(self) -> Standing:
        """Return what the conditions of the Job say."""
        name = f"Job {self._named.namespace}/{self._job}"
        path = f"/apis/batch/v1/namespaces/{self._named.namespace}/jobs/{self._job}"
        try:
            finish = finish_of(self._api.get(path, name))
        except BackupSourceMissing:
            return Standing(Phase.FAILED, "it was deleted")
        if finish is None:
            return Standing(Phase.RUNNING)
        succeeded, told = finish
        return Standing(Phase.ENDED if succeeded else Phase.FAILED, told)

    def close(self) -> Left:
        """Leave the Job: it goes on, and the next run takes it up."""
        return Left(Rest.GOES_ON)
