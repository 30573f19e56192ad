"""Lays out what the gates found of each backup, in rows; it judges nothing of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from hook.core.backups.archive_judgement import ArchiveJudgement
from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.freshness import Freshness
from hook.core.backups.restore_window import WindowJudgement
from hook.core.backups.usability import JudgedBackup
from hook.core.outcome import Finding, Status

ROW_LIMIT = 20
_REASON_LIMIT = 10
_NO_WAL_SEEN = "its WAL was not looked at"


class Restorable(StrEnum):
    """Whether a restore of a backup leads to where it should, by what the gates found."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class WalFound(NamedTuple):
    """What the archive gate found.

    Attributes:
        label: Of the backup that it looked from, none when it came to none.
    """

    label: str | None
    judgement: ArchiveJudgement


Way = WalFound | WindowJudgement


class BackupRow(NamedTuple):
    """One backup that is listed.

    Attributes:
        age: From the moment that it counts from, none when that is unknown or to come.
        wal_from: The first segment that a restore reads, none where it reads none.
        wal_to: The last one that a replay comes to, none when nobody looked.
        holes: What is missing between, none when nobody looked.
        missing: How many segments that are.
        lag: How long the oldest WAL behind it has been waiting, none when nobody knows.
        reasons: What stands against it, or what a restore of it does not lead to.
    """

    label: str
    type: BackupType
    started_at: datetime | None
    stopped_at: datetime | None
    age: timedelta | None
    restorable: Restorable
    reasons: tuple[str, ...] = ()
    wal_from: str | None = None
    wal_to: str | None = None
    holes: tuple[str, ...] | None = None
    missing: int = 0
    lag: timedelta | None = None


class WindowRow(NamedTuple):
    """What a managed service says that it restores to, any moment between two."""

    earliest: datetime | None
    latest: datetime | None
    lag: timedelta | None
    restorable: Restorable
    reasons: tuple[str, ...] = ()


class BackupTable(NamedTuple):
    """The backups of one source.

    Attributes:
        source: System and place.
        rows: The newest first.
        more: How many are listed besides.
        window: Only of a service that restores by time.
    """

    source: str
    rows: tuple[BackupRow, ...]
    more: int = 0
    window: WindowRow | None = None


def lay_out_backups(freshness: Freshness, way: Way | None) -> BackupTable:
    """Return the newest backups, and the newest usable one however many are newer.

    Args:
        freshness: What the backup gate made of them.
        way: What the archive gate found behind them, none when it was not asked.
    """
    judged = freshness.judged
    shown = judged[:ROW_LIMIT]
    usable = next((item for item in judged if not item.reasons), None)
    if usable is not None and usable not in shown:
        shown = (*shown[:-1], usable)
    return BackupTable(
        freshness.evidence.source,
        tuple(_row(item, freshness, way) for item in shown),
        len(judged) - len(shown),
        _window_row(way) if isinstance(way, WindowJudgement) else None,
    )


def _row(judged: JudgedBackup, freshness: Freshness, way: Way | None) -> BackupRow:
    backup = judged.backup
    moment = backup.counts_from
    age = None if moment is None or moment > freshness.time else freshness.time - moment
    restorable, reasons = _restorable(judged, freshness, way)
    row = BackupRow(
        backup.label,
        backup.type,
        backup.started_at,
        backup.stopped_at,
        age,
        restorable,
        _bounded(reasons),
        backup.wal_start,
    )
    if not isinstance(way, WalFound) or way.label != backup.label:
        return row
    found = way.judgement
    return row._replace(
        wal_to=found.last,
        holes=found.holes,
        missing=found.missing,
        lag=found.lag.span if found.lag else None,
    )


def _restorable(
    judged: JudgedBackup, freshness: Freshness, way: Way | None
) -> tuple[Restorable, tuple[str, ...]]:
    backup, other = judged.backup, freshness.other
    if other is not None or judged.reasons:
        told = () if other is None or judged.is_foreign else (other.message,)
        is_open = judged.is_open and (other is None or other.status is Status.UNKNOWN)
        return Restorable.UNKNOWN if is_open else Restorable.NO, (*told, *judged.reasons)
    if backup.type is BackupType.DUMP:
        doubt = freshness.doubt
        doubted = doubt is not None and doubt.label == backup.label
        loss = backup.remark or "a restore leads to its start only"
        return Restorable.YES, (loss, *((doubt.reason,) if doubt and doubted else ()))
    if freshness.evidence.window is not None:
        return Restorable.YES, ("a restore leads to its end only",)
    return _judged_way(backup, way)


def _judged_way(backup: Backup, way: Way | None) -> tuple[Restorable, tuple[str, ...]]:
    if not isinstance(way, WalFound) or way.label not in {None, backup.label}:
        return Restorable.UNKNOWN, (_NO_WAL_SEEN,)
    restorable, reasons = _verdict(way.judgement.way)
    return restorable, (*reasons, *filter(None, (backup.remark,)))


def _window_row(judgement: WindowJudgement) -> WindowRow:
    window = judgement.window
    restorable, reasons = _verdict(judgement.finding)
    return WindowRow(
        window and window.earliest, window and window.latest, judgement.lag, restorable, reasons
    )


def _verdict(finding: Finding) -> tuple[Restorable, tuple[str, ...]]:
    if finding.status is Status.PASSED:
        return Restorable.YES, ()
    is_open = finding.status is Status.UNKNOWN
    return Restorable.UNKNOWN if is_open else Restorable.NO, (finding.message,)


def _bounded(reasons: tuple[str, ...]) -> tuple[str, ...]:
    rest = len(reasons) - _REASON_LIMIT
    return reasons if rest <= 0 else (*reasons[:_REASON_LIMIT], f"and {rest} more")
