"""How close to now a managed service restores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Evidence, RestoreWindow
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.restore_window import WindowJudgement, judge_restore_window
from hook.core.backups.usability import DEFAULT_CLOCK_SKEW
from hook.core.outcome import Finding, Status, failed, passed, unknown
from hook.errors import ExitCode

NOW = datetime(2026, 11, 21, 19, 20, tzinfo=UTC)
HOST = "shop.abc.eu-central-1.rds.amazonaws.com"
LIMIT = timedelta(minutes=15)
NO_BACKUPS = (
    "takes no automated backups (retention 0), so it restores to no point in time",
    "Set the backup retention period to at least one day.",
)
NO_TIME = (
    "tells no latest restorable time",
    "Wait until its first automated backup is finished.",
)


def _judge(
    window: RestoreWindow | None, clock: datetime | None = None, host: str = HOST
) -> Finding:
    return _judge_whole(window, clock, host).finding


def _judge_whole(
    window: RestoreWindow | None, clock: datetime | None = None, host: str = HOST
) -> WindowJudgement:
    evidence = Evidence(
        "RDS instance shop",
        (),
        "the snapshot",
        "command",
        "command",
        Origin(hosts=(HOST,)),
        clock=clock,
        window=window,
    )
    return judge_restore_window(evidence, ServerIdentity("42", host, "shop"), LIMIT, NOW)


def test_window_that_ends_just_before_now_passes() -> None:
    """The message tells up to when one can restore, and what the limit is."""
    earliest = NOW - timedelta(days=7)
    finding = _judge(RestoreWindow(7, NOW - LIMIT, earliest))
    assert finding.status is Status.PASSED
    assert finding.message == (
        "RDS instance shop restores up to 2026-11-21T19:05:00Z, 15m ago (limit 15m)"
    )
    assert finding.facts["lag_ms"] == finding.facts["max_lag_ms"] == 900_000
    assert finding.facts["earliest_restorable"] == "2026-11-14T19:20:00Z"


def test_window_needs_no_retention() -> None:
    """A command of the user's own does not tell it."""
    finding = _judge(RestoreWindow(None, NOW))
    assert (finding.status, finding.facts["retention_days"]) == (Status.PASSED, None)


def test_window_that_ends_too_long_ago_is_no_way_back() -> None:
    """One second more than the limit is too much."""
    finding = _judge(RestoreWindow(7, NOW - LIMIT - timedelta(seconds=1)))
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    assert "15m 1s ago" in finding.message
    assert finding.hint


def test_window_is_measured_on_the_services_own_clock() -> None:
    """A clock here that is late cannot make an old window young."""
    latest = NOW - timedelta(minutes=1)
    assert _judge(RestoreWindow(7, latest)).status is Status.PASSED
    late = _judge(RestoreWindow(7, latest), clock=NOW + timedelta(hours=1))
    assert (late.status, late.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)


def test_window_that_ends_in_the_future_is_not_believed() -> None:
    """Small differences of clocks are, and then the window ends now."""
    near = _judge(RestoreWindow(7, NOW + DEFAULT_CLOCK_SKEW))
    assert (near.status, near.facts["lag_ms"]) == (Status.PASSED, 0)
    far = _judge(RestoreWindow(7, NOW + timedelta(minutes=6)))
    assert (far.status, far.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        # moto, and so perhaps others, tells a time for a retention of 0 as well.
        (RestoreWindow(0, NOW), NO_BACKUPS),
        (RestoreWindow(0, None), NO_BACKUPS),
        (RestoreWindow(7, None), NO_TIME),
        (None, NO_TIME),
    ],
)
def test_no_window_is_no_way_back(window: RestoreWindow | None, told: tuple[str, str]) -> None:
    """Without automated backups there is no point in time to restore to."""
    message, hint = told
    finding = failed(ExitCode.NO_WAY_BACK, "restore-window", f"RDS instance shop {message}", hint)
    assert _judge_whole(window) == WindowJudgement(finding, window)


@pytest.mark.parametrize(
    ("latest", "end", "finding"),
    [
        (
            NOW - timedelta(minutes=1),
            "2026-11-21T19:19:00Z",
            passed(
                "restore-window",
                "RDS instance shop restores up to 2026-11-21T19:19:00Z, 1m ago (limit 15m)",
            ),
        ),
        (
            NOW - timedelta(minutes=16),
            "2026-11-21T19:04:00Z",
            failed(
                ExitCode.NO_WAY_BACK,
                "restore-window",
                "RDS instance shop restores up to 2026-11-21T19:04:00Z, 16m ago (limit 15m)",
                "See what holds its backups up (for RDS, the events of the database), then run"
                " again.",
            ),
        ),
        (
            NOW + timedelta(minutes=6),
            "2026-11-21T19:26:00Z",
            unknown(
                ExitCode.UNKNOWN_BACKUP,
                "restore-window",
                "RDS instance shop says it restores up to 2026-11-21T19:26:00Z, which is in the"
                " future",
                "Synchronise the clock of this node, then run again.",
            ),
        ),
    ],
)
def test_end_of_the_window_is_told_whole(latest: datetime, end: str, finding: Finding) -> None:
    """Whatever is made of it, the report has its figures, and the table its lag."""
    window = RestoreWindow(7, latest)
    lag = max(NOW - latest, timedelta(0))
    facts = {
        "source": "RDS instance shop",
        "latest_restorable": end,
        "earliest_restorable": None,
        "retention_days": 7,
        "lag_ms": lag // timedelta(milliseconds=1),
        "max_lag_ms": 900_000,
    }
    assert _judge_whole(window) == WindowJudgement(replace(finding, facts=facts), window, lag)


def test_window_of_another_server_says_nothing() -> None:
    """The reader endpoint is another server's, too."""
    finding = _judge(RestoreWindow(7, NOW), host="shop.cluster-ro-abc.rds.amazonaws.com")
    assert (finding.rule, finding.code) == ("backup-cluster", ExitCode.NO_WAY_BACK)
