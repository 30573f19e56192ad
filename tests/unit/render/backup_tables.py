"""Tables of backups as `check` would show them, one of each kind of system."""

from __future__ import annotations

from datetime import datetime, timedelta

from hook.core.backups.backup import BackupType
from hook.core.backups.backup_table import BackupRow, BackupTable, Restorable, WindowRow
from tests.fakes import NOON
from tests.unit.render.reports import REFUSED_RUN

_DAY = timedelta(days=1)


def _row(
    label: str, type_: BackupType, age: timedelta, restorable: Restorable, *reasons: str
) -> BackupRow:
    stopped_at: datetime = NOON - age
    return BackupRow(
        label, type_, stopped_at - timedelta(minutes=4), stopped_at, age, restorable, reasons
    )


_FULL = "20260228-100500F"
WITH_WAL = BackupTable(
    "pgBackRest stanza app in s3://backups/shop",
    (
        _row("20260301-115500F", BackupType.FULL, timedelta(0), Restorable.NO)._replace(
            stopped_at=None, age=None, wal_from="00000001000000000000003C"
        ),
        _row(
            *(f"{_FULL}_20260301-100500D", BackupType.DIFFERENTIAL, timedelta(minutes=115)),
            Restorable.NO,
            "contains damaged pages",
        )._replace(wal_from="00000001000000000000003A"),
        _row(_FULL, BackupType.FULL, _DAY, Restorable.YES)._replace(
            wal_from="000000010000000000000021",
            wal_to="00000001000000000000003C",
            holes=(),
            lag=timedelta(seconds=130),
        ),
        _row(
            "20260227-100500F", BackupType.FULL, 2 * _DAY, Restorable.UNKNOWN, "was not looked at"
        )._replace(wal_from="00000001000000000000000E"),
    ),
    more=3,
)
WITH_WAL = WITH_WAL._replace(
    rows=(WITH_WAL.rows[0]._replace(reasons=("has not ended yet",)), *WITH_WAL.rows[1:])
)
WITH_HOLE = BackupTable(
    "WAL-G in /backups",
    (
        _row(
            "base_000000010000000000000021",
            BackupType.FULL,
            _DAY,
            Restorable.NO,
            "WAL is missing: 000000010000000000000025 is not in WAL-G in /backups; a restore ends"
            " before it",
        )._replace(
            wal_from="000000010000000000000021",
            wal_to="000000010000000000000024",
            holes=("000000010000000000000025",),
            missing=1,
        ),
    ),
)
DUMPS = BackupTable(
    "dumps in /backups",
    (
        _row(
            *("shop-20260301T113000Z.dump", BackupType.DUMP, timedelta(minutes=30)),
            *(Restorable.YES, "a restore leads to its start only"),
        )._replace(started_at=NOON - timedelta(minutes=30)),
        BackupRow(
            "shop.sql", BackupType.DUMP, None, None, None, Restorable.NO, ("has no start time",)
        ),
    ),
)
SERVICE = BackupTable(
    "RDS instance shop",
    (
        _row(
            *("rds:shop-2026-03-01-03-10", BackupType.FULL, timedelta(hours=9)),
            *(Restorable.YES, "a restore leads to its end only"),
        ),
    ),
    window=WindowRow(
        NOON - 7 * _DAY, NOON - timedelta(minutes=5), timedelta(minutes=5), Restorable.YES
    ),
)
_NO_WINDOW = (
    "RDS instance shop takes no automated backups (retention 0), so it restores to no point in time"
)
WITHOUT_WINDOW = BackupTable(
    "RDS instance shop", (), window=WindowRow(None, None, None, Restorable.NO, (_NO_WINDOW,))
)
CHECK = REFUSED_RUN._replace(command="check", backups=WITH_WAL)
