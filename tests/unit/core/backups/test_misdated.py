"""Backups whose time another clock contradicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.freshness import judge_freshness
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.usability import FreshnessPolicy, is_past
from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
POLICY = FreshnessPolicy(timedelta(hours=24), ServerIdentity("7"))


def _backup(age: timedelta, written_at: datetime | None = None, *, is_over: bool = True) -> Backup:
    return Backup(
        "a",
        BackupType.FULL,
        started_at=NOW - age,
        stopped_at=NOW - age if is_over else None,
        error=False,
        presence=Presence.COMPLETE,
        written_at=written_at,
    )


def _findings(backup: Backup) -> tuple[Finding, ...]:
    evidence = Evidence("the repository", (backup,), "mark", "cmd", "cmd --full", Origin("7"))
    return judge_freshness(evidence, POLICY, NOW).findings


def _judged(backup: Backup) -> Finding:
    findings = _findings(backup)
    return deciding_finding(findings) or findings[-1]


@pytest.mark.parametrize(
    ("type_", "verb"), [(BackupType.FULL, "stopped"), (BackupType.DUMP, "started")]
)
def test_judge_trusts_no_time_after_the_storage_had_it(type_: BackupType, verb: str) -> None:
    """A clock was ahead by that much at least; as much as two clocks may differ is nothing."""
    written_at = NOW - timedelta(hours=2)
    finding = _judged(replace(_backup(timedelta(hours=1), written_at), type=type_))
    assert finding.code is ExitCode.NO_WAY_BACK
    assert f"a {verb} 1h after the storage had it, so that a clock was wrong" in finding.message
    assert finding.hint.startswith("Synchronise the clocks of the backup host, the database server")
    tolerated = replace(_backup(timedelta(hours=2, minutes=-5), written_at), type=type_)
    assert [item.status for item in _findings(tolerated)] == [Status.PASSED]


@pytest.mark.parametrize(
    ("age", "received", "is_told"),
    [
        (timedelta(hours=25), timedelta(hours=23), True),
        (timedelta(hours=25), timedelta(hours=24, minutes=30), False),
        (timedelta(hours=24, minutes=4), timedelta(hours=24), False),
        (timedelta(hours=23), timedelta(hours=1), False),
    ],
)
def test_judge_tells_what_may_make_a_backup_look_too_old(
    age: timedelta, received: timedelta, *, is_told: bool
) -> None:
    """Only where it could matter: every copy of a bucket leaves the same."""
    hint = _judged(_backup(age, written_at=NOW - received)).hint
    told = " The storage received it 2h later, so that it was copied or a clock was behind."
    assert hint.endswith(told) is is_told
    assert ("received" in hint) is is_told


@pytest.mark.parametrize(
    ("clock", "expected"), [(NOW, True), (None, False), (NOW - timedelta(hours=2), False)]
)
def test_backup_is_past_only_by_a_clock(clock: datetime | None, *, expected: bool) -> None:
    """Otherwise a catalog goes on looking for one before it."""
    assert is_past(_backup(timedelta(hours=1)), clock) is expected


@pytest.mark.parametrize(("minutes", "expected"), [(5, True), (6, False)])
def test_backup_is_past_only_where_the_storage_agrees(minutes: int, *, expected: bool) -> None:
    """Otherwise one before it may be what counts."""
    written_at = NOW - timedelta(hours=1, minutes=minutes)
    assert is_past(_backup(timedelta(hours=1), written_at), NOW) is expected


def test_backup_that_has_not_ended_is_not_past() -> None:
    """Whatever the time is."""
    assert not is_past(_backup(timedelta(hours=1), is_over=False), NOW)
