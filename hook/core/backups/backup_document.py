"""Reads the JSON document in which a command of the user's own tells of its backups.

Strict on purpose: a key that is misspelled would otherwise be a fact that is missing.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from hook.core.backups.backup import Backup, BackupType, Presence, RestoreWindow, newest_first
from hook.core.backups.origin import Origin
from hook.core.text import clip
from hook.errors import BackupUnknown

T = TypeVar("T")

DOCUMENT_KEYS: Mapping[str, str] = {
    "backups": "list of the backups that ended, in any order; required",
    "system_identifier": "of the cluster, as `pg_control_system()` tells it, as text",
    "hosts": "instead of it, names under which a managed server is reached",
    "databases": "instead of it, names of the databases that were dumped",
    "wal": "list of the WAL that is archived, each piece without a hole",
    "restorable_until": "instead of it, up to when a managed service restores, as `stopped_at`",
    "restorable_from": "since when it does; only beside `restorable_until`",
}
BACKUP_KEYS: Mapping[str, str] = {
    "label": "its name; required",
    "type": "`full`, `diff`, `incr`, or `dump`, whose age counts from `started_at`; required",
    "stopped_at": "when it ended, as `2026-11-29T01:12:09Z`, with an offset from UTC; required",
    "error": "whether damaged pages were found, `true` or `false`; required",
    "started_at": "when it began",
    "needs": "labels of the backups that a restore of it reads as well",
    "system_identifier": "of the cluster it was taken from, when not all are of the same",
    "wal_start": "first WAL segment that a restore reads; the archive gate needs it",
    "lsn_stop": "position in the WAL at which it ended, as `0/3000060`; likewise",
}
RUN_KEYS: Mapping[str, str] = {
    "first": "name of the first segment of the piece",
    "last": "name of the last one",
}
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_IDENTIFIER = re.compile(r"[0-9]{1,20}")
_LABEL = re.compile(r"\S(.{0,198}\S)?")
_SHOWN = 60
_HINT = "Correct what the command prints; docs/backup-sources.md describes the document."

Json = Mapping[str, object]


class ToldRun(NamedTuple):
    """Segments of WAL that are archived without a hole, by their names."""

    first: str
    last: str


class ToldBackups(NamedTuple):
    """What a document tells.

    Attributes:
        runs: The WAL that is archived, none when the document says nothing of it.
        window: What a managed service restores to, none when there is none.
    """

    backups: tuple[Backup, ...]
    origin: Origin
    runs: tuple[ToldRun, ...] | None
    window: RestoreWindow | None = None


def parse_document(value: object) -> ToldBackups:
    """Return what the decoded JSON *value* tells.

    Raises:
        BackupUnknown: It has another shape; the message names the place in it.
    """
    values = _object(value, "")
    _refuse_others(values, "", DOCUMENT_KEYS)
    backups = _with_bases(
        [_backup(item, path) for path, item in _items(values, "backups", is_required=True)]
    )
    return ToldBackups(
        backups,
        _origin(values, backups),
        None if values.get("wal") is None else tuple(_runs(values)),
        _window(values),
    )


def load_json(data: bytes) -> object:
    """Return the decoded JSON text *data*.

    Raises:
        BackupUnknown: It is none.
    """
    # pgBackRest repeats what a wrong passphrase made of a file, whatever the bytes are.
    text = data.decode(errors="replace")
    if not text.strip():
        raise BackupUnknown("it printed nothing", _HINT)
    try:
        value: object = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        begin = clip(repr(text[:_SHOWN]), _SHOWN)
        raise BackupUnknown(f"what it printed is no JSON: {begin}", _HINT) from None
    return value


def _backup(value: object, path: str) -> Backup:
    values = _object(value, path)
    _refuse_others(values, path, BACKUP_KEYS)
    type_ = _required(values, path, "type", _type)
    needs = tuple(
        _matching(_LABEL, item, inner) for inner, item in _items(values, "needs", path=path)
    )
    error = _required(values, path, "error", _boolean)
    return Backup(
        label=_required(values, path, "label", lambda item, at: _matching(_LABEL, item, at)),
        type=type_,
        started_at=_optional(values, path, "started_at", _instant),
        stopped_at=_required(values, path, "stopped_at", _instant),
        error=error,
        references=needs,
        system_identifier=_optional(values, path, "system_identifier", _identifier),
        wal_start=_optional(values, path, "wal_start", _segment),
        lsn_stop=_optional(values, path, "lsn_stop", _lsn),
        # Nobody but the command can look.
        presence=Presence.COMPLETE,
    )


def _with_bases(backups: list[Backup]) -> tuple[Backup, ...]:
    """Return *backups*, each with what those are without that it rests on, however far below.

    A page that was damaged and has not changed since is damaged in every later restore.
    """
    resting = defaultdict[str, list[str]](list)
    for backup in backups:
        for label in backup.references:
            resting[label].append(backup.label)
    damaged = _spread((backup.label for backup in backups if backup.error), resting)
    listed = {backup.label for backup in backups}
    lost = _spread((label for label in resting if label not in listed), resting)
    return tuple(
        replace(
            backup,
            error=backup.error or backup.label in damaged,
            damaged_base="" if backup.error else "".join(damaged.get(backup.label, ())),
            references=tuple(dict.fromkeys((*backup.references, *lost.get(backup.label, ())))),
        )
        for backup in backups
    )


def _spread(bad: Iterable[str], resting: Mapping[str, list[str]]) -> dict[str, tuple[str]]:
    """Return what rests on any of *bad*, at once or through others, each with one of them."""
    found: dict[str, tuple[str]] = {}
    waiting = [(label, (label,)) for label in bad]
    for label, cause in waiting:
        above = [item for item in resting.get(label, ()) if item not in found]
        found |= dict.fromkeys(above, cause)
        waiting += [(item, cause) for item in above]
    return found


def _origin(values: Json, backups: tuple[Backup, ...]) -> Origin:
    own = _optional(values, "", "system_identifier", _identifier)
    told = [own, *(item.system_identifier for item in newest_first(backups))]
    return Origin(
        next(filter(None, told), None),
        tuple(_matching(_LABEL, item, path) for path, item in _items(values, "hosts")),
        tuple(_matching(_LABEL, item, path) for path, item in _items(values, "databases")),
    )


def _runs(values: Json) -> list[ToldRun]:
    runs = []
    for path, item in _items(values, "wal"):
        run = _object(item, path)
        _refuse_others(run, path, RUN_KEYS)
        runs.append(
            ToldRun(_required(run, path, "first", _segment), _required(run, path, "last", _segment))
        )
    return runs


def _window(values: Json) -> RestoreWindow | None:
    until = _optional(values, "", "restorable_until", _instant)
    begin = _optional(values, "", "restorable_from", _instant)
    if until is None:
        if begin is not None:
            raise BackupUnknown("restorable_from is there, and restorable_until is not", _HINT)
        return None
    if values.get("wal") is not None:
        raise BackupUnknown("wal and restorable_until are there, of which one can be", _HINT)
    if begin is not None and begin > until:
        raise BackupUnknown("restorable_from lies behind restorable_until", _HINT)
    return RestoreWindow(None, until, begin)


def _object(value: object, path: str) -> Json:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    return value


def _items(
    values: Json, key: str, path: str = "", *, is_required: bool = False
) -> list[tuple[str, object]]:
    """Return the items of the list at *key*, each with its path."""
    at, value = _join(path, key), values.get(key)
    if value is None and not is_required:
        return []
    if not isinstance(value, list):
        raise _wrong(at, "a list", value)
    return [(f"{at}[{number}]", item) for number, item in enumerate(value)]


def _required(values: Json, path: str, key: str, parse: Callable[[object, str], T]) -> T:
    return parse(values.get(key), _join(path, key))


def _optional(values: Json, path: str, key: str, parse: Callable[[object, str], T]) -> T | None:
    value = values.get(key)
    return None if value is None else parse(value, _join(path, key))


def _refuse_others(values: Json, path: str, known: Mapping[str, str]) -> None:
    for key in values:
        if key not in known:
            raise BackupUnknown(
                f"{clip(_join(path, key), _SHOWN)} is no key of the document;"
                f" {path or 'it'} may have {', '.join(known)}",
                _HINT,
            )


def _type(value: object, path: str) -> BackupType:
    if not isinstance(value, str) or value not in set(BackupType):
        raise _wrong(path, "full, diff, incr or dump", value)
    return BackupType(value)


def _boolean(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, "true or false", value)
    return value


def _instant(value: object, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _wrong(path, "a time with its offset from UTC, as 2026-11-29T01:12:09Z", value)


def _identifier(value: object, path: str) -> str:
    # jq and others round numbers of this length, so the text form is the one that is shown.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return _matching(_IDENTIFIER, text, path, "a system identifier, as text of digits")


def _segment(value: object, path: str) -> str:
    return _matching(_SEGMENT, value, path, "the name of a WAL segment, 24 hexadecimal digits")


def _lsn(value: object, path: str) -> str:
    return _matching(_LSN, value, path, "a position in the WAL, as 0/3000060")


def _matching(pattern: re.Pattern[str], value: object, path: str, what: str = "a name") -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _wrong(path, what, value)
    return value


def _wrong(path: str, wanted: str, value: object) -> BackupUnknown:
    found = "is missing" if value is None else f"is {clip(json.dumps(value), _SHOWN)}"
    return BackupUnknown(f"{path or 'the document'} {found}, not {wanted}", _HINT)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
