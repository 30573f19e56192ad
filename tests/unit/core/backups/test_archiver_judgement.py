"""What the server's own word on its archiving is worth."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from hook.core.backups.archive import Archiver
from hook.core.backups.archiver_judgement import judge_archiver
from hook.core.outcome import Status, failed, passed, warned
from hook.errors import ExitCode
from tests.fakes import NOON

SEGMENT = "000000010000000000000009"
HEALTHY = Archiver(
    "on", "replica", has_destination=True, last_archived=SEGMENT, last_archived_at=NOON, queue=0
)
FACTS: dict[str, Any] = {
    "last_archived": SEGMENT,
    "last_archived_at": "2026-03-01T12:00:00Z",
    "failures": 0,
    "queue": 0,
}


@pytest.mark.parametrize(
    ("archiver", "why"),
    [
        (HEALTHY._replace(mode="off"), "archive_mode is off"),
        (HEALTHY._replace(wal_level="minimal"), "wal_level is minimal"),
        (
            HEALTHY._replace(has_destination=False),
            "neither archive_command nor archive_library is set",
        ),
    ],
)
def test_server_that_archives_nothing_is_refused(archiver: Archiver, why: str) -> None:
    """With archive_mode=on and no command no counter moves and nothing fails."""
    assert judge_archiver(archiver) == failed(
        ExitCode.NO_WAY_BACK,
        "archiver",
        f"the server archives no WAL: {why}",
        "Set archive_mode=on, which takes a restart, and archive_command to what the backup system"
        " archives with: `pgbackrest --stanza=… archive-push %p`, `wal-g wal-push %p`,"
        " `barman-wal-archive … %p`.",
        **FACTS,
    )


def test_healthy_archiver_passes_though_it_never_failed() -> None:
    """No failure is no time of a failure, which no comparison in SQL survives."""
    archived = f"last archived {SEGMENT} at 2026-03-01T12:00:00Z"
    assert judge_archiver(HEALTHY) == passed("archiver", f"{archived}; 0 segments waiting", **FACTS)
    told = passed("archiver", f"{archived}; 3 segments waiting", **FACTS | {"queue": 3})
    assert judge_archiver(HEALTHY._replace(queue=3)) == told


@pytest.mark.parametrize(
    ("failed_at", "archived_at", "is_failing"),
    [
        (NOON, NOON - timedelta(seconds=1), True),
        (NOON - timedelta(seconds=1), NOON, False),
        (NOON, NOON, False),
        (NOON, None, True),
    ],
)
def test_last_attempt_decides(
    failed_at: datetime,
    archived_at: datetime | None,
    is_failing: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Earlier failures are history."""
    archiver = HEALTHY._replace(
        last_failed=SEGMENT, last_failed_at=failed_at, last_archived_at=archived_at, failures=3
    )
    finding = judge_archiver(archiver)
    assert (finding.status is Status.FAILED) == is_failing
    if is_failing:
        told = None if archived_at is None else archived_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert finding == failed(
            ExitCode.NO_WAY_BACK,
            "archiver",
            f"archiving fails: {SEGMENT} at 2026-03-01T12:00:00Z (3 failures so far)",
            "Read the server's log for what archive_command says; `pgbackrest check` or"
            " `barman check` tries it.",
            **FACTS | {"last_archived_at": told, "failures": 3},
        )


def test_archiver_without_a_past_is_no_good_news() -> None:
    """After a reset of the statistics nobody knows whether it works."""
    archiver = HEALTHY._replace(last_archived=None, last_archived_at=None, statistics_since=NOON)
    assert judge_archiver(archiver) == warned(
        "archiver",
        "the server has archived nothing since its statistics were reset at 2026-03-01T12:00:00Z;"
        " 0 segments waiting",
        "See with `pgbackrest check` or `barman check` that archiving works.",
        **FACTS | {"last_archived": None, "last_archived_at": None},
    )
    never = judge_archiver(archiver._replace(statistics_since=None))
    assert "has archived nothing yet" in never.message


def test_queue_that_cannot_be_seen_is_told() -> None:
    """Without pg_monitor the server does not tell what waits."""
    finding = judge_archiver(HEALTHY._replace(queue=None))
    assert finding.message.endswith("; how many wait cannot be seen without pg_monitor")
