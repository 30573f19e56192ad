"""Reads pgBackRest's info files and verifies the checksum they carry.

Such a file is INI-like: sections, and keys whose value is JSON. The section ``backrest``
stands at both ends of the file, which is why `configparser` refuses it. The format is
that of ``src/common/ini.c``, ``src/info/info.c`` and ``src/info/infoBackup.c`` of
pgBackRest 2.x, whose repositories all say ``backrest-format=5``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from sys import intern

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.json_values import instant_of, matching, number_of
from hook.core.text import clip
from hook.errors import BackupUnknown

_FORMAT = 5
_LABEL = re.compile(r"[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?")
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_VERSION = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?")
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_BACKUPS = "backup:current"
_CHECKSUM = ("backrest", "backrest-checksum")
_REASON_LENGTH = 200
_DAMAGED = "See whether pgBackRest itself can read the repository: pgbackrest info."

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
    """

    db_id: int
    system_identifier: str
    backups: tuple[Backup, ...]


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


@dataclass(frozen=True, slots=True)
class InfoLine:
    """One ``key=value`` of an info file; *raw* is the value's JSON as it stands there."""

    section: str
    key: str
    raw: str

    def value(self) -> object:
        """Return the decoded value."""
        value: object = json.loads(self.raw)
        return value


def parse_backup_info(data: bytes) -> BackupInfo:
    """Return what *data* says once its checksum is verified.

    Raises:
        BackupUnknown: The text is damaged or of another format.
    """
    lines, values = _verified(data)
    return _read_info(values, (line for line in lines if line.section == _BACKUPS))


def parse_archive_info(data: bytes) -> ArchiveInfo:
    """Return what ``archive.info`` says once its checksum is verified.

    Raises:
        BackupUnknown: The text is damaged or of another format.
    """
    _, values = _verified(data)
    db_id = number_of(values.get(("db", "db-id")))
    system_identifier = number_of(values.get(("db", "db-system-id")))
    version = values.get(("db", "db-version"))
    if db_id is None or system_identifier is None or not _VERSION.fullmatch(str(version)):
        raise _damaged("it does not say which cluster it belongs to")
    passphrase = values.get(("cipher", "cipher-pass"))
    return ArchiveInfo(
        f"{version}-{db_id}",
        str(system_identifier),
        passphrase if isinstance(passphrase, str) else None,
    )


def _verified(data: bytes) -> tuple[list[InfoLine], Mapping[tuple[str, str], object]]:
    """Return the lines of *data*, and the values of all but the backups."""
    if not data.strip():
        raise _damaged("empty")
    lines = list(read_info_lines(data))
    values = {(line.section, line.key): line.value() for line in lines if line.section != _BACKUPS}
    if values.get(("backrest", "backrest-format")) != _FORMAT:
        raise _damaged(f"format {values.get(('backrest', 'backrest-format'))!r} is not {_FORMAT}")
    if values.get(_CHECKSUM) != info_checksum(lines):
        raise _damaged("its checksum does not match (truncated or edited)")
    return lines, values


def _damaged(reason: str) -> BackupUnknown:
    return BackupUnknown(clip(reason, _REASON_LENGTH), _DAMAGED)


def read_info_lines(data: bytes) -> Iterator[InfoLine]:
    """Yield what assigns a value, in file order, once it is sure to be JSON.

    Decoded values are not kept: they take ten times the room of their text, and a hook
    pod has little.

    Raises:
        BackupUnknown: *data* is damaged; nothing is known of its checksum yet.
    """
    section = ""
    for number, raw in enumerate(BytesIO(data), 1):
        text = _decode(raw).removesuffix("\n")
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1]
        elif text:
            key, equals, value = text.partition("=")
            if not section:
                raise _damaged(f"line {number}: text before the first section")
            if not equals:
                raise _damaged(f"line {number}: no key=value (truncated?)")
            line = InfoLine(section, key, value)
            try:
                line.value()
            except (ValueError, RecursionError):
                raise _damaged(f"line {number}: the value is not JSON (truncated?)") from None
            yield line


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _damaged("not a text file") from None


def info_checksum(lines: Iterable[InfoLine]) -> str:
    """Return the SHA-1 that pgBackRest takes over the raw text of all other values."""
    digest = hashlib.sha1(usedforsecurity=False)
    section, opening, between = "", "{", ""
    for line in lines:
        if (line.section, line.key) == _CHECKSUM:
            continue
        if line.section != section:
            digest.update(f'{opening}"{line.section}":{{'.encode())
            section, opening, between = line.section, "},", ""
        digest.update(f"{between}{json.dumps(line.key, ensure_ascii=False)}:{line.raw}".encode())
        between = ","
    digest.update(b"}}")
    return digest.hexdigest()


def _read_info(values: Mapping[tuple[str, str], object], entries: Iterable[InfoLine]) -> BackupInfo:
    db_id = number_of(values.get(("db", "db-id")))
    system_identifier = number_of(values.get(("db", "db-system-id")))
    if db_id is None or system_identifier is None:
        raise _damaged("it does not say which cluster it belongs to")
    clusters = {
        key: number_of(value.get("db-system-id"))
        for (section, key), value in values.items()
        if section == "db:history" and isinstance(value, dict)
    }
    backups = tuple(_read_backup(line.key, line.value(), db_id, clusters) for line in entries)
    return BackupInfo(db_id, str(system_identifier), backups)


def _read_backup(
    label: str, entry: object, db_id: int, clusters: Mapping[str, int | None]
) -> Backup:
    if not _LABEL.fullmatch(label) or not isinstance(entry, dict):
        raise _damaged(f"{label!r} is not an entry for a backup")
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
        raise _damaged(f"{label} is of unknown type {entry.get('backup-type')!r}") from None


def _labels(label: str, names: object) -> tuple[str, ...]:
    """Return *names* once each is a label: they become parts of object names."""
    if not isinstance(names, list):
        raise _damaged(f"{label}: its references are not a list")
    for name in names:
        if not isinstance(name, str) or not _LABEL.fullmatch(name):
            raise _damaged(f"{label}: {name!r} is not a backup label")
    # Interned, because each backup of a long chain names all those before it.
    return tuple(intern(name) for name in names)
