"""Makes a backup by a manual snapshot of an instance or cluster of Amazon RDS."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hook.catalogs.rds import RdsApi
from hook.settings.backup_source import RdsKind
from hook.triggers import Begun, Phase, Standing, Wanted

if TYPE_CHECKING:
    from hook.core.outcome import Finding

PREFIX = "presync-"
_NAME_LENGTH = 63
_CREATING = "creating"
_AVAILABLE = "available"


class SnapshotTrigger:
    """A `Trigger` that takes up a snapshot that is being taken or takes one.

    It never deletes any: a manual snapshot stays until somebody does.
    """

    poll = timedelta(seconds=10)

    def __init__(self, api: RdsApi) -> None:
        self._api = api
        self._name = api.location.name
        is_cluster = api.location.kind is RdsKind.CLUSTER
        self._noun = "cluster_snapshot" if is_cluster else "snapshot"
        self._listed = "DBClusterSnapshots" if is_cluster else "DBSnapshots"
        self._identifier = "DBClusterSnapshotIdentifier" if is_cluster else "DBSnapshotIdentifier"
        self._owner = {f"DB{'Cluster' if is_cluster else 'Instance'}Identifier": self._name}
        self._snapshot = ""

    def describe(self) -> str:
        """Return what is copied."""
        return f"a snapshot of {self._api.describe()}"

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a snapshot of the server that is being taken, whoever asked for it."""
        for page in self._api.pages(f"describe_db_{self._noun}s", **self._owner):
            for item in page.get(self._listed, ()):
                if item.get("Status") == _CREATING:
                    self._snapshot = str(item.get(self._identifier))
                    return Begun(f"snapshot {self._snapshot}", is_adopted=True)
        suffix = f"-{wanted.run_id}"
        room = _NAME_LENGTH - len(PREFIX) - len(suffix)
        self._snapshot = f"{PREFIX}{self._name[:room].rstrip('-')}{suffix}"
        self._api.ask(
            f"create_db_{self._noun}",
            **self._owner,
            **{self._identifier: self._snapshot},
            Tags=[{"Key": "presync/run-id", "Value": wanted.run_id}],
        )
        return Begun(f"snapshot {self._snapshot}", is_adopted=False)

    def look(self) -> Standing:
        """Return what the status of the snapshot says."""
        operation = f"describe_db_{self._noun}s"
        answer = self._api.ask(operation, **self._owner, **{self._identifier: self._snapshot})
        listed: tuple[Mapping[str, Any], ...] = tuple(answer.get(self._listed, ()))
        if not listed:
            return Standing(Phase.FAILED, "it was deleted")
        status = str(listed[0].get("Status"))
        if status == _CREATING:
            return Standing(Phase.RUNNING, f"{listed[0].get('PercentProgress', 0)}%")
        return Standing(Phase.ENDED if status == _AVAILABLE else Phase.FAILED, status)

    def close(self) -> tuple[Finding, ...]:
        """Leave the snapshot: RDS goes on, and the next run takes it up."""
        return ()
