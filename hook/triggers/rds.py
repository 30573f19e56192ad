"""Makes a backup by a manual snapshot of an instance or cluster of Amazon RDS."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hook.catalogs.rds import RdsApi, list_snapshots
from hook.core.backups.backup_made import Rest
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import RdsKind
from hook.triggers import Begun, Left, Phase, Standing, Wanted

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
        # What names the snapshot that is followed. RDS wants its type with one that it takes by
        # itself, and refuses the owner beside the name of a cluster's.
        self._followed: dict[str, str] = {}

    def describe(self) -> str:
        """Return what is copied."""
        return f"a snapshot of {self._api.describe()}"

    def begin(self, wanted: Wanted) -> Begun:
        """Take up a snapshot of the server that is being taken, whoever asked for it."""
        for item in list_snapshots(self._api):
            if item.get("Status") == _CREATING:
                name, type_ = str(item.get(self._identifier)), item.get("SnapshotType")
                typed = {"SnapshotType": str(type_)} if type_ else {}
                self._followed = {self._identifier: name, **typed}
                return Begun(f"snapshot {name}", is_adopted=True)
        suffix = f"-{wanted.run_id}"
        room = _NAME_LENGTH - len(PREFIX) - len(suffix)
        snapshot = f"{PREFIX}{self._name[:room].rstrip('-')}{suffix}"
        self._followed = {self._identifier: snapshot}
        try:
            self._create(wanted)
        except BackupUnknown:
            if not self._is_there():
                raise
        return Begun(f"snapshot {snapshot}", is_adopted=False)

    def _create(self, wanted: Wanted) -> None:
        self._api.ask(
            f"create_db_{self._noun}",
            **self._owner,
            **self._followed,
            Tags=[{"Key": "presync/run-id", "Value": wanted.run_id}],
        )

    def _is_there(self) -> bool:
        """Tell whether RDS has the snapshot: its answer may have been lost on the way.

        Then boto3 asks once more, and is refused as there is one of that name.
        """
        with contextlib.suppress(BackupSourceMissing, BackupUnknown):
            return bool(self._list())
        return False

    def look(self) -> Standing:
        """Return what the status of the snapshot says."""
        listed = self._list()
        if not listed:
            return Standing(Phase.FAILED, "it was deleted")
        status = str(listed[0].get("Status"))
        if status == _CREATING:
            return Standing(Phase.RUNNING, f"{listed[0].get('PercentProgress', 0)}%")
        return Standing(Phase.ENDED if status == _AVAILABLE else Phase.FAILED, status)

    def _list(self) -> tuple[Mapping[str, Any], ...]:
        operation = f"describe_db_{self._noun}s"
        answer = self._api.ask(operation, **self._followed)
        return tuple(answer.get(self._listed, ()))

    def close(self) -> Left:
        """Leave the snapshot: RDS goes on, and the next run takes it up."""
        return Left(Rest.GOES_ON)
