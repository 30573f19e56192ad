"""What is told of WAL that waits, whole: rule, message, next step and figures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.backups.archive import Archiver, Checkpoint
from hook.core.backups.wal_lag import Lag, Waiting, judge_lag
from hook.core.outcome import failed, passed, unknown
from hook.errors import ExitCode
from tests.fakes import NOON
from tests.unit.core.backups.test_archive_judgement import HEALTHY, LIMIT, SIZE, server

HALF = Waiting(10, 0, SIZE // 2)
ALL_OF_FOUR = Waiting(6, 4, int(4.5 * SIZE))
FIGURES = {"waiting": 0, "waiting_bytes": SIZE // 2}


@pytest.mark.parametrize("size", [0, 96])
def test_nothing_that_waits_is_no_lag(size: int) -> None:
    """Also when the server has written the beginning of the next segment."""
    lag = judge_lag(Waiting(10, 0, size), server(10 + size / SIZE), LIMIT)
    good = passed("wal-lag", "all that was changed is archived", waiting=0, waiting_bytes=size)
    assert lag == Lag(good, timedelta(0))


@pytest.mark.parametrize(("seconds", "told"), [(-60, "0s"), (0, "0s"), (120, "2m"), (900, "15m")])
def test_lag_within_the_limit_passes(seconds: int, told: str) -> None:
    """What was archived after the server was asked for its time waits since now."""
    span = max(timedelta(seconds=seconds), timedelta(0))
    archiver = HEALTHY._replace(last_archived_at=NOON - timedelta(seconds=seconds))
    message = f"8 MiB of WAL not archived since {told} (limit 15m)"
    good = passed("wal-lag", message, **FIGURES, lag_ms=span // timedelta(milliseconds=1))
    assert judge_lag(HALF, server(archiver=archiver), LIMIT) == Lag(good, span)


def test_finished_segment_waits_whatever_is_in_it() -> None:
    """Also where nothing was changed since the checkpoint at its beginning."""
    checkpoint = Checkpoint(9 * SIZE + 96, is_last_change=True, every=timedelta(minutes=5))
    found = server(10)._replace(checkpoint=checkpoint)
    lag = judge_lag(Waiting(9, 1, SIZE), found, LIMIT)
    assert lag.finding.message == "16 MiB of WAL not archived since 2m (limit 15m)"


def test_lag_above_the_limit_is_no_way_back() -> None:
    """It is what a disaster would cost."""
    span = LIMIT + timedelta(seconds=1)
    archiver = HEALTHY._replace(last_archived_at=NOON - span)
    assert judge_lag(HALF, server(archiver=archiver), LIMIT) == Lag(
        failed(
            ExitCode.NO_WAY_BACK,
            "wal-lag",
            "8 MiB of WAL not archived since 15m 1s (limit 15m)",
            "Let the archiver catch up; where little is written, set archive_timeout below"
            " PRESYNC_ARCHIVE_MAX_LAG or run SELECT pg_switch_wal().",
            **FIGURES,
            lag_ms=901_000,
        ),
        span,
    )


def test_queue_that_cannot_be_seen_is_told_with_the_grant() -> None:
    """Of more than one segment that waits nobody can tell since when."""
    archiver = HEALTHY._replace(queue=None)
    assert judge_lag(ALL_OF_FOUR, server(archiver=archiver), LIMIT) == Lag(
        unknown(
            ExitCode.UNKNOWN_BACKUP,
            "wal-lag",
            "4 finished segments not archived yet, and since when cannot be seen without"
            " pg_monitor",
            "Grant pg_monitor to the migrating role.",
            waiting=4,
            waiting_bytes=int(4.5 * SIZE),
        )
    )


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (300, "1 KiB"),
        (2047, "1 KiB"),
        (2**20 - 1, "1023 KiB"),
        (2**20, "1 MiB"),
        (SIZE // 2, "8 MiB"),
    ],
)
def test_lag_without_a_time_is_told_with_what_waits(size: int, told: str) -> None:
    """In the largest unit of which there is one."""
    archiver = Archiver("on", "replica", has_destination=True)
    found = server(10 + size / SIZE, archiver)
    assert judge_lag(Waiting(10, 0, size), found, LIMIT) == Lag(
        unknown(
            ExitCode.UNKNOWN_BACKUP,
            "wal-lag",
            f"{told} of WAL not archived, and the server does not tell since when",
            "Run SELECT pg_switch_wal(), and see that archiving works (pg_stat_archiver, the"
            " server's log).",
            waiting=0,
            waiting_bytes=size,
        )
    )
