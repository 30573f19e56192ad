"""Which clocks have to agree before the age of a backup can be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Evidence
from hook.core.backups.clock_judgement import Asked, judge_clocks
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.outcome import Finding, Status
from hook.errors import ExitCode

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOUR_OFF = pytest.mark.parametrize("ahead", [HOUR, -HOUR])
AT_ONCE = Asked(NOW, NOW)


def _judge(ahead: timedelta, clock: datetime | None, asked: Asked = AT_ONCE) -> tuple[Finding, ...]:
    """Judge a server whose clock is *ahead* of ours, and a storage that tells *clock*."""
    evidence = Evidence("the repository", (), "mark", "cmd", "cmd", Origin("7"), clock=clock)
    identity = ServerIdentity("7", clock_ahead=ahead)
    return judge_clocks(evidence, identity, timedelta(minutes=5), asked)


@HOUR_OFF
@pytest.mark.parametrize("clock", [None, NOW], ids=["no clock", "right clock"])
def test_servers_clock_counts_whatever_the_storage_tells(
    ahead: timedelta, clock: datetime | None
) -> None:
    """Both clocks are named with what they show."""
    (told,) = _judge(ahead, clock)
    assert (told.status, told.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    theirs = "2026-11-21T21:00:00Z" if ahead == HOUR else "2026-11-21T19:00:00Z"
    assert told.message == (
        f"this machine's clock (2026-11-21T20:00:00Z) and the database server's ({theirs}) lie"
        " 1h apart (limit 5m)"
    )
    assert told.hint == (
        "Synchronise the clocks of this node and of the database server, then run again."
    )
    assert told.facts == {
        "clock": "database server",
        "here_at": "2026-11-21T20:00:00Z",
        "there_at": theirs,
        "skew_ms": 3_600_000,
    }


@HOUR_OFF
def test_storages_clock_counts_beside_a_right_server(ahead: timedelta) -> None:
    """The place is told last: it may be long, and a verdict is cut at the end."""
    (told,) = _judge(timedelta(0), NOW + ahead)
    assert " and the storage's (2026-11-21T" in told.message
    assert told.message.endswith("lie 1h apart (limit 5m) for the repository")
    assert told.hint == "Synchronise the clocks of this node and of the storage, then run again."


@HOUR_OFF
def test_two_that_agree_with_each_other_blame_this_machine(ahead: timedelta) -> None:
    """Two clocks are wrong by the same hour less often than one."""
    storage, server = _judge(ahead, NOW + ahead)
    for told in (storage, server):
        assert "the clocks of this node, which the other two contradict, and" in told.hint


@pytest.mark.parametrize(("apart", "is_ours"), [(5, True), (6, False)])
def test_two_that_agree_may_differ_by_as_much_as_honest_clocks(
    apart: int,
    is_ours: bool,  # noqa: FBT001 - a case
) -> None:
    """No more: then any of the three may be the wrong one."""
    for told in _judge(HOUR, NOW + HOUR + apart * MINUTE):
        assert ("contradict" in told.hint) is is_ours


def test_two_wrong_clocks_are_both_told() -> None:
    """Whoever sets one of them right is not sent round once more."""
    storage, server = _judge(HOUR, NOW - 2 * HOUR)
    assert "the storage's (2026-11-21T18:00:00Z) lie 2h apart" in storage.message
    assert "the database server's (2026-11-21T21:00:00Z) lie 1h apart" in server.message
    assert "contradict" not in storage.hint + server.hint


def test_five_minutes_are_tolerated() -> None:
    """No more is."""
    limit = timedelta(minutes=5)
    assert _judge(limit, NOW - limit) == ()
    second = timedelta(seconds=1)
    assert len(_judge(limit + second, NOW - limit - second)) == 2


def test_reading_that_takes_long_is_no_wrong_clock() -> None:
    """The storage told its time at some moment between the first request and the last."""
    asked = Asked(NOW - 9 * MINUTE, NOW)
    for ago in (0, 4, 9, 14):
        assert _judge(timedelta(0), NOW - ago * MINUTE, asked) == ()
    (behind,) = _judge(timedelta(0), NOW - 15 * MINUTE, asked)
    assert "this machine's clock (2026-11-21T19:51:00Z)" in behind.message
    (ahead,) = _judge(timedelta(0), NOW + 6 * MINUTE, asked)
    assert "this machine's clock (2026-11-21T20:00:00Z)" in ahead.message
