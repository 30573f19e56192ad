"""Which clocks have to agree before the age of a backup can be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Evidence
from hook.core.backups.clock_judgement import judge_clocks
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.outcome import Finding, Status
from hook.errors import ExitCode

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUR_OFF = pytest.mark.parametrize("ahead", [HOUR, -HOUR])


def _judge(
    ahead: timedelta, clock: datetime | None, *, is_dated_by_server: bool = False
) -> tuple[Finding, ...]:
    """Judge a server whose clock is *ahead* of ours, and a storage that tells *clock*."""
    evidence = Evidence(
        "the repository", (), "mark", "cmd", "cmd", Origin("7"),
        clock=clock, is_dated_by_server=is_dated_by_server,
    )  # fmt: skip
    identity = ServerIdentity("7", clock_ahead=ahead)
    return judge_clocks(evidence, identity, timedelta(minutes=5), NOW)


@HOUR_OFF
def test_servers_clock_counts_where_the_storage_has_none(ahead: timedelta) -> None:
    """Ages count from this machine's clock then, and nobody else could tell that it is wrong."""
    (clock,) = _judge(ahead, None)
    assert (clock.status, clock.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert clock.message == (
        "this machine's clock and that of the database server lie 1h apart (limit 5m)"
    )
    assert "clocks of this node and of the database server" in clock.hint


@HOUR_OFF
def test_servers_clock_does_no_harm_where_the_storage_has_its_own(ahead: timedelta) -> None:
    """Two clocks agree; the server's, an hour off, tells no age of a backup."""
    assert _judge(ahead, NOW) == ()


@HOUR_OFF
def test_servers_clock_counts_where_it_dated_the_backups(ahead: timedelta) -> None:
    """An hour ahead, it dated one of 24 hours and a half as one of 23 and a half."""
    (clock,) = _judge(ahead, NOW, is_dated_by_server=True)
    assert (clock.status, clock.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert clock.message == (
        "this machine's clock and that of the database server, which dates the backups, lie 1h"
        " apart (limit 5m)"
    )


def test_two_wrong_clocks_are_both_told() -> None:
    """Whoever sets one of them right is not sent round once more."""
    storage, server = _judge(HOUR, NOW - 2 * HOUR, is_dated_by_server=True)
    assert storage.message.startswith("this machine's clock and that of the repository lie 2h ")
    assert "clocks of this node and of the storage" in storage.hint
    assert "clocks of this node and of the database server" in server.hint
    assert _judge(timedelta(minutes=5), NOW, is_dated_by_server=True) == ()
