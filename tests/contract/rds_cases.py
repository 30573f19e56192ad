"""The states of an account of RDS, and what the gate must say of each, for both kinds of server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hook.settings.backup_source import RdsKind
from tests.contract.verdict import Case, cannot_tell, passes, refuses, warns
from tests.testbed.rds_account import MINUTES, NEWEST, OLDER, WORDS, RdsAccount

Make = Callable[[RdsAccount], object]

USABLE = f"newest usable backup {NEWEST} (full) stopped 19m"
PASSED_OVER = f"newest usable backup {OLDER} (full) stopped 20h"
LONG_AGO = timedelta(hours=31)


def _in_the_future() -> datetime:
    return datetime.now(UTC) + timedelta(days=400)


def _of_another(account: RdsAccount) -> None:
    account.change_snapshots(**{WORDS[account.kind].resource: "OTHER"})


def _lose_endpoint(account: RdsAccount) -> None:
    account.change(
        Endpoint={} if account.kind is RdsKind.INSTANCE else "",
        **{WORDS[account.kind].status: "creating"},
    )


def _set(name: str, value: object) -> Make:
    def make(account: RdsAccount) -> None:
        setattr(account, name, value)

    return make


def _not_found(account: RdsAccount) -> None:
    kind = "DBInstanceNotFound" if account.kind is RdsKind.INSTANCE else "DBClusterNotFoundFault"
    account.error = (kind, 404)


def _stop(age: timedelta) -> Make:
    def make(account: RdsAccount) -> None:
        del account.snapshots[OLDER]
        account.add(NEWEST, age)

    return make


CASES: list[Case[RdsAccount]] = [
    passes("good", lambda _: None, USABLE),
    refuses("no-such-server", _not_found, "there is no RDS ", " shop in eu-central-1"),
    refuses(
        "no-snapshots",
        _set("snapshots", {}),
        "no completed backup is listed in RDS ",
    ),
    refuses(
        "only-creating",
        lambda account: account.change_snapshots(Status="creating"),
        "no completed backup is listed in RDS ",
    ),
    passes(
        "creating-beside",
        lambda account: account.add("by-hand", timedelta(0), Status="creating"),
        USABLE,
    ),
    passes(
        "by-hand",
        lambda account: account.add("by-hand", timedelta(minutes=3), SnapshotType="manual"),
        "newest usable backup by-hand (full) stopped 3m",
    ),
    warns(
        "newest-failed",
        lambda account: account.change_snapshots(NEWEST, Status="failed"),
        f"{NEWEST} has the status failed",
        PASSED_OVER,
    ),
    refuses(
        "only-failed",
        lambda account: account.change_snapshots(Status="failed"),
        "none of 2 backups is usable",
        f"{NEWEST} has the status failed",
    ),
    refuses("stale", _stop(LONG_AGO), f"newest usable backup {NEWEST} (full) stopped 31h", "24h"),
    refuses(
        "future-times",
        lambda account: account.change_snapshots(SnapshotCreateTime=_in_the_future()),
        "none of 2 backups is usable",
        f"{NEWEST} stopped in the future",
    ),
    warns(
        "newest-in-the-future",
        lambda account: account.change_snapshots(NEWEST, SnapshotCreateTime=_in_the_future()),
        f"{NEWEST} stopped in the future",
        PASSED_OVER,
    ),
    refuses(
        "of-an-earlier-server",
        _of_another,
        "none of 2 backups is usable",
        f"{NEWEST} is of OTHER, which had this name before ONE",
    ),
    refuses(
        "another-server",
        lambda account: account.change(
            Endpoint={"Address": "other.rds"} if account.kind is RdsKind.INSTANCE else "other.rds"
        ),
        " is reached as other.rds",
    ),
    refuses("other-engine", lambda account: account.change(Engine="mysql"), "runs mysql"),
    cannot_tell("no-endpoint", _lose_endpoint, "has no endpoint (status creating)"),
    cannot_tell("empty-answer", _set("server", None), "RDS tells nothing of RDS "),
    cannot_tell("denied", _set("error", ("AccessDenied", 403)), "is denied"),
    cannot_tell("throttled", _set("error", ("Throttling", 400)), "RDS fails on RDS "),
]
# Only an instance tells when the data of a copy was taken, and can be a member of a cluster.
INSTANCE_CASES: list[Case[RdsAccount]] = [
    refuses(
        "copy-of-an-old-one",
        lambda account: account.change_snapshots(OriginalSnapshotCreateTime=account.now - LONG_AGO),
        "stopped 31h",
    ),
    refuses(
        "member-of-a-cluster",
        lambda account: account.change(DBClusterIdentifier="aur"),
        "is a member of cluster aur, and only the cluster is backed up",
    ),
]
CLUSTER_CASES: list[Case[RdsAccount]] = [
    warns(
        "newest-a-copy",
        lambda account: account.change_snapshots(NEWEST, SourceDBClusterSnapshotArn="arn:aws:x"),
        f"{NEWEST} is a copy, and does not tell when its data was taken",
        PASSED_OVER,
    ),
]
# The restore window, which stands for the archive; the limit is a quarter of an hour.
WINDOW_CASES: list[Case[RdsAccount]] = [
    passes("window-good", lambda _: None, " restores up to ", "5m ago (limit 15m)"),
    passes(
        "window-without-snapshots",
        _set("snapshots", {}),
        " restores up to ",
    ),
    refuses(
        "window-behind",
        lambda account: account.change(LatestRestorableTime=account.now - MINUTES),
        "19m ago (limit 15m)",
    ),
    refuses(
        "window-without-retention",
        lambda account: account.change(BackupRetentionPeriod=0),
        "takes no automated backups (retention 0)",
    ),
    refuses(
        "window-not-begun",
        lambda account: account.forget("LatestRestorableTime"),
        "tells no latest restorable time",
    ),
    cannot_tell(
        "window-in-the-future",
        lambda account: account.change(LatestRestorableTime=_in_the_future()),
        "which is in the future",
    ),
    cannot_tell("window-denied", _set("error", ("AccessDenied", 403)), "is denied"),
]
