"""The rights in AWS that the gates need, and not one more.

Prefixes and keys are those that the catalogs ask for. In a policy ``*`` stands for any text,
slashes included; what a name itself has of such characters is written as IAM wants it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

_VERSION = "2012-10-17"
_SPECIAL = {ord(character): f"${{{character}}}" for character in "*?$"}
# Beginnings of the regions that are no part of AWS as most know it.
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}


class WalNeed(IntEnum):
    """How much of the WAL the gates look at, each with all that is above it."""

    NONE = 0
    SEGMENTS = 1
    HISTORY = 2

    def takes(self, least: WalNeed, pattern: str) -> tuple[str, ...]:
        """Return *pattern* if at least that much is looked at."""
        return (pattern,) if self >= least else ()


class Grant(NamedTuple):
    """One statement of a policy.

    Attributes:
        sid: Its name; letters and digits only.
        prefixes: That listings are allowed for, none when *actions* list nothing.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    prefixes: tuple[str, ...] = ()


class Region(NamedTuple):
    """Where the resources are; a name that is not known is any."""

    name: str = "*"

    @property
    def partition(self) -> str:
        """Return the part of AWS that the region belongs to."""
        found = (it for start, it in _PARTITIONS.items() if self.name.startswith(start))
        return next(found, "aws")


class Bucket(NamedTuple):
    """The keys below *prefix*, which has no slash at its ends, of a bucket."""

    name: str
    prefix: str
    region: Region

    def key(self, pattern: str) -> str:
        """Return *pattern*, which lies below the prefix, as a pattern of whole keys."""
        return (f"{self.prefix}/" if self.prefix else "").translate(_SPECIAL) + pattern

    @property
    def arn(self) -> str:
        """Return the name of the bucket itself."""
        return f"arn:{self.region.partition}:s3:::{self.name}"

    def listing(self, *patterns: str) -> Grant:
        """Allow to list what begins like *patterns*."""
        prefixes = tuple(self.key(pattern) for pattern in patterns)
        return Grant("ListBackups", ("s3:ListBucket",), (self.arn,), prefixes)

    def objects(self, sid: str, actions: tuple[str, ...], *patterns: str) -> Grant:
        """Allow *actions* on the objects whose keys are like *patterns*."""
        return Grant(sid, actions, tuple(f"{self.arn}/{self.key(item)}" for item in patterns))

    def reading(self, *patterns: str) -> Grant:
        """Allow to read the objects whose keys are like *patterns*."""
        return self.objects("ReadMetadata", ("s3:GetObject",), *patterns)


def literal(name: str) -> str:
    """Return *name* as a pattern that nothing else is like."""
    return name.translate(_SPECIAL)


def grants_for_pgbackrest(bucket: Bucket, stanza: str, wal: WalNeed) -> tuple[Grant, ...]:
    """Return what reading a stanza takes; ``backup/`` is listed to name the others."""
    backup, archive = f"backup/{literal(stanza)}/", f"archive/{literal(stanza)}/"
    return (
        bucket.listing("", "backup/", f"{backup}*", *wal.takes(WalNeed.SEGMENTS, f"{archive}*")),
        bucket.reading(
            f"{backup}backup.info*",
            f"{backup}*/backup.manifest",
            *wal.takes(WalNeed.SEGMENTS, f"{archive}archive.info*"),
            *wal.takes(WalNeed.HISTORY, f"{archive}*.history"),
        ),
    )


def grants_for_walg(bucket: Bucket, wal: WalNeed) -> tuple[Grant, ...]:
    """Return what reading a prefix of WAL-G takes."""
    return (
        bucket.listing("", "basebackups_005/*", *wal.takes(WalNeed.SEGMENTS, "wal_005/*")),
        bucket.reading("basebackups_005/*.json", *wal.takes(WalNeed.HISTORY, "wal_005/*.history*")),
    )


def grants_for_barman(bucket: Bucket, server: str, wal: WalNeed) -> tuple[Grant, ...]:
    """Return what reading a server of Barman takes.

    Whether a backup that waits for WAL has it by now its WAL tells, whatever the policies are.
    """
    folder = f"{literal(server)}/"
    return (
        bucket.listing("", f"{folder}*"),
        bucket.reading(
            f"{folder}base/*/backup.info",
            f"{folder}meta/*-backup.info",
            *wal.takes(WalNeed.HISTORY, f"{folder}wals/*.history*"),
        ),
    )


def grants_for_dumps(bucket: Bucket) -> tuple[Grant, ...]:
    """Return what looking at dumps takes."""
    return (bucket.listing("*"), bucket.reading("*"))


def grants_for_instance(name: str, region: Region) -> tuple[Grant, ...]:
    """Return what asking RDS for an instance takes."""
    server, snapshots = _rds(region, f"db:{name}"), _rds(region, "snapshot:*")
    return (
        Grant("DescribeInstance", ("rds:DescribeDBInstances",), (server,)),
        Grant("DescribeSnapshots", ("rds:DescribeDBSnapshots",), (server, snapshots)),
    )


def grants_for_cluster(name: str, region: Region) -> tuple[Grant, ...]:
    """Return what asking RDS for a cluster takes."""
    server, snapshots = _rds(region, f"cluster:{name}"), _rds(region, "cluster-snapshot:*")
    return (
        Grant("DescribeCluster", ("rds:DescribeDBClusters",), (server,)),
        Grant("DescribeSnapshots", ("rds:DescribeDBClusterSnapshots",), (server, snapshots)),
    )


def grants_for_dumping(bucket: Bucket) -> tuple[Grant, ...]:
    """Return what putting a dump there takes, or taking back half of one."""
    actions = ("s3:PutObject", "s3:AbortMultipartUpload")
    return (bucket.objects("WriteDumps", actions, "*.dump"),)


def grants_for_report(bucket: Bucket, key: str, *, is_folder: bool) -> tuple[Grant, ...]:
    """Return what putting a report at *key* takes, or into that folder."""
    pattern = f"{literal(key)}/*.json" if is_folder else literal(key)
    return (bucket.objects("WriteReport", ("s3:PutObject",), pattern),)


def grants_for_snapshots_of(kind: str, name: str, region: Region) -> tuple[Grant, ...]:
    """Return what taking snapshots takes; *kind* is ``instance`` or ``cluster``."""
    server, snapshot, action = {
        "cluster": ("cluster", "cluster-snapshot", "rds:CreateDBClusterSnapshot"),
    }.get(kind, ("db", "snapshot", "rds:CreateDBSnapshot"))
    own = _rds(region, f"{snapshot}:presync-*")
    return (
        Grant("TakeSnapshots", (action,), (_rds(region, f"{server}:{name}"), own)),
        Grant("TagSnapshots", ("rds:AddTagsToResource",), (own,)),
    )


def policy_document(grants: tuple[Grant, ...]) -> dict[str, object]:
    """Return *grants* as a policy of IAM."""
    return {"Version": _VERSION, "Statement": [_statement(grant) for grant in grants]}


def _statement(grant: Grant) -> dict[str, object]:
    statement: dict[str, object] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": list(grant.actions),
        "Resource": list(grant.resources),
    }
    if grant.prefixes:
        statement["Condition"] = {"StringLike": {"s3:prefix": list(grant.prefixes)}}
    return statement


def _rds(region: Region, resource: str) -> str:
    # The account is that of the credentials, which presync does not ask for.
    return f"arn:{region.partition}:rds:{region.name}:*:{resource}"
