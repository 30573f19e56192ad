"""Reads what pgBackRest's two info files say, once the checksum they carry is verified.

What they hold is told by ``src/info/infoBackup.c`` and ``src/info/infoArchive.c`` of
pgBackRest 2.x; for their form see `hook.core.backups.pgbackrest_lines`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.json_values import instant_of, matching, number_of
from hook.core.backups.pgbackrest_lines import (
    CHECKSUM_KEY,
    FORMAT,
    FORMAT_KEY,
    InfoDamaged,
    InfoLine,
    info_checksum,
    read_info_lines,
)

LABEL = re.compile(r"[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?")
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_VERSION = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?")
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_BACKUPS = "backup:current"

Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BackupInfo:
    """What one ``backup.info`` says.

    Attributes:
        db_id: Of the cluster as it is now; older backups may carry the id it had before
            an upgrade.
        system_identifier: Of the cluster as it is now.
        backups: Completed backups, as the file lists them. Whether their files are
            still there is not known from here.
        passphrase: Of the manifests of an encrypted repository.
    """

    db_id: int
    system_identifier: str
    backups: tuple[Backup, ...]
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """What one ``archive.info`` says.

    Attributes:
        archive_id: Folder of the WAL of the cluster as it is now. The number in it may
            differ from the one in ``backup.info``.
        passphrase: Of the files in the archive of an encrypted repository.
    """

    archive_id: str
    system_identifier: str
    passphrase: str | None = field(default=None, repr=False)


def parse_backup_info(data: bytes) -> BackupInfo:
    """Return what *data* says once its checksum is verified.

    Raises:
        InfoDamaged: The text is damaged or of another format.
    """
    lines, values = _verified(data)
    return _read_info(values, (line for line in lines if line.section == _BACKUPS))


def parse_archive_info(data: bytes) -> ArchiveInfo:
    """Return what ``archive.info`` says once its checksum is verified.

    Raises:
        InfoDamaged: The text is damaged or of another format.
    """
    _, values = _verified(data)
    db_id = number_of(values.get(("db", "db-id")))
    system_identifier = number_of(values.get(("db", "db-system-id")))
    version = values.get(("db", "db-version"))
    if db_id is None or system_identifier is None or not _VERSION.fullmatch(str(version)):
        raise InfoDamaged("it does not say which cluster it belongs to")
    return ArchiveInfo(f"{version}-{db_id}", str(system_identifier), _passphrase(values))


def _verified(data: bytes) -> tuple[list[InfoLine], Mapping[tuple[str, str], object]]:
    """Return the lines of *data*, and the values of all but the backups."""
    if not data.strip():
        raise InfoDamaged("empty")
    lines = list(read_info_lines(data))
    values = {(line.section, line.key): line.value() for line in lines if line.section != _BACKUPS}
    if (told := values.get(FORMAT_KEY)) != FORMAT:
        raise InfoDamaged(f"format {told!r} is not {FORMAT}")
    if values.get(CHECKSUM_KEY) != info_checksum(lines):
        raise InfoDamaged("its checksum does not match (truncated or edited)")
    return lines, values


def _read_info(values: Mapping[tuple[str, str], object], entries: Iterable[InfoLine]) -> BackupInfo:
    db_id = number_of(values.get(("db", "db-id")))
    system_identifier = number_of(values.get(("db", "db-system-id")))
    if db_id is None or system_identifier is None:
        raise InfoDamaged("it does not say which cluster it belongs to")
    clusters = {
        key: number_of(value.get("db-system-id"))
        for (section, key), value in values.items()
        if section == "db:history" and isinstance(value, dict)
    }
    backups = tuple(_read_backup(line.key, line.value(), db_id, clusters) for line in entries)
    return BackupInfo(db_id, str(system_identifier), backups, _passphrase(values))


def _passphrase(values: Mapping[tuple[str, str], object]) -> str | None:
    passphrase = values.get(("cipher", "cipher-pass"))
    return passphrase if isinstance(passphrase, str) else None


def _read_backup(
    label: str, entry: object, db_id: int, clusters: Mapping[str, int | None]
) -> Backup:
    if not LABEL.fullmatch(label) or not isinstance(entry, dict):
        raise InfoDamaged(f"{label!r} is not an entry for a backup")
    own_id = number_of(entry.get("db-id"))
    cluster = clusters.get(str(own_id))
    error = entry.get("backup-error")
    prior = _labels(label, [entry["backup-prior"]] if entry.get("backup-prior") else [])
    return Backup(
        label=label,
        type=_type(label, entry),
        started_at=instant_of(entry.get("backup-timestamp-start")),
        stopped_at=instant_of(entry.get("backup-timestamp-stop")),
        error=error if isinstance(error, bool) else None,
        prior=prior[0] if prior else None,
        references=_labels(label, entry.get("backup-reference") or []),
        system_identifier=None if cluster is None else str(cluster),
        wal_start=matching(_SEGMENT, entry.get("backup-archive-start")),
        wal_stop=matching(_SEGMENT, entry.get("backup-archive-stop")),
        lsn_stop=matching(_LSN, entry.get("backup-lsn-stop")),
        problems=_problems(entry, own_id, db_id),
    )


def _problems(entry: Entry, own_id: int | None, db_id: int) -> tuple[str, ...]:
    problems = []
    if own_id != db_id:
        problems.append(f"was taken from an older cluster (db-id {own_id}, now {db_id})")
    # With --no-archive-check the backup ends before its WAL is archived, so it can be
    # listed without an error and never become consistent, unless it copied the WAL itself.
    # An offline backup needs none.
    options = [entry.get(f"option-{name}") for name in ("online", "archive-check", "archive-copy")]
    if options[0] is not False and options[1] is not True and options[2] is not True:
        problems.append("was taken without archive check, so its WAL may be missing")
    return tuple(problems)


def _type(label: str, entry: Entry) -> BackupType:
    try:
        return BackupType(str(entry.get("backup-type")))
    except ValueError:
        raise InfoDamaged(f"{label} is of unknown type {entry.get('backup-type')!r}") from None


def _labels(label: str, names: object) -> tuple[str, ...]:
    """Return *names* once each is a label: they become parts of object names."""
    if not isinstance(names, list):
        raise InfoDamaged(f"{label}: its references are not a list")
    for name in names:
        if not isinstance(name, str) or not LABEL.fullmatch(name):
            raise InfoDamaged(f"{label}: {name!r} is not a backup label")
    # Interned, because each backup of a long chain names all those before it.
    return tuple(intern(name) for name in names)
