"""Every recorded info file of pgBackRest and the verdict it must lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Evidence, Presence
from hook.core.backups.freshness import judge_freshness
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.pgbackrest_info import parse_backup_info
from hook.core.backups.usability import FreshnessPolicy
from hook.core.outcome import Finding, Status
from hook.errors import BackupUnknown, ExitCode
from tests.testbed.pgbackrest_repository import SAMPLES, SYSTEM_IDENTIFIER

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
POLICY = FreshnessPolicy(timedelta(hours=24), ServerIdentity(SYSTEM_IDENTIFIER))
REPOSITORY = "small-repo/backup/app/backup.info"

PASSED = {
    REPOSITORY: "20261121-190733F_20261121-190832I (incr) stopped 51m 26s ago",
    "backup.info.full-diff-incr": "20261121-190434F_20261121-190510I (incr) stopped 54m 48s ago",
    "backup.info.with-error": "20261121-190434F_20261121-190510I (incr) stopped 54m 48s ago",
    "backup.info.after-expire": "20261121-190733F (full) stopped 52m 23s ago",
    "backup.info.decrypted": "20261121-190513F_20261121-190521I (incr) stopped 54m 38s ago",
}
REFUSED = {
    "backup.info.2.60-bundle-block-annotations": (
        "20261121-192226F_20261121-192228I was taken without archive check"
    ),
}
UNREADABLE = {
    # Told from damage before it is parsed, see test_pgbackrest_cipher.py.
    "backup.info.encrypted": "not a text file",
    "backup.info.tampered": "its checksum does not match (truncated or edited)",
    "backup.info.truncated": "line 8: no key=value (truncated?)",
}


def _judged(sample: str, now: datetime = NOW) -> tuple[Finding, ...]:
    info = parse_backup_info((SAMPLES / sample).read_bytes())
    evidence = Evidence(
        source="pgBackRest stanza app in /repository",
        backups=tuple(replace(item, presence=Presence.COMPLETE) for item in info.backups),
        completion_mark="backup.manifest",
        backup_command="pgbackrest --stanza=app backup",
        full_backup_command="pgbackrest --stanza=app --type=full backup",
        origin=Origin(info.system_identifier),
    )
    return judge_freshness(evidence, POLICY, now).findings


def test_every_recorded_file_has_a_verdict() -> None:
    """A new sample without an expectation is noticed here."""
    recorded = {path.name for path in SAMPLES.glob("backup.info.*")} | {REPOSITORY}
    assert recorded == {*PASSED, *REFUSED, *UNREADABLE}


@pytest.mark.parametrize(("sample", "verdict"), PASSED.items())
def test_a_recorded_file_with_a_good_backup_passes(sample: str, verdict: str) -> None:
    """The newest good backup of what real pgBackRest wrote decides."""
    finding = _judged(sample)[-1]
    assert finding.status is Status.PASSED
    assert f"newest usable backup {verdict}" in finding.message


@pytest.mark.parametrize(("sample", "verdict"), PASSED.items())
def test_a_recorded_file_is_stale_a_day_later(sample: str, verdict: str) -> None:
    """The same file, read when its newest good backup is older than the limit, refuses."""
    finding = _judged(sample, NOW + timedelta(hours=24))[-1]
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-age")
    assert verdict.split(" stopped", maxsplit=1)[0] in finding.message


@pytest.mark.parametrize(("sample", "reason"), REFUSED.items())
def test_a_recorded_file_without_a_proven_backup_is_refused(sample: str, reason: str) -> None:
    """Fresh, listed and free of errors is not enough when the WAL is not proven."""
    (finding,) = _judged(sample)
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-usable")
    assert reason in finding.message


@pytest.mark.parametrize(("sample", "reason"), UNREADABLE.items())
def test_an_unreadable_recorded_file_is_unknown(sample: str, reason: str) -> None:
    """Damage says nothing about the backups, and each kind has its own reason."""
    with pytest.raises(BackupUnknown) as caught:
        _judged(sample)
    assert caught.value.message == reason
    assert caught.value.hint.endswith(".")


def test_a_newer_backup_with_damaged_pages_is_told_loudly() -> None:
    """An older good backup is a way back, and somebody must still look at the newest."""
    warning, verdict = _judged("backup.info.with-error")
    assert (warning.status, verdict.status) == (Status.WARNED, Status.PASSED)
    assert "1 newer backup is not usable" in warning.message
    assert "20261121-190643F contains damaged pages" in warning.message
    assert warning.hint


def test_older_rejected_backups_are_listed_in_the_facts_only() -> None:
    """What lies behind a good backup is told in the report, not shouted."""
    (verdict,) = _judged("backup.info.after-expire")
    assert verdict.facts["rejected"] == [
        {"label": "20261121-190643F", "reasons": ["contains damaged pages"]}
    ]
