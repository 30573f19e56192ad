"""Reads the settings that say where the backups are.

``PRESYNC_BACKUP_SOURCE`` is ``<system>:<place>``: ``pgbackrest:s3://bucket/prefix``,
``walg:/path``, ``rds:instance``, ``command:program argument``, or ``none``. Messages never
repeat a value that holds an ``@``, because somebody may have put credentials in front of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from hook.errors import ConfigError

_SETTING = "PRESYNC_BACKUP_SOURCE"
_STANZA_SETTING = "PRESYNC_BACKUP_STANZA"
_ENDPOINT_SETTING = "PRESYNC_S3_ENDPOINT"
_SUPPORTED = (
    "pgbackrest:PLACE, walg:PLACE, barman:PLACE, dump:PLACE, rds:INSTANCE, rds:cluster/NAME,"
    " command:PROGRAM ARGUMENTS, none;"
    " a PLACE is s3://bucket/prefix or /path"
)
_HINT = f"Set {_SETTING} to one of: {_SUPPORTED}."
_URL_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:/"
_BUCKET = r"[A-Za-z0-9._-]{1,255}"
_STANZA = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
_RDS_NAME = r"[A-Za-z](-?[A-Za-z0-9])*"
_RDS_NAME_LENGTH = 63
_ENDPOINT = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?/?"


class BackupSystem(StrEnum):
    """A backup system that can be asked, or the deliberate absence of one."""

    PGBACKREST = "pgbackrest"
    WALG = "walg"
    BARMAN = "barman"
    DUMP = "dump"
    RDS = "rds"
    COMMAND = "command"
    NONE = "none"


class DirectoryLocation(NamedTuple):
    """A directory that holds the repository."""

    path: str


class S3Location(NamedTuple):
    """A bucket and the key prefix of the repository, without slashes at its ends."""

    bucket: str
    prefix: str = ""


class CommandLocation(NamedTuple):
    """A program that tells of the backups, and its arguments."""

    arguments: tuple[str, ...]


class RdsKind(StrEnum):
    """What Amazon RDS backs up as one: an instance, or a cluster of several."""

    INSTANCE = "instance"
    CLUSTER = "cluster"


class RdsLocation(NamedTuple):
    """A server of Amazon RDS or Aurora, by its identifier."""

    name: str
    kind: RdsKind = RdsKind.INSTANCE


Location = DirectoryLocation | S3Location
Place = Location | CommandLocation | RdsLocation


class BackupSource(NamedTuple):
    """Where the backups are. *location* is none only for `BackupSystem.NONE`."""

    system: BackupSystem
    location: Place | None = None


class S3Settings(NamedTuple):
    """How to reach S3; the credentials stay with boto3's own chain.

    Attributes:
        endpoint: URL of the service, none for AWS or what boto3's own configuration says.
        region: Region to sign for, none to let boto3 look it up.
        ca_file: Certificates to trust, none for boto3's own choice (``AWS_CA_BUNDLE``).
        connect_timeout: For each attempt to connect.
        read_timeout: For each silence of the server.
    """

    endpoint: str | None = None
    region: str | None = None
    ca_file: str | None = None
    connect_timeout: timedelta = timedelta(seconds=3)
    read_timeout: timedelta = timedelta(seconds=10)


def parse_backup_source(text: str) -> BackupSource:
    """Return the source that *text* names.

    Raises:
        ConfigError: It names none, or one that is not supported.
    """
    value = text.strip()
    if value == BackupSystem.NONE.value:
        return BackupSource(BackupSystem.NONE)
    system, colon, place = value.partition(":")
    if not colon or place.startswith("//") or system not in set(BackupSystem):
        raise _problem(f"{_quoted(value)} does not start with a backup system")
    if system == BackupSystem.NONE:
        raise _problem("none takes no place")
    known = BackupSystem(system)
    return BackupSource(known, _PLACES[known](place.strip()))


def parse_stanza(text: str | None) -> str:
    """Return the stanza's name once it can be part of a path.

    Raises:
        ConfigError: It is not set or not a name.
    """
    value = (text or "").strip()
    if not value:
        raise ConfigError(
            (f"{_STANZA_SETTING} is not set",),
            f"Set {_STANZA_SETTING} to the name of this database's server in the backup system: the"
            " stanza of pgBackRest, the server name of Barman.",
        )
    if not re.fullmatch(_STANZA, value):
        raise ConfigError(
            (f"{_STANZA_SETTING}: {_quoted(value)} is not the name of a stanza or server",),
            f"Set {_STANZA_SETTING} to letters, digits, dots, dashes and underscores only.",
        )
    return value


def parse_s3_endpoint(text: str) -> str:
    """Return the endpoint without a slash at its end.

    Raises:
        ConfigError: It is not a URL of scheme, host and port only.
    """
    value = text.strip()
    if not re.fullmatch(_ENDPOINT, value):
        raise ConfigError(
            (f"{_ENDPOINT_SETTING}: {_quoted(value)} is not http(s)://host[:port]",),
            f"Set {_ENDPOINT_SETTING} to scheme, host and port; bucket and prefix belong into"
            f" {_SETTING}, credentials into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return value.rstrip("/")


def _parse_location(place: str) -> DirectoryLocation | S3Location:
    if not place:
        raise _problem("it names a backup system and no place")
    if place.startswith("s3://"):
        return parse_s3_location(place, _SETTING, _HINT)
    if re.match(_URL_SCHEME, place):
        raise _problem(f"{_quoted(place)} is neither s3://bucket/prefix nor a path")
    return DirectoryLocation(place)


def parse_s3_location(url: str, setting: str, hint: str) -> S3Location:
    """Return bucket and prefix of *url*, which begins with ``s3://`` and is of *setting*.

    Raises:
        ConfigError: There is no bucket in it.
    """
    rest = url.removeprefix("s3://")
    bucket, _, prefix = rest.partition("/")
    reason = ""
    if "s3:" in rest:
        reason = "s3:// stands in it twice"
    elif not bucket:
        reason = "there is no bucket after s3://"
    elif not re.fullmatch(_BUCKET, bucket):
        reason = f"{_quoted(bucket)} is not the name of a bucket"
    if reason:
        raise ConfigError((f"{setting}: {reason}",), hint)
    return S3Location(bucket, prefix.strip("/"))


def _parse_command(place: str) -> CommandLocation:
    """Return program and arguments, quoted as for a shell; nothing else of a shell counts."""
    try:
        arguments = tuple(shlex.split(place))
    except ValueError as error:
        # Not the value itself: an argument may be a secret.
        raise _problem(f"the command cannot be taken apart: {error}") from None
    if not arguments or not arguments[0]:
        raise _problem("it names no command")
    return CommandLocation(arguments)


def _parse_rds(place: str) -> RdsLocation:
    word, slash, rest = place.partition("/")
    is_cluster = bool(slash) and word == RdsKind.CLUSTER
    name = rest if is_cluster else place
    if not name:
        raise _problem("it names no instance or cluster of RDS")
    if not re.fullmatch(_RDS_NAME, name) or len(name) > _RDS_NAME_LENGTH:
        raise _problem(f"{_quoted(name)} is not the identifier of an RDS instance or cluster")
    # RDS keeps identifiers in lower case.
    return RdsLocation(name.lower(), RdsKind.CLUSTER if is_cluster else RdsKind.INSTANCE)


_PLACES: Mapping[BackupSystem, Callable[[str], Place]] = {
    BackupSystem.COMMAND: _parse_command,
    BackupSystem.PGBACKREST: _parse_location,
    BackupSystem.RDS: _parse_rds,
    BackupSystem.WALG: _parse_location,
    BackupSystem.BARMAN: _parse_location,
    BackupSystem.DUMP: _parse_location,
}


def _problem(reason: str) -> ConfigError:
    return ConfigError((f"{_SETTING}: {reason}",), _HINT)


def _quoted(value: str) -> str:
    return "the value" if "@" in value else repr(value)
