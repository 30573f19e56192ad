"""Reads the setting that says how to make a backup when none is fresh.

``PRESYNC_BACKUP_TRIGGER`` is ``rds-snapshot``, ``job:<namespace>/<cronjob>``,
``cnpg:<namespace>/<cluster>`` or ``dump:s3://bucket/prefix``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hook.errors import ConfigError
from hook.settings.backup_source import (
    BackupSource,
    BackupSystem,
    S3Location,
    parse_s3_location,
)

TRIGGER_SETTING = "PRESYNC_BACKUP_TRIGGER"
_HINT = (
    f"Set {TRIGGER_SETTING} to one of: rds-snapshot, job:<namespace>/<cronjob>,"
    " cnpg:<namespace>/<cluster>, dump:s3://bucket/prefix."
)
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_NAMESPACE = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?"


class SnapshotTrigger(NamedTuple):
    """A manual snapshot of the instance or cluster that the backup source names."""


class JobTrigger(NamedTuple):
    """A Job from the template of a CronJob."""

    namespace: str
    cronjob: str


class ClusterTrigger(NamedTuple):
    """A Backup of a cluster of CloudNativePG."""

    namespace: str
    cluster: str


class DumpTrigger(NamedTuple):
    """A dump of the database into a bucket."""

    location: S3Location


BackupTrigger = SnapshotTrigger | JobTrigger | ClusterTrigger | DumpTrigger


def parse_backup_trigger(text: str) -> BackupTrigger:
    """Return the trigger that *text* names.

    Raises:
        ConfigError: It names none.
    """
    value = text.strip()
    kind, _, rest = value.partition(":")
    if value == "rds-snapshot":
        return SnapshotTrigger()
    if kind == "job":
        return JobTrigger(*_named(rest, "CronJob"))
    if kind == "cnpg":
        return ClusterTrigger(*_named(rest, "cluster"))
    if kind == "dump" and rest.startswith("s3://"):
        return DumpTrigger(parse_s3_location(rest, TRIGGER_SETTING, _HINT))
    quoted = "the value" if "@" in value else repr(value)
    raise _problem(f"{quoted} is no way to make a backup")


def judge_trigger(trigger: BackupTrigger | None, source: BackupSource | None) -> str:
    """Return why *trigger* makes nothing that *source* would find, empty when it may.

    What a Job does only its author knows.
    """
    if isinstance(trigger, SnapshotTrigger):
        if source is None or source.system is not BackupSystem.RDS:
            return "rds-snapshot needs a PRESYNC_BACKUP_SOURCE of rds:"
    elif isinstance(trigger, DumpTrigger):
        is_dumped = source is not None and source.system is BackupSystem.DUMP
        place = source.location if source is not None else None
        if not is_dumped or not isinstance(place, S3Location):
            return "dump: needs a PRESYNC_BACKUP_SOURCE of dump:s3://"
        if place.bucket != trigger.location.bucket:
            return f"dump: writes to another bucket than {place.bucket} of PRESYNC_BACKUP_SOURCE"
        if not _is_found(trigger.location.prefix, place.prefix):
            return f"dump: does not write below {place.prefix}/ of PRESYNC_BACKUP_SOURCE"
    return ""


def _is_found(written: str, looked_at: str) -> bool:
    """Tell whether a dump in the folder *written* may be below *looked_at*.

    It gets a folder with the name of its database, which may be the last one of that place.
    """
    is_below = not looked_at or f"{written}/".startswith(f"{looked_at}/")
    return is_below or looked_at.rpartition("/")[0] == written


def _named(rest: str, noun: str) -> tuple[str, str]:
    namespace, slash, name = rest.partition("/")
    if not slash:
        raise _problem(f"there is no <namespace>/<name> of a {noun} in it")
    if not re.fullmatch(_NAMESPACE, namespace):
        raise _problem(f"{namespace!r} is not the name of a namespace")
    if not re.fullmatch(_NAME, name):
        raise _problem(f"{name!r} is not the name of a {noun}")
    return namespace, name


def _problem(reason: str) -> ConfigError:
    return ConfigError((f"{TRIGGER_SETTING}: {reason}",), _HINT)
