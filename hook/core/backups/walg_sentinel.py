"""Reads the JSON files that WAL-G leaves beside a backup.

The sentinel is written last, so its presence proves that the backup ended. It is that of
``internal/databases/postgres/backup_sentinel_dto.go`` of WAL-G: version 2 says when the
backup ended, older ones do not and hold the list of all files instead. None of these files
is ever encrypted, whatever the backup is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from hook.core.backups.wal import format_lsn
from hook.core.text import clip

SENTINEL_SUFFIX = "_backup_stop_sentinel.json"
_NAME = re.compile(r"base_(?P<segment>[0-9A-F]{24})(_D_[0-9A-F]{24})?(_[0-9A-F]{8})?")
_LAST_LSN = 2**64 - 1
_REASON_LENGTH = 120
_WITH_FILES_METADATA = 2

Json = Mapping[str, object]


class Damaged(Exception):
    """A file of WAL-G's own cannot be read; the message says in few words why."""


class Sentinel(NamedTuple):
    """What one sentinel says of its backup.

    Attributes:
        stopped_at: None in a sentinel of before version 2.
        delta_from: The backups whose files this one leaves out, none for a full backup.
        has_files_metadata: Whether ``files_metadata.json`` belongs to the backup.
        has_control_part: Whether the control file is in an archive of its own.
        files: The list of files, which old versions keep in here.
    """

    started_at: datetime | None
    stopped_at: datetime | None
    lsn_stop: str | None
    system_identifier: str | None
    delta_from: tuple[str, ...]
    has_files_metadata: bool
    has_control_part: bool
    files: FilesMetadata


class FilesMetadata(NamedTuple):
    """What is known of the files in a backup.

    Attributes:
        parts: Names of the archives that hold them, none when it is not told.
        damaged: How many files have pages that do not match their checksum.
    """

    parts: frozenset[str] = frozenset()
    damaged: int = 0


def parse_backup_name(name: str) -> str | None:
    """Return the segment in which the backup called *name* begins, none for other names."""
    found = _NAME.fullmatch(name)
    return found["segment"] if found else None


def parse_sentinel(data: bytes) -> Sentinel:
    """Return what a sentinel says.

    Raises:
        Damaged: It is.
    """
    values = _load(data)
    version = values.get("Version", 1)
    if not isinstance(version, int):
        raise Damaged(f"Version is {_shown(version)}")
    is_new = version >= _WITH_FILES_METADATA
    return Sentinel(
        started_at=_instant(values, "StartTime"),
        stopped_at=_instant(values, "FinishTime"),
        lsn_stop=_lsn(values, "FinishLSN"),
        system_identifier=_system_identifier(values, "SystemIdentifier"),
        delta_from=_delta_from(values),
        has_files_metadata=is_new and values.get("FilesMetadataDisabled") is not True,
        has_control_part=is_new,
        files=_files(values),
    )


def parse_times(data: bytes) -> tuple[datetime | None, datetime | None]:
    """Return when the backup started and stopped, from its ``metadata.json``.

    Raises:
        Damaged: It is.
    """
    values = _load(data)
    return _instant(values, "start_time"), _instant(values, "finish_time")


def parse_files_metadata(data: bytes) -> FilesMetadata:
    """Return what a ``files_metadata.json`` says.

    Raises:
        Damaged: It is.
    """
    return _files(_load(data))


def _load(data: bytes) -> Json:
    try:
        values = json.loads(data, object_hook=_condense)
    except RecursionError:
        values = None
    except ValueError:
        raise Damaged("not JSON (truncated?)") from None
    if not isinstance(values, dict):
        raise Damaged("not a JSON object")
    return values


def _condense(item: dict[str, object]) -> object:
    """Keep of the description of a file only whether it is damaged: there are so many."""
    return bool(item.get("CorruptBlocks")) if "MTime" in item else item


def _files(values: Json) -> FilesMetadata:
    files, parts = values.get("Files") or {}, values.get("TarFileSets") or {}
    if not isinstance(files, dict) or not isinstance(parts, dict):
        raise Damaged("its list of files is none")
    return FilesMetadata(frozenset(parts), sum(item is True for item in files.values()))


def _delta_from(values: Json) -> tuple[str, ...]:
    names = [values[key] for key in ("DeltaFrom", "DeltaFullName") if values.get(key)]
    for name in names:
        # They become parts of object names.
        if not isinstance(name, str) or parse_backup_name(name) is None:
            raise Damaged(f"{_shown(name)} is not the name of a backup")
    return tuple(dict.fromkeys(str(name) for name in names))


def _instant(values: Json, key: str) -> datetime | None:
    text = values.get(key)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        # What was never set is the first of January of the year 1.
        return moment.astimezone(UTC) if moment.tzinfo and moment.year > 1 else None
    except (ValueError, OverflowError):
        raise Damaged(f"{key} is {_shown(text)}") from None


def _lsn(values: Json, key: str) -> str | None:
    number = _number(values, key)
    if number is None:
        return None
    if number > _LAST_LSN:
        raise Damaged(f"{key} is {_shown(number)}")
    return format_lsn(number)


def _system_identifier(values: Json, key: str) -> str | None:
    number = _number(values, key)
    return None if number is None else str(number)


def _number(values: Json, key: str) -> int | None:
    number = values.get(key)
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise Damaged(f"{key} is {_shown(number)}")
    return number


def _shown(value: object) -> str:
    return clip(repr(value), _REASON_LENGTH)
