"""What the judgement makes of backups that run, that never ended, and that are dumps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hook.core.backups.backup import Backup, BackupType, Evidence, Presence, newest_first
from hook.core.backups.freshness import judge_freshness
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.usability import FreshnessPolicy
from hook.core.outcome import Finding
from tests.testbed.barman_server import SYSTEM_IDENTIFIER

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
OURS = Origin(SYSTEM_IDENTIFIER)
POLICY = FreshnessPolicy(timedelta(hours=24), ServerIdentity(SYSTEM_IDENTIFIER))


def _backup(label: str, age: timedelta, **fields: object) -> Backup:
    good = Backup(
        label=label,
        type=BackupType.FULL,
        started_at=NOW - age - timedelta(minutes=10),
        stopped_at=NOW - age,
        error=False,
        presence=Presence.COMPLETE,
    )
    return replace(good, **fields)  # type: ignore[arg-type]  # a test names real fields


def _evidence(*backups: Backup, origin: Origin = OURS) -> Evidence:
    return Evidence("Barman server shop", backups, "the data", "barman", "barman", origin)


def _judged(*backups: Backup) -> Finding:
    return judge_freshness(_evidence(*backups), POLICY, NOW).findings[-1]


def _judged_all(*backups: Backup) -> list[str]:
    return [item.rule for item in judge_freshness(_evidence(*backups), POLICY, NOW).findings]


def test_newest_first_counts_what_never_ended_from_its_beginning() -> None:
    """What tells no time is as new as what the storage has of it, and without that the last."""
    backups = [
        _backup("unreadable", timedelta(0), started_at=None, stopped_at=None, written_at=NOW),
        _backup("none", timedelta(0), started_at=None, stopped_at=None),
        _backup("old", timedelta(hours=2)),
        _backup("failed", timedelta(hours=1), stopped_at=None),
        _backup("new", timedelta(hours=1)),
    ]
    labels = [backup.label for backup in newest_first(backups)]
    assert labels == ["unreadable", "new", "failed", "old", "none"]


def test_judge_does_not_warn_of_a_backup_that_still_runs() -> None:
    """The nightly backup is no trouble; one that failed is, and one that was killed."""
    good = _backup("good", timedelta(hours=3))
    running = _backup("running", timedelta(hours=1), stopped_at=None)
    assert _judged_all(good, running) == ["backup-age"]
    failed = replace(running, label="failed", problems=("failed",))
    assert _judged_all(good, failed) == ["backup-usable", "backup-age"]
    long_ago = NOW - timedelta(hours=25)
    older = _backup("older", timedelta(hours=26))
    killed = replace(running, label="killed", started_at=long_ago)
    assert _judged_all(older, killed) == ["backup-usable", "backup-age"]


def test_judge_warns_of_a_newer_backup_that_has_ended_and_is_of_no_use() -> None:
    """However short ago it began; and of one that tells no time at all."""
    good = _backup("good", timedelta(hours=3))
    damaged = _backup("damaged", timedelta(hours=1), error=True)
    assert _judged_all(good, damaged) == ["backup-usable", "backup-age"]
    untold = _backup("untold", timedelta(0), started_at=None, stopped_at=None, written_at=NOW)
    assert _judged_all(good, untold) == ["backup-usable", "backup-age"]


def test_judge_counts_a_dump_from_its_start_and_tells_what_to_know() -> None:
    """What was changed while the dump ran is not in it."""
    dump = _backup("a", timedelta(hours=1), type=BackupType.DUMP, remark="no more after that")
    finding = _judged(dump)
    assert finding.message == (
        "newest usable backup a (dump) started 1h 10m ago at 2026-11-21T18:50:00Z (limit 24h);"
        " no more after that"
    )
    assert finding.facts["started_at"] == "2026-11-21T18:50:00Z"
    undated = replace(dump, started_at=None)
    assert "a has no start time" in _judged(undated).message


def test_judge_tells_that_nothing_is_usable_before_whose_it_is() -> None:
    """Damaged metadata tells no owner; that it is damaged is the news."""
    damaged = _backup("a", timedelta(hours=1), problems=("is damaged",))
    findings = judge_freshness(_evidence(damaged, origin=Origin()), POLICY, NOW).findings
    assert [item.rule for item in findings] == ["backup-usable"]
    nothing = judge_freshness(_evidence(origin=Origin()), POLICY, NOW).findings
    assert [item.rule for item in nothing] == ["backup-usable"]
    whole = _evidence(_backup("a", timedelta(0)), origin=Origin())
    good = judge_freshness(whole, POLICY, NOW).findings
    assert [item.rule for item in good] == ["backup-cluster"]
