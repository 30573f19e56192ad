"""How to get back to a marker, in the words of the backup system that is in use.

A pure function for each system, chosen by its name. The position comes first: it is there also
without a restore point, and nothing else is as exact as the two.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from hook.core.backups.dump_form import DumpForm
from hook.core.backups.recovery_settings import as_value, fetch_and_configure, recover_to
from hook.core.backups.restore_dump import restore_dump

_IN_PLACE = "in place, to the marker's position; PostgreSQL is stopped first"
_IN_EMPTY_PLACE = f"{_IN_PLACE}, the data directory empty"
# Barman turns archiving off in whatever it restores.
_IN_PLACE_BY_BARMAN = f"{_IN_EMPTY_PLACE}; archive_command is to be set again afterwards"
_BY_NAME = "the same point by its name, with the backup before it"
_BY_TIME = "the same by time; what others committed between marker and time stays"
_BESIDE = "to look first: beside production, without archiving into the same repository"
_NEW_DATABASE = "into a new database; what was changed after the dump began is not in it"
# Of Spilo under Zalando's operator, in whose path the cluster's uid is.
_ZALANDO = re.compile(r"s3://[^/]+/spilo/(?P<cluster>[^/]+)/(?P<uid>[0-9a-f-]{36})/wal/[^/]+/?")
_AWS = "into a new one beside it, to the last whole second before the marker"
# A shell says itself what is to be put in.
_OTHER_FOLDER = '"${RESTORE_TO:?an empty folder}"'
_DATA = '"${PGDATA:?the data directory}"'
_SOME_BACKUP = '"${BACKUP:?one that ended before the marker}"'


class RestorePoint(NamedTuple):
    """Where a restore is to end, and the backup that it begins with.

    Attributes:
        name: Of the restore point, none when there is only the position.
        time: The server's clock at that position.
        backup: Label, none when it is not known.
        form: Of the backup, when that is a dump.
        backup_timeline: That it was taken on, none when it does not tell.
    """

    name: str | None
    lsn: str
    time: datetime
    timeline: int
    backup: str | None
    form: DumpForm | None = None
    backup_timeline: int | None = None


class RestoreSource(NamedTuple):
    """The repository to restore from.

    Attributes:
        system: Name of the backup system, as in ``PRESYNC_BACKUP_SOURCE``.
        server: What the system calls the cluster: stanza, server, instance.
        place: URL or path of the repository.
        endpoint: URL of the storage, empty for AWS or a path.
        repo: Number that pgBackRest has for it, none when it has only one.
    """

    system: str
    server: str
    place: str = ""
    endpoint: str = ""
    repo: int | None = None


class RestoreCommand(NamedTuple):
    """One way back: what it is good for, and what to type."""

    purpose: str
    command: str


Recipe = Callable[[RestoreSource, RestorePoint], tuple[RestoreCommand, ...]]


def restore_commands(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    """Return the ways back to *point* out of *source*, the one to take first in front.

    None for a system that cannot go back to a point, or whose commands nobody knows here.
    """
    recipe = RECIPES.get(source.system)
    return () if recipe is None else recipe(source, point)


def _pgbackrest(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    """Return its commands, each with the backup that the gates found to be usable.

    By itself it takes the newest that ended before the point, also one that is damaged or gone,
    and for a name the newest of all.
    """
    stanza = f"--stanza={shlex.quote(source.server)}"
    lsn = f"--type=lsn --target={shlex.quote(point.lsn)}"
    time = f"--type=time --target={shlex.quote(_time(point, '+00'))}"
    end = f"--target-timeline={_timeline(point)} --target-action="
    chosen = () if point.backup is None else (f"--set={shlex.quote(point.backup)}",)
    tool, restore = " ".join(("pgbackrest", stanza, *repo_option(source.repo))), "restore"
    named = f"--type=name --target={shlex.quote(point.name or '')}"
    aside = f"--pg1-path={_OTHER_FOLDER} --archive-mode=off"

    def restored(folder: str, target: str, action: str) -> str:
        return " ".join((tool, folder, *chosen, target, f"{end}{action}", restore))

    by_name = RestoreCommand(_BY_NAME, restored("--delta", named, "promote"))
    return (
        RestoreCommand(_IN_PLACE, restored("--delta", lsn, "promote")),
        *((by_name,) if point.name else ()),
        RestoreCommand(_BY_TIME, restored("--delta", time, "promote")),
        RestoreCommand(_BESIDE, restored(aside, lsn, "pause")),
    )


def repo_option(number: int | None) -> tuple[str, ...]:
    """Return what makes pgBackRest take the repository *number*, nothing where it has but one.

    By itself it takes the first that has a backup, whatever else is wrong with that one.
    """
    return () if number is None else (f"--repo={number}",)


def _walg(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    backup, timeline = _chosen(point), _timeline(point)

    def fetched(folder: str, action: str, *more: str) -> str:
        lines = (
            "restore_command = 'wal-g wal-fetch %f %p'",
            *recover_to(point.lsn, timeline, action),
            *more,
        )
        return fetch_and_configure(f"wal-g backup-fetch {folder} {backup}", folder, lines)

    return (
        RestoreCommand(_IN_EMPTY_PLACE, fetched(_DATA, "promote")),
        RestoreCommand(_BESIDE, fetched(_OTHER_FOLDER, "pause", "archive_mode = off")),
        *_zalando(source, point),
    )


def _zalando(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    """Return what Zalando's operator restores by, which is a time and nothing else."""
    found = _ZALANDO.fullmatch(source.place)
    if found is None:
        return ()
    time = point.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    cluster = f'cluster: "{found["cluster"]}", uid: "{found["uid"]}", timestamp: "{time}"'
    return (
        RestoreCommand(
            "with Zalando's operator: in a new cluster's manifest, under spec; by time, so what"
            " others committed between marker and time stays",
            f"clone: {{{cluster}}}",
        ),
    )


def _barman(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    server, backup = shlex.quote(source.server), shlex.quote(point.backup or "auto")
    timeline = f"--target-tli {_timeline(point)}"
    lsn = f"--target-lsn {shlex.quote(point.lsn)} {timeline}"
    time = f"--target-time {shlex.quote(_time(point, '+00:00'))} {timeline}"

    def restored(target: str, action: str, folder: str) -> str:
        return f"barman restore {target} --target-action {action} {server} {backup} {folder}"

    name = f"--target-name {shlex.quote(point.name or '')} {timeline}"
    by_name = RestoreCommand(_BY_NAME, restored(name, "promote", _DATA))
    return (
        RestoreCommand(_IN_PLACE_BY_BARMAN, restored(lsn, "promote", _DATA)),
        *((by_name,) if point.name else ()),
        RestoreCommand(_BY_TIME, restored(time, "promote", _DATA)),
        RestoreCommand(_BESIDE, restored(lsn, "pause", _OTHER_FOLDER)),
    )


def _barman_cloud(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    place, server = shlex.quote(source.place), shlex.quote(source.server)
    if source.endpoint:
        place = f"--endpoint-url {shlex.quote(source.endpoint)} {place}"
    backup, timeline = _chosen(point), _timeline(point)
    # The server fills in names after a percent sign.
    fetch_wal = f"barman-cloud-wal-restore {place} {server}".replace("%", "%%")
    wal = f"restore_command = {as_value(f'{fetch_wal} %f %p')}"

    def restored(folder: str, action: str, *more: str) -> str:
        fetch = f"barman-cloud-restore {place} {server} {backup} {folder}"
        return fetch_and_configure(
            fetch, folder, (wal, *recover_to(point.lsn, timeline, action), *more)
        )

    return (
        RestoreCommand(_IN_EMPTY_PLACE, restored(_DATA, "promote")),
        RestoreCommand(_BESIDE, restored(_OTHER_FOLDER, "pause", "archive_mode = off")),
        *_cloudnativepg(source, point),
    )


def _cloudnativepg(_source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    backup = "" if point.backup is None else f'backupID: "{point.backup}", '
    # It knows no other word than latest, which is the same without one.
    number = "" if _is_straight(point) else f', targetTLI: "{point.timeline}"'
    target = f'targetLSN: "{point.lsn}"{number}'
    return (
        RestoreCommand(
            "with CloudNativePG: in a new Cluster's manifest, under spec.bootstrap.recovery",
            f"recoveryTarget: {{{backup}{target}}}",
        ),
    )


def _rds_instance(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    old, new = shlex.quote(source.server), shlex.quote(f"{source.server}-restore")
    command = (
        "aws rds restore-db-instance-to-point-in-time"
        f" --source-db-instance-identifier {old} --target-db-instance-identifier {new}"
        f" --restore-time {_whole_second(point)}"
    )
    return (RestoreCommand(_AWS, command),)


def _rds_cluster(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    old, new = shlex.quote(source.server), shlex.quote(f"{source.server}-restore")
    command = (
        "aws rds restore-db-cluster-to-point-in-time"
        f" --source-db-cluster-identifier {old} --db-cluster-identifier {new}"
        f" --restore-to-time {_whole_second(point)}"
    )
    return (RestoreCommand(f"{_AWS}; instances are created in it afterwards", command),)


def _dump(source: RestoreSource, point: RestorePoint) -> tuple[RestoreCommand, ...]:
    """Return how the last dump is restored: it knows no point to go to."""
    if point.backup is None or point.form is None:
        return ()
    command = restore_dump(source.place, source.endpoint, point.backup, point.form)
    return (RestoreCommand(_NEW_DATABASE, command),)


def _time(point: RestorePoint, offset: str) -> str:
    """Return the marker's time in UTC, which *offset* says as the system reads it."""
    return point.time.astimezone(UTC).strftime(f"%Y-%m-%d %H:%M:%S.%f{offset}")


def _timeline(point: RestorePoint) -> str:
    """Return what a tool is to call the timeline of *point*."""
    return "current" if _is_straight(point) else str(point.timeline)


def _is_straight(point: RestorePoint) -> bool:
    """Tell whether the backup is of the timeline of *point*, whose number would want its history.

    A lifecycle rule deletes that file, or it is older than the repository. Timeline 1 has none.
    """
    return point.timeline > 1 and point.backup_timeline == point.timeline


def _chosen(point: RestorePoint) -> str:
    """Return the backup, for a system that chooses none by itself."""
    return _SOME_BACKUP if point.backup is None else shlex.quote(point.backup)


def _whole_second(point: RestorePoint) -> str:
    """Return the last whole second before the marker; there is no finer target."""
    return point.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "pgbackrest": _pgbackrest,
        "walg": _walg,
        "barman": _barman,
        "barman-cloud": _barman_cloud,
        "dump": _dump,
        "cnpg": _cloudnativepg,
        "rds": _rds_instance,
        "rds-cluster": _rds_cluster,
    }
)
