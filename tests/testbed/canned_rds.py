"""The API of Amazon RDS as bytes over HTTP: a good account, and what nobody would answer.

Fields and their order are those of the API reference, "DescribeDBInstances" and so on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

from hook.settings.backup_source import RdsKind
from tests.testbed.canned_http import Answer

HOST = "shop.abc.eu-central-1.rds.amazonaws.com"
NAME = "shop"


def action(path: str) -> str:
    """Return what is asked for; *path* is that of a request with what was sent to it."""
    return parse_qs(urlsplit(path).query)["Action"][0]


def rds_answer(name: str, inner: str) -> Answer:
    """Return the answer to the action *name*."""
    body = f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"
    return Answer(200, body.encode(), {"Date": format_datetime(datetime.now(UTC), usegmt=True)})


def rds_error(status: int, code: str) -> Answer:
    """Return an error as RDS tells it."""
    inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>"
    return Answer(status, f"<ErrorResponse>{inner}</ErrorResponse>".encode())


class CannedRds:
    """An account with one server, a snapshot of it, and a window up to five minutes ago."""

    def __init__(self, kind: RdsKind) -> None:
        self._word = "DBCluster" if kind is RdsKind.CLUSTER else "DBInstance"
        self._is_cluster = kind is RdsKind.CLUSTER

    def __call__(self, path: str) -> Answer:
        """Return the answer to what is asked."""
        name = action(path)
        if "Snapshots" not in name:
            return rds_answer(name, f"<{self._word}s>{self._server()}</{self._word}s>")
        only = "SnapshotType" in parse_qs(urlsplit(path).query)
        return self.snapshots(name, "" if only else self._snapshot())

    def snapshots(self, name: str, listed: str, marker: str = "") -> Answer:
        """Return a page of snapshots, behind which there is more at *marker*."""
        plural = f"{self._kind}Snapshots"
        following = f"<Marker>{marker}</Marker>" if marker else ""
        return rds_answer(name, f"{following}<{plural}>{listed}</{plural}>")

    @property
    def _kind(self) -> str:
        return "DBCluster" if self._is_cluster else "DB"

    def _server(self) -> str:
        latest = _text(datetime.now(UTC) - timedelta(minutes=5))
        engine = "aurora-postgresql" if self._is_cluster else "postgres"
        status = "Status" if self._is_cluster else "DBInstanceStatus"
        host = HOST if self._is_cluster else f"<Address>{HOST}</Address>"
        return (
            f"<{self._word}><{self._word}Identifier>{NAME}</{self._word}Identifier>"
            f"<Engine>{engine}</Engine><{status}>available</{status}><Endpoint>{host}</Endpoint>"
            "<BackupRetentionPeriod>7</BackupRetentionPeriod>"
            f"<LatestRestorableTime>{latest}</LatestRestorableTime></{self._word}>"
        )

    def _snapshot(self) -> str:
        made = _text(datetime.now(UTC) - timedelta(minutes=19))
        kind = f"{self._kind}Snapshot"
        return (
            f"<{kind}><{kind}Identifier>rds:shop-today</{kind}Identifier>"
            f"<SnapshotCreateTime>{made}</SnapshotCreateTime><Status>available</Status></{kind}>"
        )


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
