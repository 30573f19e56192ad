"""The IAM policy for a configuration: what its gates may ask AWS for, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hook.core.backups import iam
from hook.core.outcome import Policy
from hook.errors import ConfigError
from hook.settings.backup_source import (
    BackupSource,
    BackupSystem,
    RdsKind,
    RdsLocation,
    S3Location,
    parse_s3_location,
    parse_stanza,
)
from hook.settings.backup_trigger import DumpTrigger, SnapshotTrigger
from hook.settings.output import S3_SCHEME

if TYPE_CHECKING:
    from hook.settings import Settings

_KMS_NOTE = (
    "if the bucket is encrypted with a key of KMS (SSE-KMS), kms:Decrypt on that key is needed too,"
    " and kms:GenerateDataKey to put dumps there"
)


def render_policy(settings: Settings, environment: Mapping[str, str]) -> str:
    """Return the policy as IAM reads it; *environment* may name the region of the database.

    Raises:
        ConfigError: Nothing of it is in AWS, or a name that the policy needs is missing.
    """
    named = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    region = iam.Region(named) if named else iam.Region()
    grants = _grants_for_source(settings, region)
    if grants:
        # Whatever the policies are: what destroys data has the backup gate ask.
        grants += _grants_for_trigger(settings, region)
    grants += _grants_for_report(settings, region)
    if not grants:
        raise ConfigError(
            ("PRESYNC_BACKUP_SOURCE names nothing in AWS, so no policy is needed",),
            "Set PRESYNC_BACKUP_SOURCE as the run has it.",
        )
    return json.dumps(iam.policy_document(grants), indent=2)


def policy_notes(settings: Settings) -> tuple[str, ...]:
    """Return what the policy cannot say, one sentence each."""
    source = settings.backup.source
    reads_objects = source is not None and isinstance(source.location, S3Location)
    return (_KMS_NOTE,) if reads_objects else ()


def _grants_for_source(settings: Settings, region: iam.Region) -> tuple[iam.Grant, ...]:
    source = settings.backup.source
    if source is None:
        return ()
    if isinstance(source.location, RdsLocation):
        name = source.location.name
        if source.location.kind is RdsKind.CLUSTER:
            return iam.grants_for_cluster(name, region)
        return iam.grants_for_instance(name, region)
    if isinstance(source.location, S3Location):
        bucket = iam.Bucket(source.location.bucket, source.location.prefix, region)
        return _grants_for_bucket(source, bucket, settings)
    return ()


def _wal_need(settings: Settings) -> iam.WalNeed:
    """Return what is looked at of the WAL: a marker needs the one segment that it is in."""
    if settings.archive.policy is not Policy.OFF:
        return iam.WalNeed.HISTORY
    is_marked = settings.marker.policy is not Policy.OFF
    return iam.WalNeed.SEGMENTS if is_marked else iam.WalNeed.NONE


def _grants_for_trigger(settings: Settings, region: iam.Region) -> tuple[iam.Grant, ...]:
    trigger, source = settings.backup.trigger, settings.backup.source
    if isinstance(trigger, DumpTrigger):
        return iam.grants_for_dumping(iam.Bucket(*trigger.location, region))
    server = source.location if source is not None else None
    if isinstance(trigger, SnapshotTrigger) and isinstance(server, RdsLocation):
        return iam.grants_for_snapshots_of(server.kind.value, server.name, region)
    return ()


def _grants_for_report(settings: Settings, region: iam.Region) -> tuple[iam.Grant, ...]:
    url = settings.output.report or ""
    if not url.startswith(S3_SCHEME):
        return ()
    place = parse_s3_location(url, "PRESYNC_REPORT", "")
    bucket = iam.Bucket(place.bucket, "", region)
    return iam.grants_for_report(bucket, place.prefix, is_folder=url.endswith("/"))


def _grants_for_bucket(
    source: BackupSource, bucket: iam.Bucket, settings: Settings
) -> tuple[iam.Grant, ...]:
    wal = _wal_need(settings)
    if source.system is BackupSystem.PGBACKREST:
        return iam.grants_for_pgbackrest(bucket, parse_stanza(settings.backup.stanza), wal)
    if source.system is BackupSystem.BARMAN:
        return iam.grants_for_barman(bucket, parse_stanza(settings.backup.stanza), wal)
    if source.system is BackupSystem.WALG:
        return iam.grants_for_walg(bucket, wal)
    return iam.grants_for_dumps(bucket)
