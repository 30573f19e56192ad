"""How close to now a managed service restores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Evidence, RestoreWindow
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.restore_window import judge_restore_window
from hook.core.outcome import Finding, Status
from hook.errors import ExitCode

NOW = datetime(2026, 11, 21, 19, 20, tzinfo=UTC)
HOST = "shop.abc.eu-central-1.rds.amazonaws.com"
LIMIT = timedelta(minutes=15)


def _judge(
    window: RestoreWindow | None, clock: datetime | None = None, host: str = HOST
) -> Finding:
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
    return judge_restore_window(evidence, ServerIdentity("42", host, "shop"), LIMIT, NOW).finding


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
    near = _judge(RestoreWindow(7, NOW + timedelta(minutes=4)))
    assert (near.status, near.facts["lag_ms"]) == (Status.PASSED, 0)
    far = _judge(RestoreWindow(7, NOW + timedelta(minutes=6)))
    assert (far.status, far.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        # moto, and so perhaps others, tells a time for a retention of 0 as well.
        (RestoreWindow(0, NOW), "takes no automated backups (retention 0)"),
        (RestoreWindow(0, None), "takes no automated backups (retention 0)"),
        (RestoreWindow(7, None), "tells no latest restorable time"),
        (None, "tells no latest restorable time"),
    ],
)
def test_no_window_is_no_way_back(window: RestoreWindow | None, told: str) -> None:
    """Without automated backups there is no point in time to restore to."""
    finding = _judge(window)
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    assert told in finding.message


def test_window_of_another_server_says_nothing() -> None:
    """The reader endpoint is another server's, too."""
    finding = _judge(RestoreWindow(7, NOW), host="shop.cluster-ro-abc.rds.amazonaws.com")
    assert (finding.rule, finding.code) == ("backup-cluster", ExitCode.NO_WAY_BACK)
