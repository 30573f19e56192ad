"""Reads what ``pgbackrest info --output=json`` prints.

Its exit status is 0 also when a repository cannot be read; only the status codes in the
document tell. They are those of ``src/command/info/info.c`` of pgBackRest 2.x.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from hook.core.backups.backup import Backup, BackupType, Presence
from hook.core.backups.json_values import instant_of, matching, number_of
from hook.core.text import clip, one_line
from hook.errors import BackupSourceMissing, BackupUnknown

_OK, _NO_STANZA, _NO_BACKUPS, _NO_DATA, _MIXED = 0, 1, 2, 3, 4
_LABEL = re.compile(r"[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?")
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_ERROR = re.compile(r"[A-Z][A-Za-z]*Error: ")
_REPEATED = re.compile(r"(?<=at line )([0-9]+).*")
_REASON_LENGTH = 240
_TOLD = 10
_UNREADABLE = "Run the command by hand, and repair what it complains of."
_NO_REPOSITORY = (
    "Correct the repository in the command or in pgBackRest's configuration (repo1-path, its host,"
    " its bucket), or create the stanza (pgbackrest --stanza=… stanza-create)."
)

Json = Mapping[str, object]
Key = tuple[int, int]


class ArchiveRange(NamedTuple):
    """The first and the last segment of an archive; what is between is not told."""

    first: str
    last: str


class StanzaInfo(NamedTuple):
    """What is told of one stanza.

    Attributes:
        system_identifier: Of the cluster as it is now.
        archives: Of that cluster, one for each repository that has any WAL.
        warnings: What stands against single repositories.
    """

    name: str
    system_identifier: str | None
    backups: tuple[Backup, ...]
    archives: tuple[ArchiveRange, ...]
    warnings: tuple[str, ...]


def parse_pgbackrest_list(value: object, wanted: str | None) -> StanzaInfo:
    """Return what the decoded JSON *value* tells of the stanza *wanted*, or of the only one.

    Raises:
        BackupSourceMissing: There is no such stanza, or none of the repositories has it.
        BackupUnknown: No repository could be read, or the document has another shape.
    """
    stanza = _choose([_object(item, "a stanza") for item in _list(value)], wanted)
    name = str(stanza.get("name"))
    status = _object(stanza.get("status"), "status")
    warnings = tuple(_warnings(stanza))
    _require_readable(one_line(name), number_of(status.get("code")), warnings)
    clusters = dict(_clusters(stanza))
    newest = max(clusters, key=lambda key: key[1], default=None)
    current = None if newest is None else clusters[newest]
    listed = [_object(item, "backup") for item in _list(stanza.get("backup"))]
    backups = tuple(_backup(item, clusters) for item in listed)
    if len(_list(stanza.get("repo"))) > 1:
        backups = tuple(map(_in_repo, backups, listed))
    return StanzaInfo(
        name,
        current,
        backups,
        tuple(_archives(stanza, clusters, current)),
        warnings,
    )


def _choose(stanzas: list[Json], wanted: str | None) -> Json:
    names = [str(stanza.get("name")) for stanza in stanzas]
    if wanted is None and len(stanzas) == 1:
        return stanzas[0]
    if not names:
        problem = BackupUnknown if wanted is None else BackupSourceMissing
        raise problem("pgBackRest tells of no stanza", _NO_REPOSITORY)
    told = one_line(", ".join(names[:_TOLD]))
    if wanted is None:
        raise BackupUnknown(
            f"pgBackRest tells of {len(stanzas)} stanzas, not of one: {told}",
            "Set PRESYNC_BACKUP_STANZA, or add --stanza to the command.",
        )
    if wanted not in names:
        raise BackupSourceMissing(
            f"pgBackRest tells of no stanza {wanted}; stanzas there: {told}",
            "Set PRESYNC_BACKUP_STANZA to a stanza that is there.",
        )
    return stanzas[names.index(wanted)]


def _require_readable(name: str, code: int | None, problems: tuple[str, ...]) -> None:
    told = "; ".join(problems) or f"status {code}"
    if code in {_NO_STANZA, _NO_DATA}:
        raise BackupSourceMissing(
            f"pgBackRest has no stanza {name}: {told}",
            "Correct --stanza and the repository in the command, or create the stanza"
            f" (pgbackrest --stanza={name} stanza-create).",
        )
    if code not in {_OK, _NO_BACKUPS, _MIXED}:
        raise BackupUnknown(f"pgBackRest cannot tell of stanza {name}: {told}", _UNREADABLE)


def _warnings(stanza: Json) -> Iterator[str]:
    for item in _list(stanza.get("repo")):
        repo = _object(item, "repo")
        status = _object(repo.get("status"), "status")
        code = number_of(status.get("code"))
        if code not in {_OK, _NO_BACKUPS}:
            key = number_of(repo.get("key"))
            yield f"repo{key}: {_message(status)} ({code})"


def _clusters(stanza: Json) -> Iterator[tuple[Key, str | None]]:
    """Yield the system identifier of each database that a repository has known."""
    for item in _list(stanza.get("db")):
        db = _object(item, "db")
        identifier = number_of(db.get("system-id"))
        key = (number_of(db.get("repo-key")) or 0, number_of(db.get("id")) or 0)
        yield key, None if identifier is None else str(identifier)


def _archives(
    stanza: Json, clusters: Mapping[Key, str | None], current: str | None
) -> Iterator[ArchiveRange]:
    for item in _list(stanza.get("archive")):
        archive = _object(item, "archive")
        first, last = (matching(_SEGMENT, archive.get(key)) for key in ("min", "max"))
        if first and last and clusters.get(_database(archive)) == current:
            yield ArchiveRange(first, last)


def _backup(item: Json, clusters: Mapping[Key, str | None]) -> Backup:
    label = matching(_LABEL, item.get("label"))
    if label is None:
        raise _damaged("a backup has no label")
    times, lsn, archive = (
        _object(item.get(key), f"{key} of backup {label}")
        for key in ("timestamp", "lsn", "archive")
    )
    error, prior = item.get("error"), matching(_LABEL, item.get("prior"))
    return Backup(
        label=label,
        type=_type(label, item),
        started_at=instant_of(times.get("start")),
        stopped_at=instant_of(times.get("stop")),
        error=error if isinstance(error, bool) else None,
        prior=prior,
        references=tuple(map(str, _list(item.get("reference") or []))),
        system_identifier=clusters.get(_database(item)),
        wal_start=matching(_SEGMENT, archive.get("start")),
        lsn_stop=matching(_LSN, lsn.get("stop")),
        # Nobody but pgBackRest can look.
        presence=Presence.COMPLETE,
    )


def _in_repo(backup: Backup, item: Json) -> Backup:
    return replace(backup, repo=_database(item)[0] or None)


def _type(label: str, item: Json) -> BackupType:
    try:
        return BackupType(str(item.get("type")))
    except ValueError:
        raise _damaged(f"backup {label} is of another type than full, diff and incr") from None


def _database(item: Json) -> Key:
    database = _object(item.get("database"), "database")
    return number_of(database.get("repo-key")) or 0, number_of(database.get("id")) or 0


def _message(status: Json) -> str:
    """Return the message without what it repeats of a file: keys of all data may be in there."""
    first, *more = str(status.get("message")).split("\n")
    lines = [first, *filter(_ERROR.match, more)]
    told = [_REPEATED.sub(r"\1", line) for line in lines]
    return clip(one_line(" / ".join(dict.fromkeys(told))), _REASON_LENGTH)


def _object(value: object, what: str) -> Json:
    if not isinstance(value, dict):
        raise _damaged(f"{what} is not an object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _damaged("a list is missing")
    return value


def _damaged(reason: str) -> BackupUnknown:
    return BackupUnknown(
        f"what it printed is not like the output of pgbackrest info: {one_line(reason)}",
        "Let the command end in `pgbackrest info --output=json`.",
    )
