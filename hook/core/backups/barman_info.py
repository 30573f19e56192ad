"""Reads ``backup.info`` of Barman and barman-cloud, which CloudNativePG uses as well.

Lines of ``key=value``, sorted by key; ``None`` stands for no value. The file carries no
checksum, so a file without ``status``, which sorts late, is taken for truncated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hook.core.backups.backup import Backup, BackupType
from hook.core.text import clip, one_line

BACKUP_ID = re.compile(r"[0-9]{8}T[0-9]{6}")
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_CLUSTER = re.compile(r"[0-9]{1,20}")
# From 1 MiB to 1 GiB, each power of two.
_SEGMENT_SIZES = {str(2**power): 2**power for power in range(20, 31)}
_NAMES_LIMIT = 2**16
_ERROR_LENGTH = 200
_NONE = "None"
_COPIED = frozenset({"DONE", "WAITING_FOR_WALS"})

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BarmanBackup:
    """One backup as its ``backup.info`` tells it.

    Attributes:
        awaits_wal: Whether Barman itself has not seen the last WAL of it yet.
        tablespaces: Object identifiers, each copied into an archive of its own.
        segment_size: Of the WAL, none when it is told as what it cannot be.
    """

    backup: Backup
    awaits_wal: bool = False
    tablespaces: tuple[str, ...] = ()
    segment_size: int | None = None


def unreadable(label: str, reason: str) -> BarmanBackup:
    """Return what stands for a backup whose ``backup.info`` tells nothing, for *reason*."""
    return BarmanBackup(_backup(label, {}, (reason,)))


def parse_backup_info(label: str, data: bytes) -> BarmanBackup:
    """Return what *data*, the ``backup.info`` of *label*, says; never raises."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return unreadable(label, "has a backup.info that is not a text file")
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    if not lines or not all(equals for _, equals, _ in lines):
        return unreadable(label, "has a damaged backup.info (truncated?)")
    fields = {key: value for key, _, value in lines if value != _NONE}
    if "status" not in fields:
        return unreadable(label, "has a backup.info without status (truncated?)")
    tablespaces = _parse_tablespaces(fields.get("tablespaces", ""))
    backup = _backup(label, fields, _problems(fields, tablespaces))
    return BarmanBackup(
        backup,
        fields["status"] == "WAITING_FOR_WALS",
        tablespaces or (),
        _SEGMENT_SIZES.get(fields.get("xlog_segment_size", "")),
    )


def link_chains(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    """Return *backups* with all that a restore of each reads, and what is wrong with that.

    An incremental backup names only the one before it, which may be incremental itself.
    """
    listed = {backup.label: backup for backup in backups}
    return tuple(_link(backup, listed) for backup in listed.values())


def _link(backup: Backup, listed: Mapping[str, Backup]) -> Backup:
    references: list[str] = []
    problems = list(backup.problems)
    prior = backup.prior
    while prior is not None and prior not in references and prior != backup.label:
        references.append(prior)
        parent = listed.get(prior)
        if parent is None:
            break
        problems += [f"rests on {prior}, which {problem}" for problem in parent.problems]
        if not parent.problems and parent.stopped_at is None:
            problems.append(f"rests on {prior}, which has not ended")
        prior = parent.prior
    return replace(backup, references=tuple(references), problems=tuple(problems))


def _backup(label: str, fields: Fields, problems: tuple[str, ...]) -> Backup:
    parent = _match(BACKUP_ID, fields.get("parent_backup_id"))
    return Backup(
        label=label,
        type=BackupType.FULL if parent is None else BackupType.INCREMENTAL,
        # Which zone the label's time is of nobody knows; it is right enough for the order.
        started_at=_instant(fields.get("begin_time")) or _instant(f"{label}+0000"),
        stopped_at=_instant(fields.get("end_time")) if fields.get("status") in _COPIED else None,
        # Barman does not look at pages; pg_basebackup fails on one that is damaged.
        error=False,
        prior=parent,
        system_identifier=_match(_CLUSTER, fields.get("systemid")),
        wal_start=_match(_SEGMENT, fields.get("begin_wal")),
        wal_stop=_match(_SEGMENT, fields.get("end_wal")),
        lsn_stop=_match(_LSN, fields.get("end_xlog")),
        problems=problems,
    )


def _problems(fields: Fields, tablespaces: tuple[str, ...] | None) -> tuple[str, ...]:
    status = fields["status"]
    if status == "FAILED":
        error = clip(one_line(fields.get("error", "")), _ERROR_LENGTH)
        return (f"failed ({error})" if error else "failed",)
    if status in {"EMPTY", "STARTED"}:
        # Whether it still runs or was killed only its age tells, and that is judged elsewhere.
        began = _instant(fields.get("begin_time"))
        return () if began is not None else (f"is {status} and does not tell since when",)
    if status not in _COPIED:
        return (f"is in status {clip(one_line(status), _ERROR_LENGTH)}",)
    problems = []
    if _instant(fields.get("end_time")) is None:
        problems.append("does not tell when it ended in a time with a zone")
    if "snapshots_info" in fields:
        problems.append("lies in volume snapshots, which are not looked at")
    if tablespaces is None:
        problems.append("does not tell its tablespaces")
    parent = fields.get("parent_backup_id")
    if parent is not None and not BACKUP_ID.fullmatch(parent):
        problems.append("does not tell the backup it rests on")
    return tuple(problems)


def _parse_tablespaces(text: str) -> tuple[str, ...] | None:
    """Return the object identifiers in a list of ``(name, oid, location)``, none if it is none."""
    if not text:
        return ()
    try:
        items = ast.literal_eval(text) if len(text) <= _NAMES_LIMIT else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        items = None
    if not isinstance(items, list):
        return None
    try:
        return tuple(str(oid) for _name, oid, _location in items)
    except (TypeError, ValueError):
        return None


def _instant(text: str | None) -> datetime | None:
    """Return the moment that *text* tells, none without a zone: then it is no moment."""
    try:
        moment = datetime.fromisoformat(text or "")
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _match(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text is not None and pattern.fullmatch(text) else None
